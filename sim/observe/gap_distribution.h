/* gap_distribution.h - all gaps between tokens of a replay, kept as arithmetic progressions: a hundred thousand of these instead of millions
 * of gaps. Mean and deviation come from exact integer sums and percentiles from exact ranks, so the result does not depend on how the same
 * gaps were cut into progressions.
 *
 * A progression is `count` gaps first, first + change, first + 2 change, ..., each seen `weight` times (by so many requests).
 */
#ifndef PAGESIM_GAP_DISTRIBUTION_H
#define PAGESIM_GAP_DISTRIBUTION_H

#include <stddef.h>
#include <stdint.h>

#include "observe/distribution.h"
#include "observe/gap_packing.h"

struct gap_distribution {
    struct gap_progression *progressions; /* the newest ones */
    size_t progression_count, capacity;
    struct gap_packing packed;      /* those before them */
    uint64_t total;                 /* gaps, by weight */
    int64_t min_ns, max_ns;         /* if there are any */
    unsigned __int128 sum, squares; /* of all gaps in ns, and of their squares */
    uint64_t *weights;              /* by bucket; NULL before the first gap */
};

/* Add `count` >= 1 gaps, `weight` >= 1 times each. None is negative, and the sum of the `count` gaps fits 63 bits. */
SIM_NODISCARD enum status gap_distribution_add(struct gap_distribution *gaps, int64_t first_ns, int64_t change_ns, uint32_t count,
                                               uint32_t weight, struct diag *diag);
/* Make room for `progressions` calls of gap_distribution_add, or the most that are kept unpacked: these neither allocate nor fail, as long as
 * each fits one progression. */
SIM_NODISCARD enum status gap_distribution_reserve(struct gap_distribution *gaps, size_t progressions, struct diag *diag);
/* Pack what was added, as far as it comes to whole blocks: when no more is added, or not soon. */
SIM_NODISCARD enum status gap_distribution_pack(struct gap_distribution *gaps, struct diag *diag);
/* All gaps of `part`, which is empty after that. O(what it has not packed). */
SIM_NODISCARD enum status gap_distribution_take(struct gap_distribution *gaps, struct gap_distribution *part, struct diag *diag);
/* All progressions, packed or not, some at a time and in no order; until one call is not SIM_OK. */
typedef enum status gap_visitor(void *self, const struct gap_progression *progressions, size_t count, struct diag *diag);
SIM_NODISCARD enum status gap_distribution_visit(const struct gap_distribution *gaps, gap_visitor *visit, void *self, struct diag *diag);
void gap_distribution_deinit(struct gap_distribution *gaps);

/* In milliseconds. */
SIM_NODISCARD enum status gap_distribution_summary(const struct gap_distribution *gaps, struct summary *out, struct diag *diag);

/* `count` percentiles (0..100) at once, in milliseconds, interpolated as distribution.h says; 0 when there are no gaps. */
SIM_NODISCARD enum status gap_distribution_percentiles(const struct gap_distribution *gaps, const double *percentiles, size_t count,
                                                       double *out_ms, struct diag *diag);

#endif
