/* digits.h - unsigned decimal numbers out of text, eight digits at a time and without a branch per digit, and into it, two at a time.
 *
 * Functions that take read up to eight bytes from `at` on, whatever they are: the caller sees to it that they may be read (text_file.h leaves
 * slack after its text). Numbers are most of a trace, so their speed is the reader's speed. Source of the three-multiplication conversion:
 * D. Lemire, "Quickly parsing eight digits", 2018.
 */
#ifndef PAGESIM_DIGITS_H
#define PAGESIM_DIGITS_H

#include <stdint.h>
#include <string.h>

enum { DIGITS_MOST = 20 };

/* Powers of ten, by exponent. */
static const uint64_t digits_powers[DIGITS_MOST] = {1,
                                                    10,
                                                    100,
                                                    1000,
                                                    10000,
                                                    100000,
                                                    1000000,
                                                    10000000,
                                                    100000000,
                                                    1000000000,
                                                    10000000000,
                                                    100000000000,
                                                    1000000000000,
                                                    10000000000000,
                                                    100000000000000,
                                                    1000000000000000,
                                                    10000000000000000,
                                                    100000000000000000,
                                                    1000000000000000000,
                                                    UINT64_C(10000000000000000000)};

/* Eight bytes with the first one lowest, whatever the machine's order. */
static inline uint64_t digits_load_8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if defined __BYTE_ORDER__ && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The number of digits that `at` starts with, 0 to 8, and their value. */
static inline unsigned digits_take_8(const char *at, uint32_t *value)
{
    const uint64_t zeros = UINT64_C(0x3030303030303030), high = UINT64_C(0xF0F0F0F0F0F0F0F0);
    uint64_t word = digits_load_8(at) ^ zeros; /* digits become 0 .. 9; adding 6 lifts all else above 15. The lowest such byte is right */
    uint64_t others = (word | (word + UINT64_C(0x0606060606060606))) & high;
    unsigned count = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
    if (count == 0)
        return 0;
    word <<= 64 - 8 * count;        /* as if zeros stood in front: always eight digits from here on */
    word = word * 10 + (word >> 8); /* pairs of digits, then two pairs at once in each half */
    word = ((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
            (word >> 16 & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
           32;
    *value = (uint32_t)word;
    return count;
}

/* As digits_take_8, up to 19 digits; more are counted and make the value wrong, so the caller refuses a count above 19. */
static inline unsigned digits_take(const char *at, uint64_t *value)
{
    uint32_t part = 0;
    unsigned count = digits_take_8(at, &part), all = count;
    *value = part;
    while (count == 8 && all < 24) {
        count = digits_take_8(at + all, &part);
        *value = *value * digits_powers[count] + (count ? part : 0);
        all += count;
    }
    return all;
}

/* How many digits has a value? Its bits say it, or one more: log10(2) is about 1233 / 4096. */
static inline unsigned digits_count(uint64_t value)
{
    const unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1), least = bits * 1233 >> 12;
    return least + (value >= digits_powers[least] || value == 0);
}

/* The decimal form of a value goes to `to`, which has room for DIGITS_MOST; the position after it. Two digits a division, from the last to the
 * first: half the divisions of the plain loop. */
static inline char *digits_put(char *to, uint64_t value)
{
    static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                                "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char *const end = to + digits_count(value), *at = end;
    for (; value >= 100; value /= 100)
        memcpy(at -= 2, pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(at - 2, pairs + 2 * value, 2);
    else
        at[-1] = (char)('0' + value);
    return end;
}

#endif
