/* binding_limits.h - an observer that says what the waiting wait for, and whether a limit was ever reached at all.
 *
 * While requests wait, one of three things keeps the first of them out:
 *
 *     seats     as many run as may (max_num_seqs)
 *     budget    the step's tokens are all given out (max_num_batched_tokens)
 *     blocks    neither: the pool lacks blocks, or the watermark keeps them free
 *
 * Where nobody waits, nothing of this binds, and latencies are the device's. Limits that were never reached decide nothing: `fold` in
 * study/tune_fold.h says which other values would have given the same replay.
 */
#ifndef PAGESIM_BINDING_LIMITS_H
#define PAGESIM_BINDING_LIMITS_H

#include "config/config.h"
#include "engine/observer.h"

enum limit { LIMIT_SEATS, LIMIT_BUDGET, LIMIT_BLOCKS, LIMITS };
extern const char *const limit_names[LIMITS]; /* of the keys or things: "max_num_seqs", ... */

struct binding_limits {
    uint32_t seats, budget;
    int64_t bound_ns[LIMITS]; /* for so long somebody waited for this */
    int64_t waiting_ns, busy_ns, all_ns;
    int64_t full_ns; /* steps whose tokens were all given out */
    uint32_t peak_running, peak_step_tokens, peak_used_blocks;
    uint64_t preemptions;
};

void binding_limits_init(struct binding_limits *limits, const struct config *config);
struct observer binding_limits_observer(struct binding_limits *limits);

/* A time as a share of the whole run; 0 for an empty one. */
double binding_limits_share(const struct binding_limits *limits, int64_t ns);

/* What those who wait wait for most of the time; LIMITS: hardly anybody waits (below a hundredth of the time), the device decides. */
enum limit binding_limits_main(const struct binding_limits *limits);

#endif
