/* gzip_check.h - does the text that came out of a gzip file have the length and checksum that stand at the file's end?
 *
 * libarchive 3.6 skips both, so a flipped bit would become other numbers without a word. (bzip2, xz and zstd are checked by their own
 * libraries.) Feed the compressed bytes and the text as they pass; ask at the end. Source: RFC 1952.
 */
#ifndef PAGESIM_GZIP_CHECK_H
#define PAGESIM_GZIP_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gzip_check {
    uint32_t tables[8][256]; /* CRC-32 of a byte that is followed by 0 .. 7 others */
    uint32_t crc, text_length;
    uint8_t tail[8]; /* the last compressed bytes: CRC-32 and length of the text, least byte first */
    uint32_t window; /* the last four compressed bytes */
    uint64_t compressed_length;
    bool other_member; /* what looks like the start of another member has passed */
};

void gzip_check_init(struct gzip_check *check);
void gzip_check_compressed(struct gzip_check *check, const void *bytes, size_t length);
void gzip_check_text(struct gzip_check *check, const void *bytes, size_t length);

/* After the last byte. A file of several members has such an end for each and says nothing about the whole: it passes. */
bool gzip_check_passes(const struct gzip_check *check);

#endif
