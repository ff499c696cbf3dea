/* decompress.h - gzip, bzip2, xz and zstd, and a tar with one file, as layers over whatever gives the bytes.
 *
 *     file --bytes--> unpacker "gzip" --bytes--> unpacker "tar" --bytes--> text
 *
 * The kind is known by the first bytes, whatever the name. A layer asks the one below for as much as it needs, so nothing is held but its
 * buffer. Read byte_source.h next, which puts the layers together.
 */
#ifndef PAGESIM_DECOMPRESS_H
#define PAGESIM_DECOMPRESS_H

#include <stddef.h>

#include "base/diag.h"

/* Give `room` bytes, or at the end fewer: *got says how many. */
typedef enum status byte_read(void *self, char *to, size_t room, size_t *got, struct diag *diag);

enum { PACKED_HEAD = 512 }; /* so many first bytes, or the whole of a shorter file, tell the kind */

/* "gzip", "bzip2", "xz", "zstd", "tar", or NULL for what is none of them. */
const char *packed_kind(const char *head, size_t length);

struct unpacker;
/* A layer for `kind`, of packed_kind, over `from`, which is asked with `self`. `name` is the file's, for messages; all are borrowed. */
SIM_NODISCARD enum status unpacker_open(const char *name, const char *kind, byte_read *from, void *self, struct unpacker **out,
                                        struct diag *diag);

/* A byte_read for a struct unpacker. SIM_BAD_INPUT: damaged, cut short, or a tar without exactly one regular file. */
SIM_NODISCARD enum status unpacker_read(void *unpacker, char *to, size_t room, size_t *got, struct diag *diag);
/* NULL is fine. */
void unpacker_close(struct unpacker *unpacker);

#endif
