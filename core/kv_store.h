/* kv_store.h - the bytes: keys and values of all layers, in blocks.
 *
 *   per layer, K and V each:   [block][head][offset][head_dim]
 *
 *     block 0                                    block 1
 *     | head 0: token 0, 1, .. B-1 | head 1 ... | head 0: ...
 *       `-- head_dim values a token
 *
 * so the tokens that one block holds for one head are one contiguous run, which is what a gather copies. Storage is float32, float16 or
 * bfloat16 (both 16-bit types as uint16_t); callers always see float32, converted on the way in (round to nearest even) and out.
 * Memory comes from mmap, 64-byte aligned, with 2 MiB pages asked for before the first touch; untouched blocks cost nothing.
 * Metadata (who owns which block) is not here. Writers and readers of different blocks may run in parallel.
 * Source: the seed's PagedKVPool; PagedAttention (SOSP'23) section 4.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <stddef.h>

#include "status.h"

enum kv_store_dtype { KV_STORE_FLOAT32, KV_STORE_FLOAT16, KV_STORE_BFLOAT16 };

struct kv_store_shape {
    uint32_t num_layers, num_kv_heads, head_dim, block_size, num_blocks; /* all >= 1 */
    enum kv_store_dtype dtype;
};

struct kv_store {
    struct kv_store_shape shape;
    size_t element_bytes;
    size_t head_elements;  /* block_size * head_dim: one head of one block */
    size_t block_elements; /* num_kv_heads * head_elements */
    size_t layer_bytes;    /* of K or of V */
    unsigned char *memory; /* layer 0 K, layer 0 V, layer 1 K, ... each layer_bytes */
    size_t mapped_bytes;
};

/* KV_INVALID: a size is 0 or the whole does not fit the address space. KV_NO_MEMORY: mmap failed. */
KV_NODISCARD enum kv_status kv_store_create(const struct kv_store_shape *shape, struct kv_store **out);
void kv_store_destroy(struct kv_store *store); /* NULL is fine */

/* Bytes of payload of the whole store, and of one block over all layers, K and V. */
size_t kv_store_bytes(const struct kv_store *store);
size_t kv_store_block_bytes(const struct kv_store *store);

/* Write or read one position: k and v hold head_dim floats. KV_INVALID: an index is out of range; nothing changed. */
KV_NODISCARD enum kv_status kv_store_write(struct kv_store *store, uint32_t layer, uint32_t block, uint32_t head, uint32_t offset,
                                           const float *k, const float *v);
KV_NODISCARD enum kv_status kv_store_read(const struct kv_store *store, uint32_t layer, uint32_t block, uint32_t head, uint32_t offset,
                                          float *k, float *v);

/* Write tokens [start, start + count) of a sequence whose table is `blocks` (which covers them), all heads of a layer. k and v are laid
 * out [token][head][head_dim], as a model's projection leaves them. The calling thread sees the values at once; others after
 * kv_store_publish, or after any lock or OpenMP barrier (a fence a token would cost a third of the speed). */
KV_NODISCARD enum kv_status kv_store_write_tokens(struct kv_store *store, uint32_t layer, const uint32_t *blocks, uint32_t start,
                                                  uint32_t count, const float *k, const float *v);
void kv_store_publish(const struct kv_store *store);

struct kv_block_copy {
    uint32_t source, destination;
};

/* Copy blocks over all layers, K and V, straight from place to place, one pair after the other: copies on write (to == from) or a swap
 * out or in (two stores of equal shape but for num_blocks). threads > 1 share the pairs, which must then be independent of each other.
 * Copying a block onto itself is KV_INVALID; then nothing is copied. */
KV_NODISCARD enum kv_status kv_store_copy_blocks(struct kv_store *to, const struct kv_store *from, const struct kv_block_copy *pairs,
                                                 uint32_t count, uint32_t threads);
/* One block within a store. */
KV_NODISCARD enum kv_status kv_store_copy_block(struct kv_store *store, uint32_t source, uint32_t destination);

/* First byte of a block's K or V (value = 1) in a layer. The block must exist. */
static inline unsigned char *kv_store_at(const struct kv_store *store, uint32_t layer, int value, uint32_t block)
{
    return store->memory + (2 * (size_t)layer + (size_t)value) * store->layer_bytes +
           (size_t)block * store->block_elements * store->element_bytes;
}

#endif
