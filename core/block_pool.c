/* block_pool.c - the free queue and the reference counts of blocks. Read the section on the block pool of pagedkv.h first.
 *
 * A linked queue and not a stack of ids, because a prefix hit takes a free block out of the middle. A block outside the queue has
 * next == KV_BLOCK_NONE, which makes every misuse visible in O(1). */
#include <string.h>

#include "allocate.h"
#include "pagedkv.h"

enum { LINKED_AT_ONCE = 4096 };

/* --- blocks that nobody has touched ------------------------------------------------------------------------------------------------

 * They follow each other in the queue as they did at first, so their links need not be written, and a pool of two thousand million blocks
 * of which a few are used costs address space alone. Of them only two know a neighbour that may be another one than at first: `edge`, the
 * first, who is before it; the last of all blocks, what is after it. */

/* Write the links of `count` blocks more. */
static void link_more(struct kv_block_pool *pool, uint32_t count)
{
    const uint32_t last = pool->num_blocks - 1 - pool->linked, end = count < last ? count : last;
    uint32_t block = pool->edge;
    for (uint32_t i = 0; i < end; i++, block += pool->step) {
        pool->next[block] = block + pool->step;
        pool->prev[block + pool->step] = block;
    }
    pool->linked += end;
    pool->edge = block;
    if (count > last) { /* its links are all there */
        pool->linked++;
        pool->edge = KV_BLOCK_NONE;
    }
}

/* Before links of a block in the queue are read. */
static void link_through(struct kv_block_pool *pool, uint32_t block)
{
    const uint32_t rank = kv_block_pool_rank(pool, block);
    if (rank >= pool->linked)
        link_more(pool, rank - pool->linked + 1);
}

/* --- the queue -------------------------------------------------------------------------------------------------------------------- */

enum kv_status kv_block_pool_init(struct kv_block_pool *pool, uint32_t num_blocks, enum kv_block_order order)
{
    if (num_blocks == 0 || num_blocks == UINT32_MAX)
        return KV_INVALID;
    const bool ascending = order == KV_ASCENDING;
    const uint32_t first = ascending ? 0 : num_blocks - 1, last = num_blocks - 1 - first;
    struct kv_block_pool fresh = {.num_blocks = num_blocks, .num_free = num_blocks, .step = ascending ? 1 : UINT32_MAX, .edge = first};
    fresh.next = kv_calloc((size_t)num_blocks + 1, sizeof *fresh.next);
    fresh.prev = kv_calloc((size_t)num_blocks + 1, sizeof *fresh.prev);
    fresh.refs = kv_calloc(num_blocks, sizeof *fresh.refs);
    if (!fresh.next || !fresh.prev || !fresh.refs) {
        kv_block_pool_deinit(&fresh);
        return KV_NO_MEMORY;
    }
    /* The sentinel's slot is num_blocks: it is before the first and after the last. */
    fresh.next[num_blocks] = first;
    fresh.prev[first] = num_blocks;
    fresh.prev[num_blocks] = last;
    fresh.next[last] = num_blocks;
    *pool = fresh;
    return KV_OK;
}

void kv_block_pool_deinit(struct kv_block_pool *pool)
{
    kv_free(pool->next);
    kv_free(pool->prev);
    kv_free(pool->refs);
    memset(pool, 0, sizeof *pool);
}

static bool queued(const struct kv_block_pool *pool, uint32_t block)
{
    return pool->next[block] != KV_BLOCK_NONE;
}

/* Out of the queue from any place in O(1). next marks the block as not queued; that is the one write that queued() reads. */
static void leave_queue(struct kv_block_pool *pool, uint32_t block)
{
    link_through(pool, block);
    uint32_t before = pool->prev[block], after = pool->next[block];
    pool->next[before] = after;
    pool->prev[after] = before;
    pool->next[block] = KV_BLOCK_NONE; /* prev is then meaningless */
    pool->num_free--;
}

/* Into the queue after any slot. `before` may be the sentinel: after it is the head. */
static void enter_queue_after(struct kv_block_pool *pool, uint32_t before, uint32_t block)
{
    uint32_t after = pool->next[before];
    pool->next[before] = pool->prev[after] = block;
    pool->prev[block] = before;
    pool->next[block] = after;
    pool->num_free++;
}

/* leave_queue without loading what is known, the head's neighbour before it. */
static inline void take_head(struct kv_block_pool *pool, uint32_t head, uint32_t *block)
{
    const uint32_t after = pool->next[head];
    pool->next[pool->num_blocks] = after;
    pool->prev[after] = pool->num_blocks;
    pool->next[head] = KV_BLOCK_NONE;
    pool->num_free--;
    pool->refs[head] = 1;
    *block = head;
}

/* Apart, so that the usual case needs no registers saved. */
static __attribute__((noinline)) enum kv_status take_edge(struct kv_block_pool *pool, uint32_t *block)
{
    const uint32_t head = pool->edge;
    link_more(pool, LINKED_AT_ONCE);
    take_head(pool, head, block);
    return KV_OK;
}

/* The most frequent call of a scheduler. */
enum kv_status kv_block_pool_take(struct kv_block_pool *pool, uint32_t *block)
{
    const uint32_t head = kv_block_pool_head(pool);
    if (head == pool->num_blocks)
        return KV_NO_BLOCKS;
    if (head == pool->edge)
        return take_edge(pool, block);
    take_head(pool, head, block);
    return KV_OK;
}

/* All or nothing, so that a request that needs five blocks does not sit on three and starve another. Counting first makes the loop
 * unable to fail. */
enum kv_status kv_block_pool_take_many(struct kv_block_pool *pool, uint32_t count, uint32_t *blocks)
{
    if (count > pool->num_free)
        return KV_NO_BLOCKS;
    for (uint32_t i = 0; i < count; i++) {
        blocks[i] = kv_block_pool_head(pool);
        leave_queue(pool, blocks[i]);
        pool->refs[blocks[i]] = 1;
    }
    return KV_OK;
}

/* A free block may be referenced: its content is still what it was, so a prefix hit takes it out of the queue with nothing lost. */
enum kv_status kv_block_pool_ref(struct kv_block_pool *pool, uint32_t block)
{
    /* The overflow cannot happen by sharing among sequences that exist, but a count that wraps to 0 would free a block in use. */
    if (block >= pool->num_blocks || pool->refs[block] == UINT32_MAX)
        return KV_INVALID;
    if (pool->refs[block]++ == 0 && queued(pool, block))
        leave_queue(pool, block);
    return KV_OK;
}

/* Dropping and queueing are apart, because only the caller knows the place: V1 puts a request's blocks at the tail in reverse order, so that
 * the ends of prefixes are evicted first; V0 puts them at the head. */
enum kv_status kv_block_pool_unref(struct kv_block_pool *pool, uint32_t block, uint32_t *left)
{
    if (block >= pool->num_blocks || pool->refs[block] == 0)
        return KV_INVALID;
    *left = --pool->refs[block];
    return KV_OK;
}

/* A held block in the queue would be given out twice; a queued one would be linked twice. */
static bool may_enter(const struct kv_block_pool *pool, uint32_t block)
{
    return block < pool->num_blocks && pool->refs[block] == 0 && !queued(pool, block);
}

enum kv_status kv_block_pool_put_head(struct kv_block_pool *pool, uint32_t block)
{
    if (!may_enter(pool, block))
        return KV_INVALID;
    enter_queue_after(pool, pool->num_blocks, block);
    return KV_OK;
}

enum kv_status kv_block_pool_put_tail(struct kv_block_pool *pool, uint32_t block)
{
    if (!may_enter(pool, block))
        return KV_INVALID;
    enter_queue_after(pool, pool->prev[pool->num_blocks], block);
    return KV_OK;
}

enum kv_status kv_block_pool_unlink(struct kv_block_pool *pool, uint32_t block)
{
    if (block >= pool->num_blocks || !queued(pool, block))
        return KV_INVALID;
    leave_queue(pool, block);
    return KV_OK;
}

enum kv_status kv_block_pool_free(struct kv_block_pool *pool, uint32_t block)
{
    uint32_t left;
    enum kv_status status = kv_block_pool_unref(pool, block, &left);
    return status == KV_OK && left == 0 ? kv_block_pool_put_head(pool, block) : status;
}

bool kv_block_pool_check(const struct kv_block_pool *pool)
{
    /* The walk stops at the first wrong link, or when it is longer than the queue should be: a ring that lost its sentinel. */
    uint32_t walked = 0, sentinel = pool->num_blocks;
    for (uint32_t slot = kv_block_pool_head(pool), before = sentinel; slot != sentinel; walked++) {
        if (slot > sentinel || walked >= pool->num_free || pool->refs[slot] != 0)
            return false;
        if (kv_block_pool_rank(pool, slot) <= pool->linked && pool->prev[slot] != before)
            return false;
        before = slot;
        slot = kv_block_pool_next(pool, slot);
        if (slot == sentinel && pool->prev[sentinel] != before)
            return false;
    }
    uint32_t linked = 0;
    for (uint32_t block = 0; block < pool->num_blocks; block++)
        linked += queued(pool, block);
    return walked == pool->num_free && linked == walked;
}
