/* preemption_story.h - every preemption of a replay: who lost what to whom, in which chain, and what filled the pool.
 *
 * Two observers, for two replays of the same run. Events are enough for the preemptions, their chains and sums. What filled the pool needs
 * the lists of single steps, so a second, slower replay adds it where it is wanted.
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

enum { LARGEST_HOLDERS = 3 };

/* When the step began. */
struct pool_filling {
    bool known;
    uint32_t used_blocks;
    uint32_t unused_blocks;            /* free, or cached and idle */
    uint32_t holders[2], blocks[2];    /* by CLASS_PREFILL, CLASS_DECODE: requests (V0: sequences), blocks charged */
    uint32_t saved_blocks;             /* that sharing spared */
    uint32_t empty_slots;              /* in used blocks */
    uint32_t largest[LARGEST_HOLDERS]; /* positions, most blocks first */
    uint32_t largest_blocks[LARGEST_HOLDERS], largest_count;
};

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
    /* the second replay */
    struct block_holders holders;
    size_t filled;
};

/* End it with preemption_story_deinit in any case. It must stay where it is. */
SIM_NODISCARD enum status preemption_story_init(struct preemption_story *story, const struct trace *trace, struct diag *diag);
void preemption_story_deinit(struct preemption_story *story);
/* First replay. */
struct observer preemption_story_observer(struct preemption_story *story);
/* Second replay, of the same run, after the first. */
SIM_NODISCARD enum status preemption_story_second(struct preemption_story *story, const struct config *config, struct observer *out,
                                                  struct diag *diag);

enum victim_order { WORST_BY_TOKENS, WORST_BY_TIMES };
/* The worst victims first, at most `most` (ties: the other measure, then order of arrival). The caller frees *out. */
SIM_NODISCARD enum status preemption_story_worst(const struct preemption_story *story, enum victim_order order, size_t most,
                                                 struct victim **out, size_t *count, struct diag *diag);

#endif
