/* gather.h - K and V of whole sequences, out of their blocks into contiguous buffers for attention.
 *
 * Buffers belong to the caller and are meant to be used again: fresh zeroed memory costs more than the gather. Layout of each of k and v:
 * [head][token][head_dim] float32. Threads share the blocks of the whole batch evenly, whatever the lengths of its sequences. `threads` 0 =
 * OpenMP's default.
 * Source: the seed's get_kv_for_attention, for all heads at once.
 */
#ifndef KV_GATHER_H
#define KV_GATHER_H

#include "kv_store.h"

struct kv_gather_sequence {
    const uint32_t *blocks; /* the block table; covers num_tokens */
    uint32_t num_tokens;    /* 0 is fine: nothing is gathered */
    float *k, *v;           /* each num_kv_heads * num_tokens * head_dim floats */
};

/* KV_INVALID: layer out of range, a NULL buffer, or a table entry that is no block; nothing is written then. */
KV_NODISCARD enum kv_status kv_gather_batch(const struct kv_store *store, uint32_t layer, const struct kv_gather_sequence *sequences,
                                            uint32_t count, uint32_t threads);

/* Some neighbouring heads of one sequence, by the calling thread alone: k and v each get heads * num_tokens * head_dim floats. Several heads
 * in one call are faster than one at a time, because they lie together in each block. */
KV_NODISCARD enum kv_status kv_gather_heads(const struct kv_store *store, uint32_t layer, uint32_t first_head, uint32_t heads,
                                            const uint32_t *blocks, uint32_t num_tokens, float *k, float *v);
/* One head: k and v get num_tokens * head_dim floats. */
KV_NODISCARD enum kv_status kv_gather_head(const struct kv_store *store, uint32_t layer, uint32_t head, const uint32_t *blocks,
                                           uint32_t num_tokens, float *k, float *v);

#endif
