/* block_pool.c - the free queue and the reference counts of blocks. Read the section on the block pool of pagedkv.h first.
 *
 * A linked queue and not a stack of ids, because a prefix hit takes a free block out of the middle. A block outside the queue has
 * the link KV_BLOCK_NONE, which makes every misuse visible in O(1). */
#include <string.h>

#include "allocate.h"
#include "pagedkv.h"

/* Links as differences, modulo 2^32: zeros link all slots in order, so that memory which nobody has written is a queue. */
static void set_next(struct kv_block_pool *pool, uint32_t slot, uint32_t after)
{
    pool->next[slot] = after - slot - pool->step;
}

static void set_prev(struct kv_block_pool *pool, uint32_t slot, uint32_t before)
{
    pool->prev[slot] = before - slot + pool->step;
}

static uint32_t prev_of(const struct kv_block_pool *pool, uint32_t slot)
{
    return slot - pool->step + pool->prev[slot];
}

enum kv_status kv_block_pool_init(struct kv_block_pool *pool, uint32_t num_blocks, enum kv_block_order order)
{
    if (num_blocks == 0 || num_blocks == UINT32_MAX)
        return KV_INVALID;
    struct kv_block_pool fresh = {.num_blocks = num_blocks, .num_free = num_blocks, .step = order == KV_ASCENDING ? 1 : UINT32_MAX};
    fresh.next = kv_calloc((size_t)num_blocks + 1, sizeof *fresh.next);
    fresh.prev = kv_calloc((size_t)num_blocks + 1, sizeof *fresh.prev);
    fresh.refs = kv_calloc(num_blocks, sizeof *fresh.refs);
    if (!fresh.next || !fresh.prev || !fresh.refs) {
        kv_block_pool_deinit(&fresh);
        return KV_NO_MEMORY;
    }
    /* The sentinel's slot is num_blocks, so "ascending" is simply a ring of num_blocks + 1 slots walked upwards; only where it closes are links
     * not those to a neighbour. */
    const uint32_t low = order == KV_ASCENDING ? num_blocks : 0, high = order == KV_ASCENDING ? 0 : num_blocks;
    set_next(&fresh, low, high);
    set_prev(&fresh, high, low);
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
    return kv_block_pool_next(pool, block) != KV_BLOCK_NONE;
}

/* Out of the queue from any place in O(1). next marks the block as not queued; that is the one write that queued() reads. */
static void leave_queue(struct kv_block_pool *pool, uint32_t block)
{
    uint32_t before = prev_of(pool, block), after = kv_block_pool_next(pool, block);
    set_next(pool, before, after);
    set_prev(pool, after, before);
    set_next(pool, block, KV_BLOCK_NONE); /* prev is then meaningless */
    pool->num_free--;
}

/* Into the queue after any slot. `before` may be the sentinel: after it is the head. */
static void enter_queue_after(struct kv_block_pool *pool, uint32_t before, uint32_t block)
{
    uint32_t after = kv_block_pool_next(pool, before);
    set_next(pool, before, block);
    set_prev(pool, after, block);
    set_prev(pool, block, before);
    set_next(pool, block, after);
    pool->num_free++;
}

enum kv_status kv_block_pool_take(struct kv_block_pool *pool, uint32_t *block)
{
    /* The most frequent call of a scheduler: leave_queue without loading what is known, the head's neighbour before it. */
    uint32_t head = kv_block_pool_head(pool);
    if (head == pool->num_blocks)
        return KV_NO_BLOCKS;
    const uint32_t after = kv_block_pool_next(pool, head);
    set_next(pool, pool->num_blocks, after);
    set_prev(pool, after, pool->num_blocks);
    set_next(pool, head, KV_BLOCK_NONE);
    pool->num_free--;
    pool->refs[head] = 1;
    *block = head;
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
    enter_queue_after(pool, prev_of(pool, pool->num_blocks), block);
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
    for (uint32_t slot = kv_block_pool_head(pool); slot != sentinel; slot = kv_block_pool_next(pool, slot), walked++)
        if (slot > sentinel || walked >= pool->num_free || pool->refs[slot] != 0 || prev_of(pool, kv_block_pool_next(pool, slot)) != slot)
            return false;
    uint32_t linked = 0;
    for (uint32_t block = 0; block < pool->num_blocks; block++)
        linked += queued(pool, block);
    return walked == pool->num_free && linked == walked && kv_block_pool_next(pool, prev_of(pool, sentinel)) == sentinel;
}
