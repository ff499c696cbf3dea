/* vllm_v0_device.c - the stack, and the evictor over the core's block pool (core/block_pool.c).
 *
 * Ids that were never handed out lie under the stack and are not written down: the next of them is a matter of counting. With caching, every block that was ever handed out has a key, also
 * those that nobody can find; so the number of free blocks with content is that of all free ones less those never handed out. */
#include "vllm_v0/vllm_v0_device.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"
#include "engine/pool_states.h"

#define POOL "the block pool; take fewer num_gpu_blocks or num_cpu_blocks"

/* A CPU without blocks is allowed: then nothing can be swapped, and the pool stays empty. */
enum status v0_device_init(struct v0_device *device, uint32_t num_blocks, enum v0_blocks kind, struct diag *diag)
{
    *device = (struct v0_device){.caching = kind == V0_BLOCKS_CACHED, .counted = kind == V0_BLOCKS_COUNTED, .num_blocks = num_blocks};
    if (num_blocks == 0 || device->counted)
        return SIM_OK;
    if (!device->caching) {
        const struct array_request plain[] = {ARRAY_OF(device->refs, num_blocks), ARRAY_OF(device->stack, num_blocks)};
        if (array_zeroed_all(plain, 2, POOL, diag) == SIM_OK)
            return SIM_OK;
        v0_device_deinit(device);
        return SIM_FAILED;
    }
    if (kv_block_pool_init(&device->pool, num_blocks, KV_ASCENDING) != KV_OK)
        return diag_no_memory(diag, (size_t)num_blocks * 12, POOL);
    device->refs = device->pool.refs;
    const struct array_request arrays[] = {ARRAY_OF(device->last_access, num_blocks), ARRAY_OF(device->hashed_tokens, num_blocks),
                                           ARRAY_OF(device->computed, num_blocks)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the evictor", diag);
    if (status == SIM_OK && kv_prefix_cache_create(num_blocks, &device->cache) != KV_OK)
        status = diag_no_memory(diag, (size_t)num_blocks * 24, "the prefix cache; take fewer num_gpu_blocks");
    if (status != SIM_OK)
        v0_device_deinit(device);
    return status;
}

void v0_device_deinit(struct v0_device *device)
{
    if (device->caching)
        kv_block_pool_deinit(&device->pool);
    else
        free(device->refs);
    free(device->stack);
    kv_prefix_cache_destroy(device->cache);
    free(device->last_access);
    free(device->hashed_tokens);
    free(device->computed);
    *device = (struct v0_device){0};
}

/* The pool's calls cannot fail here: every caller holds what it names. */
static void must(enum kv_status status)
{
    assert(status == KV_OK);
    (void)status;
}

/* Which free block loses its content: among those accessed longest ago, the one with most hashed tokens. vLLM walks its map from the oldest
 * entry and stops at a later access, which is not a search for the minimum; so does this. */
static uint32_t choose_evicted(const struct v0_device *device)
{
    const struct kv_block_pool *pool = &device->pool;
    uint32_t chosen = kv_block_pool_head(pool);
    for (uint32_t block = chosen; block != pool->num_blocks; block = kv_block_pool_next(pool, block)) {
        if (device->last_access[chosen] < device->last_access[block])
            break;
        if (device->hashed_tokens[chosen] < device->hashed_tokens[block])
            chosen = block;
    }
    return chosen;
}

/* Content is evicted only when all ids have been used once, however old it is: the pool's blocks that were never used stand before all
 * others. */
static uint32_t take_uncached(struct v0_device *device)
{
    uint32_t block;
    if (device->created < device->num_blocks) {
        must(kv_block_pool_take(&device->pool, &block)); /* blocks never used stay in front, ascending */
        device->created++;
        return block;
    }
    block = choose_evicted(device);
    kv_prefix_cache_remove(device->cache, block);
    device->computed[block] = false;
    must(kv_block_pool_ref(&device->pool, block));
    return block;
}

/* A find covers both a block in use, which is shared, and one in the evictor, which the new reference takes out of the free queue.
 * Blocks without findable content get a private key of their own, so that swapping and rekeying need no special case. */
uint32_t v0_device_take(struct v0_device *device, uint64_t key, uint32_t hashed_tokens)
{
    uint32_t block = KV_BLOCK_NONE;
    if (!device->caching) {
        v0_device_take_many(device, 1, &block);
        return block;
    }
    block = key == V0_UNIQUE ? KV_BLOCK_NONE : kv_prefix_cache_find(device->cache, key);
    if (block != KV_BLOCK_NONE) {
        must(kv_block_pool_ref(&device->pool, block));
        return block;
    }
    block = take_uncached(device);
    must(kv_prefix_cache_insert(device->cache, block, key == V0_UNIQUE ? KV_CONTENT_PRIVATE + device->unique_keys++ : key));
    device->hashed_tokens[block] = hashed_tokens;
    return block;
}

void v0_device_take_many(struct v0_device *device, uint32_t count, uint32_t *blocks)
{
    assert(!device->caching && count <= v0_device_free(device));
    if (device->counted) {
        device->created += count;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        blocks[i] = device->stacked > 0 ? device->stack[--device->stacked] : device->num_blocks - ++device->created;
        device->refs[blocks[i]] = 1;
    }
}

/* An id that is still referenced is written over by the next one. */
void v0_device_drop_many(struct v0_device *device, uint32_t count, const uint32_t *blocks)
{
    uint32_t stacked = device->stacked;
    if (device->counted) {
        device->created -= count;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        assert(!device->caching && device->refs[blocks[i]] > 0);
        device->stack[stacked] = blocks[i];
        stacked += --device->refs[blocks[i]] == 0;
    }
    device->stacked = stacked;
}

void v0_device_share(struct v0_device *device, uint32_t block)
{
    assert(device->refs[block] > 0);
    device->refs[block]++;
}

/* Onto the stack, or to the end of the evictor's map, which is in order of release. */
void v0_device_drop(struct v0_device *device, uint32_t block)
{
    uint32_t left;
    if (!device->caching) {
        v0_device_drop_many(device, 1, &block);
        return;
    }
    must(kv_block_pool_unref(&device->pool, block, &left));
    if (left == 0)
        must(kv_block_pool_put_tail(&device->pool, block));
}

/* For a block that has just become full: what nobody could find now has a content that others may hold already. Then the caller takes
 * theirs and drops this one. */
bool v0_device_rekey(struct v0_device *device, uint32_t block, uint64_t key)
{
    if (kv_prefix_cache_find(device->cache, key) != KV_BLOCK_NONE)
        return false;
    kv_prefix_cache_remove(device->cache, block);
    must(kv_prefix_cache_insert(device->cache, block, key));
    return true;
}

uint64_t v0_device_key(const struct v0_device *device, uint32_t block)
{
    return device->caching ? kv_prefix_cache_content(device->cache, block) : V0_UNIQUE;
}

void v0_device_states(const struct v0_device *device, uint8_t *states)
{
    for (uint32_t block = 0; block < device->num_blocks; block++) {
        const uint32_t refs = device->refs[block];
        states[block] = refs > 1                                     ? BLOCK_SHARED
                        : refs == 1                                  ? BLOCK_USED
                        : device->caching && block < device->created ? BLOCK_CACHED
                                                                     : BLOCK_FREE;
    }
}

/* Whoever has no reference is on the stack or was never handed out. */
bool v0_device_check(const struct v0_device *device)
{
    uint32_t unreferenced = 0;
    if (device->num_blocks == 0 || device->counted)
        return device->created <= device->num_blocks;
    if (device->caching)
        return kv_block_pool_check(&device->pool);
    for (uint32_t block = 0; block < device->num_blocks; block++)
        unreferenced += device->refs[block] == 0;
    for (uint32_t i = 0; i < device->stacked; i++)
        if (device->refs[device->stack[i]] != 0 || device->stack[i] < device->num_blocks - device->created)
            return false;
    return unreferenced == v0_device_free(device);
}
