/* compare.h - what the comparison functions of sorts are made of: below 0, 0 or above 0 as `a` comes before, with or after `b`. */
#ifndef PAGESIM_COMPARE_H
#define PAGESIM_COMPARE_H

#include <stdint.h>

/* A difference would overflow. */
static inline int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Neither may be NaN. */
static inline int compare_doubles(double a, double b)
{
    return (a > b) - (a < b);
}

/* For qsort of doubles. */
static inline int compare_double_items(const void *a, const void *b)
{
    return compare_doubles(*(const double *)a, *(const double *)b);
}

#endif
