/* naive_percentile.h - the definition of a percentile, on the sorted list of all values: what the fast ways are judged against. */
#ifndef TESTS_NAIVE_PERCENTILE_H
#define TESTS_NAIVE_PERCENTILE_H

#include <math.h>
#include <stddef.h>

/* For qsort of doubles. */
static inline int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

/* Between two ranks by a straight line. In the unit of the values; `count` is at least 1. */
static inline double naive_percentile(const double *sorted, size_t count, double p)
{
    double rank = p / 100 * (double)(count - 1);
    size_t low = (size_t)floor(rank), high = low + 1 < count ? low + 1 : low;
    return sorted[low] + (rank - (double)low) * (sorted[high] - sorted[low]);
}

#endif
