/* byte_source.h - the bytes of a file one after another, unpacked on the way where they are compressed.
 *
 * Nothing is mapped: of a mapped file that somebody else cuts short, the missing part kills the process. Here it is an error like any other.
 * text_file.h makes texts of it.
 */
#ifndef PAGESIM_BYTE_SOURCE_H
#define PAGESIM_BYTE_SOURCE_H

#include <stddef.h>

#include "base/decompress.h"
#include "base/diag.h"

struct byte_source;

/* "-" is standard input. `as_it_is`: a compressed file's own bytes. SIM_BAD_INPUT names the path: cannot be opened, is a directory, cannot
 * be read. `path` is borrowed. The caller ends it with close. */
SIM_NODISCARD enum status byte_source_open(const char *path, bool as_it_is, struct byte_source **out, struct diag *diag);

/* A text in memory, borrowed, as if it were the file of that name. */
SIM_NODISCARD enum status byte_source_open_text(const char *name, const char *text, size_t length, struct byte_source **out,
                                                struct diag *diag);

/* A byte_read for a struct byte_source. SIM_BAD_INPUT: cannot be read, became shorter meanwhile, damaged. */
SIM_NODISCARD enum status byte_source_read(void *source, char *to, size_t room, size_t *got, struct diag *diag);

/* How many bytes are to come, where the file system tells; 0: nobody knows. */
size_t byte_source_size(const struct byte_source *source);

/* NULL is fine. */
void byte_source_close(struct byte_source *source);

#endif
