/* units.h - numbers for people. Each function fills a caller's buffer of at least 32 bytes and returns it. */
#ifndef PAGESIM_UNITS_H
#define PAGESIM_UNITS_H

#include <stddef.h>
#include <stdint.h>

enum { UNIT_TEXT = 32 };

/* 1234567 -> "1,234,567" */
char *unit_count(uint64_t value, char *out);
/* 1234567 -> "1.23M", 5000 -> "5k": three digits at most, no trailing zeros */
char *unit_short(double value, char *out);
/* Binary units, three digits: "512 B", "1.50 GiB" */
char *unit_bytes(double bytes, char *out);
/* Seconds as "0.25 s", "3 min 20 s", "2 h 05 min" */
char *unit_seconds(double seconds, char *out);

/* So many decimals, at most size - 1 characters. What rounds to 0 has no sign: "0.0", never "-0.0". */
char *unit_fixed(double value, int decimals, char *out, size_t size);

/* value / 10^places exactly and without trailing zeros: (1500000, 9) -> "0.0015". For programs: nanoseconds as s, ms or us. Returns the
 * length. */
size_t unit_decimal(int64_t value, unsigned places, char *out);

#endif
