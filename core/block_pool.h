/* block_pool.h - a fixed number of KV blocks: who is free, in which order, and how often each block is referenced.
 *
 * One intrusive doubly linked free queue over flat arrays; slot num_blocks is the sentinel, so no operation has a special case:
 *
 *     next:  [sentinel] -> 7 -> 2 -> 9 -> [sentinel]        prev: the same backwards
 *     head = next[sentinel] is what the next take gets
 *
 * The same structure is vLLM V1's queue (release to head or tail), V0's stack (put_head only) and a plain free list. All O(1).
 * A pool has one owner thread; kv_shared_refs (shared_refs.h) is the variant of the counts that threads may share.
 * Source: vLLM v1/core/kv_cache_utils.py FreeKVCacheBlockQueue; PagedAttention (SOSP'23) section 4.2.
 */
#ifndef KV_BLOCK_POOL_H
#define KV_BLOCK_POOL_H

#include <stdbool.h>

#include "status.h"

struct kv_block_pool {
    uint32_t num_blocks;
    uint32_t num_free; /* length of the queue */
    uint32_t *next;    /* num_blocks + 1; next[b] == KV_BLOCK_NONE: b is not in the queue */
    uint32_t *prev;
    uint32_t *refs; /* num_blocks */
};

enum kv_block_order { KV_ASCENDING, KV_DESCENDING };

/* All blocks free, queued by id in `order` from the head. 1 <= num_blocks < UINT32_MAX, else KV_INVALID. */
KV_NODISCARD enum kv_status kv_block_pool_init(struct kv_block_pool *pool, uint32_t num_blocks, enum kv_block_order order);
void kv_block_pool_deinit(struct kv_block_pool *pool);

/* Take the head block, refs = 1. KV_NO_BLOCKS: the queue is empty. */
KV_NODISCARD enum kv_status kv_block_pool_take(struct kv_block_pool *pool, uint32_t *block);
/* Take n blocks in queue order, all or nothing. */
KV_NODISCARD enum kv_status kv_block_pool_take_many(struct kv_block_pool *pool, uint32_t count, uint32_t *blocks);
/* One more reference; a free block leaves the queue (a prefix hit revives it). KV_INVALID: foreign id, count would overflow. */
KV_NODISCARD enum kv_status kv_block_pool_ref(struct kv_block_pool *pool, uint32_t block);
/* Drop one reference WITHOUT queueing; *left = references left. The caller queues it with put_head or put_tail when *left is 0.
 * KV_INVALID: foreign id, or no reference to drop (double free). */
KV_NODISCARD enum kv_status kv_block_pool_unref(struct kv_block_pool *pool, uint32_t block, uint32_t *left);
/* Queue a block with refs 0 that is in no queue. KV_INVALID otherwise. */
KV_NODISCARD enum kv_status kv_block_pool_put_head(struct kv_block_pool *pool, uint32_t block);
KV_NODISCARD enum kv_status kv_block_pool_put_tail(struct kv_block_pool *pool, uint32_t block);
/* Take a free block out of the middle; refs stay 0. KV_INVALID: not in the queue. */
KV_NODISCARD enum kv_status kv_block_pool_unlink(struct kv_block_pool *pool, uint32_t block);
/* unref, then put_head when none is left: the seed's free. */
KV_NODISCARD enum kv_status kv_block_pool_free(struct kv_block_pool *pool, uint32_t block);

static inline uint32_t kv_block_pool_head(const struct kv_block_pool *pool)
{
    return pool->next[pool->num_blocks];
} /* == num_blocks: empty */
static inline uint32_t kv_block_pool_used(const struct kv_block_pool *pool)
{
    return pool->num_blocks - pool->num_free;
}

/* Queue well linked both ways, its length num_free, queued <=> refs 0 or parked by unref. O(num_blocks). */
bool kv_block_pool_check(const struct kv_block_pool *pool);

#endif
