/* preemption_story.h - every preemption of a replay: who lost what to whom, in which chain, and what filled the pool.
 *
 * Events are enough for the preemptions, their chains and sums. What filled the pool the event replay tells when it is asked. Readable
 * schedulers tell it in the lists of single steps, so there a second observer, for a second replay of the same run, adds it.
 *
 * Depth: a preemption has depth 1 when its requester was never preempted before, else 1 + the depth of the requester's latest preemption.
 * (A victim that comes back needs blocks again and may take them from somebody else: the cascade.) A request that finds nobody else preempts
 * itself; then it is the requester too.
 *
 * What filled the pool is what running requests held when the step began (V0: as the step before left it), blocks of several charged as
 * block_holders.h says. vLLM V1 can take cached blocks that nobody uses at any time. So a preemption means that used blocks fill the pool,
 * but for a rest that was too small for the requester.
 */
#ifndef PAGESIM_PREEMPTION_STORY_H
#define PAGESIM_PREEMPTION_STORY_H

#include "observe/block_holders.h"

struct preemption {
    int64_t time_ns;
    uint64_t step;
    uint32_t victim, requester;
    uint32_t tokens_lost, blocks, depth;
    uint32_t nth_of_victim; /* 1, 2, ... */
    bool swap;
    struct pool_filling filling;
};

/* A request's sum. */
struct victim {
    uint32_t position, times;
    uint64_t tokens_lost;
    uint32_t depth; /* of its latest */
};

struct preemption_story {
    const struct trace *trace;
    struct preemption *preemptions; /* in order of time */
    size_t count, capacity;
    struct victim *victims; /* by position */
    uint64_t tokens_lost;
    uint32_t max_depth, requests; /* requests: preempted at least once */
    uint64_t chained;             /* preemptions of depth > 1 */
    size_t filled;                /* the first `filled` preemptions know what filled the pool */
    struct block_holders holders; /* for the second replay */
};

/* End it with preemption_story_deinit in any case. It must stay where it is. */
SIM_NODISCARD enum status preemption_story_init(struct preemption_story *story, const struct trace *trace, struct diag *diag);
void preemption_story_deinit(struct preemption_story *story);
/* First replay; afterwards filled == count if it told what filled the pool. */
struct observer preemption_story_observer(struct preemption_story *story);
/* Second replay, of the same run, after the first. */
SIM_NODISCARD enum status preemption_story_second(struct preemption_story *story, const struct config *config, struct observer *out,
                                                  struct diag *diag);

enum victim_order { WORST_BY_TOKENS, WORST_BY_TIMES };
/* The worst victims first, at most `most` (ties: the other measure, then order of arrival). The caller frees *out. */
SIM_NODISCARD enum status preemption_story_worst(const struct preemption_story *story, enum victim_order order, size_t most,
                                                 struct victim **out, size_t *count, struct diag *diag);

#endif
