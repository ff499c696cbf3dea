/* worker_step.h - what the data plane does in one step: which tokens each sequence writes and reads, in blocks of the store.
 *
 * Groups of layers may have blocks of different numbers of tokens, which are blocks of one pool all the same. So the store has smaller ones, of as
 * many tokens as all of them are multiples of:
 *
 *     pool block 7    a group with blocks of 48    [21][22][23]      a group with blocks of 16    [21]      (the store's, of 16 tokens)
 *
 * With speculation it is known only when a step's output is back which drafts were right, and so which tokens stood in it. Then steps are
 * kept until they are complete and done in their order: no block is given to anybody else before.
 */
#ifndef PAGESIM_WORKER_STEP_H
#define PAGESIM_WORKER_STEP_H

#include "config/kv_groups.h"
#include "engine/step.h"

struct worker_sequence {
    uint32_t request, sample, group;
    const uint64_t *lineage; /* as in step_sequence */
    const uint32_t *blocks;  /* the store's; table entry k holds tokens [k * hash_block_size, ...) */
    uint32_t received;       /* as in step_sequence */
    uint32_t start, tokens;  /* likewise, but that rejected drafts of the step before are not counted as present */
    uint32_t wrong;          /* part of tokens, the last ones: drafts that were wrong */
    uint32_t first;          /* where reading begins: at the block in which the window of the step's first token does */
};

/* From `first` on; wrong drafts are not read, as nobody goes on from them. */
static inline uint32_t worker_tokens_read(const struct worker_sequence *sequence)
{
    return sequence->start + sequence->tokens - sequence->wrong - sequence->first;
}

/* Zero at first; memory grows and is reused. */
struct worker_step {
    uint64_t number;
    bool overlaps; /* it was decided while the step before it was in flight */
    struct worker_sequence *sequences;
    size_t sequence_capacity;
    uint32_t count;
    uint32_t *blocks; /* copies of tables, where they are kept or have other blocks */
    size_t block_capacity;
};

/* Of a step that was just decided. `keep`: tables are copied; else they are borrowed where they can be. */
SIM_NODISCARD enum status worker_step_make(struct worker_step *out, const struct step *step, const struct kv_groups *groups, bool keep,
                                           struct diag *diag);
void worker_step_deinit(struct worker_step *step);

/* Is a block held for tokens that nobody looks at any more, or given up too early? NULL: no; else which sequence of the step. */
const struct step_sequence *worker_step_wrong_window(const struct step *step, const struct kv_groups *groups);

/* Store blocks in a block of the pool. */
uint32_t worker_store_blocks(const struct kv_groups *groups);

/* Where a sequence that computes from token `start` on begins to read. */
uint32_t worker_first_read(const struct kv_groups *groups, uint32_t group, uint32_t start);

#endif
