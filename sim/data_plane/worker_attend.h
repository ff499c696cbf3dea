/* worker_attend.h - the data plane's other way to read (kv.read = attend): attention straight from the blocks.
 *
 * Each scheduled sequence's last token attends, in each layer, to all tokens written so far, with ATTEND_GROUP query heads for each K/V
 * head. The queries are the same for all sequences: fixed numbers, so small that the scores of the verified plane's values (up to
 * 2^24) spread over a few units and every token keeps a weight. Verified, each output is compared with exact arithmetic over the values
 * that should be there.
 */
#ifndef PAGESIM_WORKER_ATTEND_H
#define PAGESIM_WORKER_ATTEND_H

#include "base/diag.h"
#include "config/config.h"
#include "data_plane/worker_step.h"
#include "pagedkv.h"

enum { ATTEND_GROUP = 4 };
/* Largest error, relative to a head's largest output, that rounding explains (attention.h). */
#define ATTEND_TOLERANCE 1e-5

/* Zero at first; buffers grow and are reused. */
struct attend_plan {
    float *queries, *outputs;
    size_t query_capacity, output_capacity;
    struct kv_attend_sequence *sequences; /* one for each of the step's, in its order */
    size_t sequence_capacity;
};

/* Make the plan for a step; it borrows the step's tables, of blocks of `block_size` tokens. */
SIM_NODISCARD enum status attend_plan_make(struct attend_plan *plan, const struct kv_config *kv, uint32_t block_size,
                                           const struct worker_step *step, struct diag *diag);
void attend_plan_deinit(struct attend_plan *plan);

/* Error of one sequence's outputs, relative to the largest output of their K/V head, against double precision over the values that tokens
 * with these links have (worker_values.h). */
SIM_NODISCARD enum status attend_error(const struct kv_config *kv, uint32_t layer, const uint64_t *links,
                                       const struct kv_attend_sequence *sequence, uint32_t threads, double *error, struct diag *diag);

#endif
