/* sequence.h - one sequence on the paged cache: grows by tokens, forks, copies a shared last block before writing to it.
 *
 *     kv_paged = pool (who owns which block) + store (the bytes; NULL: metadata only)
 *
 *     parent  [3][7][9]      fork: same ids, one more reference each       child  [3][7][9]
 *     child writes token 40 into block 9, which is shared -> takes block 2, copies 9 to 2 in all layers -> child [3][7][2]
 *
 * Full shared blocks are never written, so only the last one is ever copied, and the last sharer keeps the original.
 * One owner thread per kv_paged. Source: the seed's PagedSequence; PagedAttention (SOSP'23) sections 4.3 and 4.4.
 */
#ifndef KV_SEQUENCE_H
#define KV_SEQUENCE_H

#include "block_pool.h"
#include "block_table.h"
#include "gather.h"

struct kv_paged {
    struct kv_block_pool *pool;
    struct kv_store *store; /* NULL: decide, move nothing */
};

struct kv_sequence {
    struct kv_block_table table;
};

KV_NODISCARD enum kv_status kv_sequence_init(struct kv_sequence *sequence, uint32_t block_size);
/* Give all blocks back, each to the head of the queue when it was the last reference, and become empty. */
void kv_sequence_free(struct kv_sequence *sequence, const struct kv_paged *paged);
/* As kv_sequence_free, then free the table's memory. */
void kv_sequence_deinit(struct kv_sequence *sequence, const struct kv_paged *paged);

/* Make sure that `tokens` (>= 1) more can be written. O(tokens / block_size).
 * KV_OK: the table covers num_tokens + tokens; a shared last block that has room was replaced by a copy, told in *copy.
 * KV_NO_BLOCKS, KV_NO_MEMORY: nothing changed. */
KV_NODISCARD enum kv_status kv_sequence_reserve(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t tokens,
                                                struct kv_block_copy *copy);

/* Write K and V (head_dim floats each) of one head of one layer at the current position, reserving it first when needed. */
KV_NODISCARD enum kv_status kv_sequence_append(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer, uint32_t head,
                                               const float *k, const float *v);
/* The same for all heads of a layer at once: k and v are [head][head_dim]. */
KV_NODISCARD enum kv_status kv_sequence_append_token(struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer,
                                                     const float *k, const float *v);
/* The current position is written in all layers and heads: go to the next. KV_INVALID: it was never reserved. */
KV_NODISCARD enum kv_status kv_sequence_advance(struct kv_sequence *sequence);

/* Make `child` (initialised, empty) share everything of `parent`. KV_NO_MEMORY, KV_INVALID (a count would overflow): nothing changed. */
KV_NODISCARD enum kv_status kv_sequence_fork(const struct kv_sequence *parent, struct kv_sequence *child, const struct kv_paged *paged);

/* Move `count` sequences that may share blocks (a group) to another pool and store of the same shape; sharing survives the trip.
 * KV_NO_BLOCKS: the other pool is too small for the distinct blocks; KV_NO_MEMORY; in both cases nothing changed. */
KV_NODISCARD enum kv_status kv_sequence_swap(struct kv_sequence *const *sequences, uint32_t count, const struct kv_paged *from,
                                             const struct kv_paged *to);

/* Gather one head, or all heads, of all written tokens (gather.h has the layouts). KV_INVALID without a store. */
KV_NODISCARD enum kv_status kv_sequence_gather_head(const struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer,
                                                    uint32_t head, float *k, float *v);
KV_NODISCARD enum kv_status kv_sequence_gather(const struct kv_sequence *sequence, const struct kv_paged *paged, uint32_t layer, float *k,
                                               float *v, uint32_t threads);

/* The table is sound and every entry is a block of the pool that is referenced. */
bool kv_sequence_check(const struct kv_sequence *sequence, const struct kv_paged *paged);

#endif
