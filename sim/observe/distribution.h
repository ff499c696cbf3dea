/* distribution.h - mean and exact percentiles of many values, in time linear in their number.
 *
 * Percentiles interpolate linearly between the two nearest ranks (rank = p / 100 * (n - 1)), which is numpy's default and so vLLM's. There
 * is no full sort: one pass counts values in buckets of equal width, then only the buckets that hold a wanted rank are sorted. Gaps between
 * tokens, of which there are millions, have a structure of their own (gap_distribution.h).
 */
#ifndef PAGESIM_DISTRIBUTION_H
#define PAGESIM_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/array.h"

struct distribution {
    double *values;
    size_t count, capacity;
};

/* What reports say about a distribution. All 0 when count is 0. */
struct summary {
    uint64_t count;
    double mean, std, min, max, median, p90, p95, p99;
};

/* The percentiles of a summary, from min to max; and setting them. */
enum { SUMMARY_PERCENTILES = 6 };
extern const double summary_percentiles[SUMMARY_PERCENTILES];
void summary_set_percentiles(struct summary *summary, const double values[SUMMARY_PERCENTILES]);

/* Make room for `count` values in all. */
SIM_NODISCARD static inline enum status distribution_reserve(struct distribution *distribution, size_t count, struct diag *diag)
{
    return array_reserve(&distribution->values, &distribution->capacity, count, sizeof *distribution->values, "a distribution", diag);
}

SIM_NODISCARD static inline enum status distribution_add(struct distribution *distribution, double value, struct diag *diag)
{
    if (distribution->count == distribution->capacity) {
        enum status status = array_reserve(&distribution->values, &distribution->capacity, distribution->count + 1,
                                           sizeof *distribution->values, "a distribution", diag);
        if (status != SIM_OK)
            return status;
    }
    distribution->values[distribution->count++] = value;
    return SIM_OK;
}
void distribution_deinit(struct distribution *distribution);

/* The rank of a percentile among `count` >= 1 sorted values: returns its whole part; *fraction is how far it lies towards the next rank. */
uint64_t percentile_rank(double p, uint64_t count, double *fraction);

/* Which of `buckets` buckets holds a rank. below[i], buckets + 1 of them, is how many values are in the buckets before bucket i. */
size_t bucket_of_rank(const uint64_t *below, size_t buckets, uint64_t rank);

SIM_NODISCARD enum status distribution_summary(const struct distribution *distribution, struct summary *out, struct diag *diag);

/* `count` percentiles (0..100) at once; 0 for an empty distribution. */
SIM_NODISCARD enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count,
                                                   double *out, struct diag *diag);

#endif
