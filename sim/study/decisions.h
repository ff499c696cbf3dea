/* decisions.h - what a scheduler decided, step by step, so that two replays of one trace can be compared: where do they first part?
 *
 * A decision of a step: who is preempted (and how), swapped in, admitted (with how many cached tokens), ignored, and who computes how many
 * tokens, each in the scheduler's order. Block numbers, times and queue lengths are no decisions. Requests are named by their number in
 * the file and their sample, so that engines that count samples differently can be compared.
 *
 * decisions_part finds the first step whose decisions differ, exactly, in three passes: (1) two replays at full speed, watched by digests
 * of what events and runs of steps show, bound the step from above; (2) two step-by-step replays up to there keep a digest of each step's lists;
 * (3) two more, up to the step found, keep its lists. Digests have 64 bits: a step that differs is overlooked once in 2^64.
 */
#ifndef PAGESIM_DECISIONS_H
#define PAGESIM_DECISIONS_H

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

/* An observer of a replay at full speed: pass 1. Zero it before; decision_digests_free ends it. */
struct decision_digests {
    const struct trace *trace;
    uint64_t *steps;
    size_t count, capacity;
};
struct observer decision_digests_observer(struct decision_digests *digests);
void decision_digests_free(struct decision_digests *digests);

/* One of the two replays that are compared. `trace` is as its engine wants it (samples expanded or not). */
struct decision_side {
    const struct trace *trace;
    const struct config *config;
    const struct decision_digests *digests; /* of the finished replay */
};

struct parting {
    bool found;
    uint64_t step;
    struct decided_step sides[2];
};

/* SIM_OK with out->found false: no decision differs. parting_free ends it in any case. */
SIM_NODISCARD enum status decisions_part(const struct decision_side sides[2], struct parting *out, struct diag *diag);
void parting_free(struct parting *parting);

/* A decision of one side beside that of the other about the same request, where they are not the same. */
struct decision_pair {
    enum decision_kind kind;
    uint32_t request, sample;
    bool in_a, in_b;
    int64_t a, b; /* values */
};

/* All pairs that differ, in order of kinds, then of side A, then of what only B has. *count = 0: only the order differs. The caller frees
 * *pairs. O(count log count). */
SIM_NODISCARD enum status decisions_pair(const struct parting *parting, struct decision_pair **pairs, size_t *count, struct diag *diag);

#endif
