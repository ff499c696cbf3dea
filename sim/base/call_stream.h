/* call_stream.h - a FILE that hands what is printed to a function, where the C library has such a thing: glibc, musl, macOS, the BSDs. */
#ifndef PAGESIM_CALL_STREAM_H
#define PAGESIM_CALL_STREAM_H

#include <stdio.h>
#include <sys/types.h>

/* Takes all of `length` bytes and returns `length`, or less: then the stream has an error. */
typedef ssize_t call_stream_write(void *context, const char *text, size_t length);

/* NULL: out of memory, or there is no such thing here. To be closed with fclose. */
FILE *call_stream_open(call_stream_write *write, void *context);

#endif
