/* first_difference.h - at which step do two replays of one trace first decide differently, and how?
 *
 * A decision of a step: who is preempted (and how), swapped in, admitted (with how many cached tokens), ignored, and who computes how many
 * tokens, each in the scheduler's order. Block numbers, times and queue lengths are no decisions. Requests are named by their number in
 * the file and their sample, so that engines that count samples differently can be compared.
 *
 * The step is found exactly, in three passes, because keeping the decisions of whole replays would take too much memory:
 *
 *     1  two replays at full speed keep a digest a step of what events and runs of steps show: an upper bound of the step
 *     2  two step-by-step replays up to that bound keep a digest of each step's decisions: the step
 *     3  two more, up to the step found, keep its decisions
 *
 * Digests have 64 bits: a step that differs is overlooked once in 2^64.
 */
#ifndef PAGESIM_FIRST_DIFFERENCE_H
#define PAGESIM_FIRST_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "config/config.h"
#include "engine/observer.h"
#include "trace/trace.h"

enum decision_kind { DECIDE_PREEMPT, DECIDE_SWAP_IN, DECIDE_ADMIT, DECIDE_IGNORE, DECIDE_COMPUTE };

struct decision {
    enum decision_kind kind;
    uint32_t request, sample; /* number in the file; sample of it */
    int64_t value;            /* PREEMPT: enum preemption_kind; ADMIT: cached tokens; COMPUTE: tokens; else 0 */
};

/* The decisions of one step, in order of kinds. */
struct decided_step {
    bool exists; /* false: the replay had ended before */
    int64_t start_ns;
    struct decision *decisions;
    size_t count, capacity;
};

/* An observer of a replay at full speed: pass 1. Zero it before; step_digests_free ends it. */
struct step_digests {
    const struct trace *trace;
    uint64_t *steps;
    size_t count, capacity;
};
struct observer step_digests_observer(struct step_digests *digests);
void step_digests_free(struct step_digests *digests);

/* One of the two replays that are compared. `trace` is as its engine wants it (samples expanded or not). */
struct compared_replay {
    const struct trace *trace;
    const struct config *config;
    const struct step_digests *digests; /* of the finished replay */
};

/* A decision of one side next to that of the other about the same request, where they are not the same. */
struct decision_pair {
    enum decision_kind kind;
    uint32_t request, sample;
    bool in_a, in_b;
    int64_t a, b; /* values */
};

struct first_difference {
    bool found;
    uint64_t step;
    struct decided_step sides[2];
    /* All pairs of that step that differ, in order of kinds, then of side A, then of what only B has. None: only the order differs. */
    struct decision_pair *pairs;
    size_t pair_count;
};

/* SIM_OK with out->found false: no decision differs. first_difference_free ends it in any case. Beyond the replays O(n log n) for n decisions
 * of the step. */
SIM_NODISCARD enum status first_difference_find(const struct compared_replay sides[2], struct first_difference *out, struct diag *diag);
void first_difference_free(struct first_difference *difference);

#endif
