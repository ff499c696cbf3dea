/* csv_values.h - the values of CSV cells: times as dates or decimal numbers, both exact to the nanosecond, and counts.
 *
 * Each function takes a whole cell and says whether it is one. All are pure. */
#ifndef PAGESIM_CSV_VALUES_H
#define PAGESIM_CSV_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2023-11-16 18:15:46.6805900, ' ' or 'T', up to nine digits of a second, in UTC or with a zone (Z, +01:00, -0700, +05): nanoseconds since
 * 1970, which are not negative. *zone_length is that of the zone at the end. */
bool csv_date(const char *text, size_t length, int64_t *ns, size_t *zone_length);

/* s, ms, us, ns are 10^9, 10^6, 10^3, 10^0 ns. */
static inline uint32_t csv_unit_power(double unit_ns)
{
    return unit_ns >= 1e9 ? 9 : unit_ns >= 1e6 ? 6 : unit_ns >= 1e3 ? 3 : 0;
}

/* A decimal number from 0 on, also 1.5e-05, times 10^unit_power, rounded half to even to a whole number. The digits are scaled as they stand,
 * so that nothing is lost on the way. false also above TRACE_MAX_NS. */
bool csv_decimal(const char *text, size_t length, uint32_t unit_power, int64_t *ns);

/* A whole number from least to most. 5.0 is one, too: tables with holes are written with fractions. */
bool csv_count(const char *text, size_t length, int64_t least, int64_t most, int64_t *out);

#endif
