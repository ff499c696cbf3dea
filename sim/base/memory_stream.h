/* memory_stream.h - print to memory and notice when it runs out. open_memstream() of the C library says nothing then: its text is empty or
 * cut, and fclose() succeeds. */
#ifndef PAGESIM_MEMORY_STREAM_H
#define PAGESIM_MEMORY_STREAM_H

#include <stdio.h>

#include "base/diag.h"

enum { MEMORY_STREAM_BUFFER = 4096 };

/* It must not move while the stream is open. */
struct memory_stream {
    FILE *file; /* print here */
    char *text;
    size_t length, capacity;
    bool failed;
    char buffer[MEMORY_STREAM_BUFFER]; /* of the file: its own would be one more allocation that can fail without a word */
};

SIM_NODISCARD enum status memory_stream_open(struct memory_stream *stream, struct diag *diag);
/* End the printing. SIM_OK: *text is terminated and the caller's to free. SIM_FAILED: some text had no memory; there is nothing to free. */
SIM_NODISCARD enum status memory_stream_close(struct memory_stream *stream, char **text, size_t *length, struct diag *diag);

#endif
