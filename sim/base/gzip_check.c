/* gzip_check.c - CRC-32, eight bytes a step. Read gzip_check.h first. */
#include "base/gzip_check.h"

#include <string.h>

/* The polynomial of RFC 1952, bits reversed; a member's first three bytes, and the flags that may follow, as a number with the first byte
 * on top. */
#define POLYNOMIAL   UINT32_C(0xEDB88320)
#define MEMBER_START UINT32_C(0x1F8B0800)
#define MEMBER_MASK  UINT32_C(0xFFFFFFE0)

void gzip_check_init(struct gzip_check *check)
{
    *check = (struct gzip_check){.crc = UINT32_MAX};
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        check->tables[0][byte] = crc;
    }
    for (int after = 1; after < 8; after++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            const uint32_t before = check->tables[after - 1][byte];
            check->tables[after][byte] = before >> 8 ^ check->tables[0][before & 255];
        }
}

/* The file's own beginning does not count as another member. */
void gzip_check_compressed(struct gzip_check *check, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++) {
        check->window = check->window << 8 | at[i];
        check->other_member |= (check->window & MEMBER_MASK) == MEMBER_START && check->compressed_length + i >= 4;
    }
    check->compressed_length += length;
    const size_t kept = length < sizeof check->tail ? sizeof check->tail - length : 0;
    memmove(check->tail, check->tail + sizeof check->tail - kept, kept);
    memcpy(check->tail + kept, at + length - (sizeof check->tail - kept), sizeof check->tail - kept);
}

static uint32_t read32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void gzip_check_text(struct gzip_check *check, const void *bytes, size_t length)
{
    const uint8_t *at = bytes, *end = at + length;
    uint32_t crc = check->crc;
    for (; end - at >= 8; at += 8) {
        const uint32_t low = crc ^ read32(at), high = read32(at + 4);
        crc = check->tables[7][low & 255] ^ check->tables[6][low >> 8 & 255] ^ check->tables[5][low >> 16 & 255] ^
              check->tables[4][low >> 24] ^ check->tables[3][high & 255] ^ check->tables[2][high >> 8 & 255] ^
              check->tables[1][high >> 16 & 255] ^ check->tables[0][high >> 24];
    }
    for (; at < end; at++)
        crc = crc >> 8 ^ check->tables[0][(crc ^ *at) & 255];
    check->crc = crc;
    check->text_length += (uint32_t)length;
}

/* Another length with another member in sight: then it is the length of the last member alone. */
bool gzip_check_passes(const struct gzip_check *check)
{
    if (check->compressed_length < sizeof check->tail)
        return false;
    if (read32(check->tail + 4) != check->text_length)
        return check->other_member;
    return read32(check->tail) == ~check->crc;
}
