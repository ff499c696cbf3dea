/* decision_hash.h - an observer that says whether two replays decided the same, at two different pool sizes.
 *
 * The hash covers every event with its time, the load and queues of every step in which prompts are computed, sums over time, and how the
 * run ended: everything that scheduling decides (a step of pure decoding follows from the events around it). It leaves out what depends on
 * the pool's size alone: block ids (contiguity), free blocks, and which idle blocks still hold content.
 */
#ifndef PAGESIM_DECISION_HASH_H
#define PAGESIM_DECISION_HASH_H

#include "engine/observer.h"

struct decision_hash {
    uint64_t hash;
    step_sum used_blocks_ns, held_tokens_ns, waiting_ns;
    uint64_t preemptions;
    uint32_t peak_used;      /* blocks */
    uint32_t least_uncached; /* fewest free blocks without content right after a schedule(); UINT32_MAX: no step. If it is above 0 and
                                 nothing was preempted, no cached block was ever evicted */
};

void decision_hash_init(struct decision_hash *hash);
struct observer decision_hash_observer(struct decision_hash *hash);

#endif
