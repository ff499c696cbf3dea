/* units.c - numbers as people read them. Nothing here is read back by a program but unit_decimal, which is exact and works on integers.
 */
#include "base/units.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A comma where a multiple of three digits is left. */
char *unit_count(uint64_t value, char *out)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value), used = 0;
    for (int i = 0; i < length; i++) {
        out[used++] = digits[i];
        if (i + 1 < length && (length - 1 - i) % 3 == 0)
            out[used++] = ',';
    }
    out[used] = '\0';
    return out;
}

enum { PREFIXES = 6 };

/* Divide by `step` while the value is `limit` or more and there is a larger unit; returns the unit's number. */
static size_t scale(double *value, double step, double limit)
{
    size_t unit = 0;
    for (; *value >= limit && unit + 1 < PREFIXES; unit++)
        *value /= step;
    return unit;
}

char *unit_short(double value, char *out)
{
    static const char *const names[PREFIXES] = {"", "k", "M", "G", "T", "P"};
    const size_t unit = scale(&value, 1000, 999.5); /* from there on three digits round to 1000 */
    snprintf(out, UNIT_TEXT, "%.3g%s", value, names[unit]);
    return out;
}

/* Three digits: as many decimals as leave that many. */
char *unit_bytes(double bytes, char *out)
{
    static const char *const names[PREFIXES] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    const size_t unit = scale(&bytes, 1024, 1024);
    snprintf(out, UNIT_TEXT, unit == 0 || bytes >= 100 ? "%.0f %s" : bytes >= 10 ? "%.1f %s" : "%.2f %s", bytes, names[unit]);
    return out;
}

/* Two units at most: nobody needs the seconds of an hour. */
char *unit_seconds(double seconds, char *out)
{
    const bool short_time = seconds < 60, too_long = !(seconds < 1e15);
    const unsigned long whole = short_time || too_long ? 0 : (unsigned long)(seconds + 0.5);
    if (too_long)
        snprintf(out, UNIT_TEXT, "%.3g s", seconds);
    else if (short_time)
        snprintf(out, UNIT_TEXT, "%.*f s", seconds < 10 ? 2 : 0, seconds);
    else if (whole < 3600)
        snprintf(out, UNIT_TEXT, "%lu min %02lu s", whole / 60, whole % 60);
    else
        snprintf(out, UNIT_TEXT, "%lu h %02lu min", whole / 3600, whole / 60 % 60);
    return out;
}

/* A difference of a rounding error, or a negative zero, is no negative number to people. */
char *unit_fixed(double value, int decimals, char *out, size_t size)
{
    snprintf(out, size, "%.*f", decimals, value);
    if (out[0] == '-' && strspn(out + 1, "0.") == strlen(out + 1))
        memmove(out, out + 1, strlen(out));
    return out;
}

/* Digits from the last to the first, zeros at the end skipped, then turned round. The most negative value has no positive twin, so its
 * magnitude is taken in unsigned arithmetic. */
size_t unit_decimal(int64_t value, unsigned places, char *out)
{
    char digits[UNIT_TEXT]; /* from the back */
    unsigned used = 0, skipped = 0;
    size_t length = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; places > skipped && rest % 10 == 0; skipped++)
        rest /= 10;
    for (unsigned place = skipped; place <= places || rest > 0; place++) {
        if (place == places && used > 0)
            digits[used++] = '.';
        digits[used++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value < 0)
        out[length++] = '-';
    while (used > 0)
        out[length++] = digits[--used];
    out[length] = '\0';
    return length;
}
