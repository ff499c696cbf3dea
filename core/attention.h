/* attention.h - decode attention straight from the blocks, without gathering them first.
 *
 * For each sequence one new token's queries attend to all its written tokens: out = softmax(scale * q K^T) V, computed online in chunks
 * of 16 rows (running maximum and sum per query head), so nothing of the length of the context is ever stored. Query heads come in groups
 * that share a K/V head (grouped-query attention); each K and V row is read once for its whole group.
 *
 *     queries, outputs: [query head][head_dim] float32, query head = kv head * group + g
 *
 * Against exact arithmetic the relative error (in the maximum norm of a head's output) stays below 1e-5 in float32 for contexts up to
 * 32768. Results do not depend on the number of threads; instruction sets differ in rounding.
 * Source: PagedAttention (SOSP'23) section 4.1; online softmax: Milakov and Gimelshein 2018.
 */
#ifndef KV_ATTENTION_H
#define KV_ATTENTION_H

#include "kv_store.h"

struct kv_attend_sequence {
    const uint32_t *blocks; /* the block table; covers num_tokens */
    uint32_t num_tokens;    /* >= 1 */
    const float *queries;   /* num_kv_heads * group * head_dim */
    float *outputs;         /* the same shape */
};

/* `group` query heads for each K/V head, 1..16; `threads` 0 = OpenMP's default. KV_INVALID: a layer, group, head_dim above 4096, table
 * entry or pointer that cannot be; nothing is written then. */
KV_NODISCARD enum kv_status kv_attend_batch(const struct kv_store *store, uint32_t layer, uint32_t group, float scale,
                                            const struct kv_attend_sequence *sequences, uint32_t count, uint32_t threads);

#endif
