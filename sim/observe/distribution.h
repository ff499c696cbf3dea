/* distribution.h - mean and exact percentiles of many values, in time linear in their number.
 *
 * Percentiles interpolate linearly between the two nearest ranks (rank = p / 100 * (n - 1); numpy's default and vLLM's). No full sort: one
 * pass counts values in equal-width buckets, then only the buckets that hold a wanted rank are sorted. For gaps between tokens, of which
 * there are millions, see gap_distribution.h.
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

/* Figures of a distribution; all 0 when count is 0. */
struct figures {
    uint64_t count;
    double mean, std, min, max, median, p90, p95, p99;
};

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

/* Rank of a percentile among `count` >= 1 sorted values: its whole part, and how far towards the next. */
uint64_t percentile_rank(double p, uint64_t count, double *fraction);

/* Of `buckets` buckets the one that holds a rank; below[i]: how many values are in those before bucket i, buckets + 1 sums. */
size_t bucket_of_rank(const uint64_t *below, size_t buckets, uint64_t rank);

SIM_NODISCARD enum status distribution_figures(const struct distribution *distribution, struct figures *out, struct diag *diag);

/* `count` percentiles (0..100) at once; 0 for an empty distribution. */
SIM_NODISCARD enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count,
                                                   double *out, struct diag *diag);

#endif
