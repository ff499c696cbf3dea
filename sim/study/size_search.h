/* size_search.h - the smallest pool such that it and every larger one up to a bound pass, in as few replays as can be proved enough.
 *
 * Verdicts are not monotone in the pool's size: a larger pool admits earlier and may then preempt. So what is looked for is the largest
 * pool that fails; the answer is one more. Every pool between it and the bound must be known to pass:
 *
 *     0 ....... F F . F | P P P P P P P P P P P P P P P P P P P P P P P ... bound
 *                     ^ largest failing one             |____________|
 *                       answer is the next               the two ends decide the same: so do all between
 *
 * Sandwich: pool size enters a scheduler's decisions only through tests of the form "need + watermark(pool) <= free blocks", which go from
 * no to yes once as the pool grows. If two pools decide the same in every step, then at each test of a pool between them, in the same
 * state, the answer is that of one of the two ends, and both ends went on alike. Which idle block is evicted depends on the pool in other
 * ways; a probe says whether that may have mattered (`skips`).
 *
 * Where neighbours decide differently each is replayed. Gaps are closed from the top, a batch at a time; the batch's size is fixed, so the
 * work done is the same at any number of threads.
 *
 * Where what is evicted may have mattered no two pools need to decide the same, and there can be millions of pools; elsewhere it is the few
 * thousand smallest of which hardly two do. If a proof would take more than `prove` replays, a sample is tested instead: a grid from the
 * bound down, each pool 1/16 smaller; bisection between the largest failing pool and the next that passes, down to neighbours; and the
 * SIZE_NEAR - 1 pools above the answer, all of them. Each that fails becomes the floor of a new round. Pools in between that were not tested
 * may fail. How many replays it would take is told by the last SIZE_TRIES of them: what is left is closed at their pace.
 */
#ifndef PAGESIM_SIZE_SEARCH_H
#define PAGESIM_SIZE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { SIZE_BATCH = 8, SIZE_NEAR = 64, SIZE_TRIES = 32 };

struct size_probe {
    uint32_t pool;
    bool passes;
    bool skips;         /* may be an end of a sandwich */
    uint64_t decisions; /* equal for equal decisions */
    uint32_t hint;      /* a guess at the smallest pool that decides the same; 0 = none */
};

/* Replay `count` pools, 1 <= count <= SIZE_BATCH, and fill everything of each probe but `pool`, which is set. `verified` pools of about
 * `total` are done with: for a progress bar. */
typedef enum status size_probe_function(void *context, struct size_probe *probes, size_t count, uint64_t verified, uint64_t total,
                                        struct diag *diag);

struct size_range {
    uint32_t from, to; /* inclusive */
};

struct size_found {
    uint32_t answer;                  /* 0: the bound itself fails */
    uint32_t failing;                 /* the largest pool that fails; answer - 1; 0: none does, down to one block */
    uint32_t bound;                   /* the largest pool that was asked for; it passes if there is an answer */
    uint32_t verified;                /* every pool from answer to here passes: to the bound, unless above it pools were only sampled */
    uint32_t proved_from;             /* and every one from here to the bound */
    uint64_t sampled;                 /* pools between the two that were tested; all pass */
    uint32_t least_passing;           /* the smallest pool above `failing` that was tested: the answer, unless SIM_INTERRUPTED came */
    uint64_t replays;                 /* probes made */
    uint32_t looked_at;               /* pools below `failing` that were looked at as well: [failing - looked_at, failing) */
    struct size_range *passing_below; /* those of them that pass, from the largest down; owned */
    size_t passing_count, passing_capacity;
    struct size_probe *probes; /* all, by pool; owned */
    size_t probe_count, probe_capacity;
};

/* Search [1, bound], replaying at most `prove` pools or so one by one above the answer; then look at `below` pools under the largest failing
 * one. After SIM_INTERRUPTED *out says what is known so far, with answer 0. Ends with size_found_deinit in any case. */
SIM_NODISCARD enum status size_search(uint32_t bound, uint32_t prove, uint32_t below, size_probe_function *probe, void *context,
                                      struct size_found *out, struct diag *diag);
void size_found_deinit(struct size_found *found);

/* Do all pools between two probes decide as they do? */
bool size_sandwich(const struct size_probe *low, const struct size_probe *high);

#endif
