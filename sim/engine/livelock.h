/* livelock.h - when a replay goes on for ever without getting anywhere.
 *
 * vLLM V1 under priority, with equal keys and the full-prompt gate off, can let requests preempt each other for ever: each admission takes
 * the blocks that the other needs. So many steps in a row without one output token are no long prompt but that; the replay ends as a stall.
 */
#ifndef PAGESIM_LIVELOCK_H
#define PAGESIM_LIVELOCK_H

#include <stdio.h>

#include "replay/engine.h"

enum { LIVELOCK_STEPS = 1000000 };

/* Call after each step with the tokens that it brought; true: give up, *facts says why. */
static inline bool livelocked(uint64_t *steps_without_token, uint32_t tokens, struct replay_facts *facts)
{
    *steps_without_token = tokens > 0 ? 0 : *steps_without_token + 1;
    if (*steps_without_token <= LIVELOCK_STEPS)
        return false;
    facts->end.stalled = true;
    snprintf(facts->diagnosis, sizeof facts->diagnosis,
             "a million steps brought no token: requests preempt each other for ever; raise num_gpu_blocks or lower max_num_seqs");
    return true;
}

#endif
