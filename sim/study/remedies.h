/* remedies.h - how much of one knob it takes until a request is not preempted any more, found by replay.
 *
 * Three knobs, each turned away from where it is, all else left alone:
 *
 *     pool        num_gpu_blocks, upwards            smallest value that spares the request
 *     watermark   free blocks kept at admissions, upwards      (the same)
 *     sequences   max_num_seqs, downwards            largest value that spares it
 *
 * A request is spared when it finishes and is never preempted. The whole run is spared when nobody is preempted and as many requests finish
 * as now. Answers are not monotone: a larger pool admits others sooner, and the request may be hit again. So the search has three parts:
 *
 *     1  a coarse grid over the knob's range
 *     2  bisection between the first grid point that spares and the one before it, down to two neighbouring values of which one spares and
 *        the other does not; both are replayed
 *     3  some points beyond the answer
 *
 * The answer says how many points were tested for the request, and the nearest point beyond it at which the request is preempted again.
 * Values below the answer that were not tested may spare it too, in isolation.
 *
 * Replays run side by side (OpenMP), each stops as soon as it can tell, and every outcome is kept for all requests that it decided. The
 * result does not depend on the number of threads.
 */
#ifndef PAGESIM_REMEDIES_H
#define PAGESIM_REMEDIES_H

#include <stdbool.h>

#include "config/config.h"
#include "trace/trace.h"

enum knob { KNOB_POOL, KNOB_WATERMARK, KNOB_SEQUENCES, KNOBS };
enum { REMEDY_TARGETS_MOST = 31 };

struct remedy {
    bool found;
    int64_t value;   /* blocks (pool; watermark: blocks kept free), or sequences */
    uint32_t points; /* values replayed that decided for this request */
    bool again;      /* beyond `value` it is preempted again, at `again_at` */
    int64_t again_at;
};

/* What is asked: the run as a whole (targets[0]), then requests. */
struct remedies {
    uint32_t targets; /* 1 + requests */
    struct remedy of[1 + REMEDY_TARGETS_MOST][KNOBS];
    int64_t now[KNOBS];
    uint32_t replays;
};

/* `positions` are requests that are preempted under `config`; `completed`: how many requests finish now. `progress` may be NULL. */
struct remedy_question {
    const struct trace *trace;
    const struct config *config;
    const uint32_t *positions;
    uint32_t count; /* at most REMEDY_TARGETS_MOST */
    uint64_t completed;
    bool (*progress)(void *context, uint64_t done, uint64_t total); /* called between rounds of replays; true = stop with SIM_INTERRUPTED */
    void *progress_context;
};

SIM_NODISCARD enum status remedies_find(const struct remedy_question *question, struct remedies *out, struct diag *diag);

/* `config` with a knob at `value`. A watermark is given as the shortest fraction that means so many blocks. */
void remedy_apply(struct config *config, enum knob knob, int64_t value);

#endif
