/* vllm_v0_groups.h - sequences, their groups and block tables in vLLM V0, and everything that moves blocks between them: allocation,
 * append with copy-on-write, fork, swap, release.
 *
 * A group is one request: sequences in order of creation (which is the order of their ids). One sequence until its first output, then
 * its samples or beams. Finished samples stay in the list, beams that are dropped leave it. Tables live on the GPU or, swapped, on the CPU.
 * Source: doc/vllm_v0.md sections 1, 3 and 11; vLLM 0.6.2 core/block_manager_v1.py, sequence.py.
 */
#ifndef PAGESIM_VLLM_V0_GROUPS_H
#define PAGESIM_VLLM_V0_GROUPS_H

#include "base/integers.h"
#include "config/config.h"
#include "engine/prompt_contents.h"
#include "engine/step.h"
#include "trace/trace.h"
#include "vllm_v0/vllm_v0_detail.h"
#include "vllm_v0/vllm_v0_device.h"

enum v0_status { V0_WAITING, V0_RUNNING, V0_SWAPPED, V0_FINISHED };

struct v0_sequence {
    uint32_t id;
    uint32_t length;  /* known tokens, the newest (whose KV is not written) included */
    int32_t computed; /* negative after a chunk of negative length, see struct scheduled */
    uint32_t generated;
    uint32_t sample; /* the sample that it consumed last */
    enum v0_status status;
    bool decoding; /* stage: false = prefill */
    bool has_table;
    uint32_t *blocks;
    size_t capacity;
    uint32_t count, runs;
    uint64_t *lineage; /* identities of its output tokens; only when lists are wanted */
    size_t lineage_capacity;
};

struct v0_group {
    uint32_t request; /* position in the trace */
    uint32_t samples; /* n */
    uint32_t beam;    /* beam width, 0 = none */
    uint32_t output;  /* tokens to generate */
    uint32_t prompt;
    struct v0_sequence **sequences;
    size_t capacity;
    uint32_t count;
    uint64_t *prompt_contents; /* prefix caching: identity of the prompt up to the end of each of its blocks */
    bool listed;               /* scratch of a step: its sequences are listed as scheduled */
    struct v0_sequence first;  /* the one that it begins with: sequences[0], until a beam leaves. All others have memory of their own */
};

/* A list of pairs of the current step. */
struct v0_pairs {
    struct block_pair *pairs;
    size_t capacity;
    uint32_t count;
};

struct v0_unwritten {
    struct unwritten *list;
    size_t count, capacity;
};

struct v0_manager {
    const struct trace *trace;
    uint32_t block_size, watermark_blocks;
    bool caching, want_lists;
    bool ids; /* tables hold ids; else they are lengths, and each group is one sequence */
    struct v0_device gpu, cpu;
    struct prompt_contents contents; /* prefix caching */
    uint32_t next_sequence_id;
    uint64_t held_tokens, table_blocks, table_runs; /* over tables on the GPU */
    struct v0_pairs copies, swap_in, swap_out;      /* of this step */
    struct v0_unwritten unwritten;                  /* of this step, where lists are wanted */
    uint32_t *moved_to;                  /* with ids, swap: where a block of the other device went; one entry a block of the larger one */
    uint32_t forks, survivor_recomputes; /* of this step */
};

SIM_NODISCARD enum status v0_manager_init(struct v0_manager *manager, const struct trace *trace, const struct config *config,
                                          enum v0_detail detail, struct diag *diag);
void v0_manager_deinit(struct v0_manager *manager);

/* --- groups --- */
SIM_NODISCARD enum status v0_group_open(struct v0_manager *manager, uint32_t request, struct v0_group *group, struct diag *diag);
/* Free all memory; tables must have been released. */
void v0_group_close(struct v0_group *group);
/* Sequences with a status. These questions are asked of each group in each step. */
static inline uint32_t v0_group_count(const struct v0_group *group, enum v0_status status)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < group->count; i++)
        count += group->sequences[i]->status == status;
    return count;
}

/* Sequences not finished. */
static inline uint32_t v0_group_live(const struct v0_group *group)
{
    return group->count - v0_group_count(group, V0_FINISHED);
}

/* A group counts for as many sequences as it may still fork into, so that forking never goes over max_num_seqs. After the first output it
 * has forked, and counts for those alive. */
static inline uint32_t v0_group_reserve(const struct v0_group *group)
{
    if (group->beam)
        return group->beam;
    return group->samples > group->count ? group->samples : v0_group_live(group);
}

/* Has it one sequence for its whole life? Most groups have, and most of what can be said of groups is simple for these. */
static inline bool v0_group_is_single(const struct v0_group *group)
{
    return group->count == 1 && group->samples == 1 && !group->beam;
}

/* A group that waits has one sequence which is not finished: recomputing several is refused when they are preempted (section 5). */
static inline struct v0_sequence *v0_group_only(const struct v0_group *group, enum v0_status status)
{
    uint32_t i = 0;
    while (group->sequences[i]->status != status)
        i++;
    return group->sequences[i];
}

/* That sequence, at hand without looking into the list. */
static inline struct v0_sequence *v0_group_single(struct v0_group *group)
{
    return &group->first;
}

/* Append a copy of `parent` (tokens, stage; no table) with the manager's next id. */
SIM_NODISCARD enum status v0_group_add_copy(struct v0_manager *manager, struct v0_group *group, const struct v0_sequence *parent,
                                            struct v0_sequence **out, struct diag *diag);
/* Drop sequences[i], which has no table. */
void v0_group_remove(struct v0_group *group, uint32_t i);

/* --- blocks --- */
static inline uint32_t v0_blocks_needed(const struct v0_manager *manager, const struct v0_sequence *sequence)
{
    return ceil_div(sequence->length, manager->block_size);
}
/* Tokens present in a sequence's i-th block. `computed` is negative after a chunk of negative length. */
static inline uint32_t v0_tokens_in_block(const struct v0_manager *manager, const struct v0_sequence *sequence, uint32_t i)
{
    const int64_t tokens = (int64_t)sequence->computed - (int64_t)i * manager->block_size;
    return tokens <= 0 ? 0 : tokens < manager->block_size ? (uint32_t)tokens : manager->block_size;
}
enum v0_fit { V0_FITS, V0_LATER, V0_NEVER };
enum v0_fit v0_can_allocate(const struct v0_manager *manager, const struct v0_group *group);
/* A table for the whole waiting sequence. */
SIM_NODISCARD enum status v0_allocate(struct v0_manager *manager, struct v0_group *group, struct diag *diag);
bool v0_can_append(const struct v0_manager *manager, const struct v0_group *group);
/* Room for the newest token of each running sequence; shared last blocks are copied (manager->copies). */
SIM_NODISCARD enum status v0_append(struct v0_manager *manager, struct v0_group *group, struct diag *diag);
/* A free block, which there must be, at the end of a sequence's table. Not with prefix caching. */
void v0_append_fresh(struct v0_manager *manager, struct v0_sequence *sequence);
/* The child gets the parent's table, shared. */
SIM_NODISCARD enum status v0_fork(struct v0_manager *manager, const struct v0_group *group, const struct v0_sequence *parent,
                                  struct v0_sequence *child, struct diag *diag);
void v0_release(struct v0_manager *manager, struct v0_sequence *sequence);
bool v0_can_swap_out(const struct v0_manager *manager, const struct v0_group *group);
enum v0_fit v0_can_swap_in(const struct v0_manager *manager, const struct v0_group *group);
SIM_NODISCARD enum status v0_swap_out(struct v0_manager *manager, struct v0_group *group, struct diag *diag);
SIM_NODISCARD enum status v0_swap_in(struct v0_manager *manager, struct v0_group *group, struct diag *diag);
/* Forget the tables of a swapped group without giving its CPU blocks back, as vLLM does when it drops one. */
void v0_lose_swapped(struct v0_group *group);

/* Prefix caching: mark access to the blocks of a scheduled group, and computed ones. Returns the tokens found computed before (a minimum over
 * its sequences). The two halves are separate because all groups are looked at before any is marked. */
uint32_t v0_touch(struct v0_manager *manager, const struct v0_group *group, int64_t now_ns);
void v0_mark_computed(struct v0_manager *manager, const struct v0_group *group, int32_t chunk);

/* --- outputs (vllm_v0_outputs.c): append tokens, fork into samples, follow beams, finish --- */
/* Hand out this step's tokens to a group that was sampled. */
SIM_NODISCARD enum status v0_feed(struct v0_manager *manager, struct v0_group *group, struct diag *diag);

bool v0_manager_check(const struct v0_manager *manager, const struct v0_group *groups, uint32_t count, struct diag *diag);

#endif
