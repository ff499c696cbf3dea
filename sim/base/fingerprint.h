/* fingerprint.h - 64 bits that tell whether two things are the same: FNV-1a, for files and values that are compared once.
 *
 * Not a defence against forgery. A sweep that is resumed uses it to see that its trace and tables are those it began with. Start with
 * FINGERPRINT_START and feed everything that matters, in a fixed order.
 */
#ifndef PAGESIM_FINGERPRINT_H
#define PAGESIM_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FINGERPRINT_START UINT64_C(14695981039346656037)

/* Eight bytes at a time: the prime spreads upwards, the shift brings it down again. */
static inline uint64_t fingerprint_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(1099511628211);
    return hash ^ (hash >> 29);
}

static inline uint64_t fingerprint_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const char *at = bytes;
    uint64_t word;
    for (; length >= sizeof word; length -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = fingerprint_word(hash, word);
    }
    word = length; /* with its length, so that a short rest differs from one with zeros at its end */
    memcpy((char *)&word + 1, at, length);
    return fingerprint_word(hash, word);
}

#endif
