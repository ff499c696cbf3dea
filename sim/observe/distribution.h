/* distribution.h - mean and exact percentiles of many weighted values, in time linear in their number.
 *
 * Percentiles interpolate linearly between the two nearest ranks (rank = p / 100 * (n - 1) over values repeated by weight; numpy's default
 * and vLLM's). No full sort: one pass counts weights in equal-width buckets, then only the buckets that hold a wanted rank are sorted.
 */
#ifndef PAGESIM_DISTRIBUTION_H
#define PAGESIM_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct distribution {
    double *values;
    uint32_t *weights;
    size_t count, value_capacity, weight_capacity;
};

/* Figures of a distribution; all 0 when count is 0. */
struct figures {
    uint64_t count; /* sum of weights */
    double mean, std, min, max, median, p90, p95, p99;
};

SIM_NODISCARD enum status distribution_add(struct distribution *distribution, double value, uint32_t weight, struct diag *diag);
void distribution_deinit(struct distribution *distribution);

SIM_NODISCARD enum status distribution_figures(const struct distribution *distribution, struct figures *out, struct diag *diag);

/* `count` percentiles (0..100) at once; 0 for an empty distribution. */
SIM_NODISCARD enum status distribution_percentiles(const struct distribution *distribution, const double *percentiles, size_t count,
                                                   double *out, struct diag *diag);

#endif
