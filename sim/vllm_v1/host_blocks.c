/* host_blocks.c - a list from the oldest to the newest block, and a map from contents to blocks. Read host_blocks.h first. */
#include "vllm_v1/host_blocks.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"

enum status host_blocks_init(struct host_blocks *host, uint32_t capacity, struct diag *diag)
{
    *host = (struct host_blocks){.capacity = capacity, .free = HOST_BLOCK_NONE, .oldest = HOST_BLOCK_NONE, .newest = HOST_BLOCK_NONE};
    enum status status = array_zeroed(&host->blocks, capacity, sizeof *host->blocks, "blocks of host memory", diag);
    if (status == SIM_OK && kv_prefix_cache_create(capacity, &host->contents) != KV_OK)
        status = diag_no_memory(diag, (size_t)capacity * 24, "blocks of host memory; take a smaller kv_offloading_size");
    return status;
}

void host_blocks_deinit(struct host_blocks *host)
{
    kv_prefix_cache_destroy(host->contents);
    free(host->blocks);
    *host = (struct host_blocks){0};
}

uint32_t host_blocks_find(const struct host_blocks *host, uint64_t content)
{
    return kv_prefix_cache_find(host->contents, content);
}

static void unlink_block(struct host_blocks *host, uint32_t block)
{
    const struct host_block *at = &host->blocks[block];
    *(at->older == HOST_BLOCK_NONE ? &host->oldest : &host->blocks[at->older].newer) = at->newer;
    *(at->newer == HOST_BLOCK_NONE ? &host->newest : &host->blocks[at->newer].older) = at->older;
}

static void append_newest(struct host_blocks *host, uint32_t block)
{
    host->blocks[block].older = host->newest;
    host->blocks[block].newer = HOST_BLOCK_NONE;
    *(host->newest == HOST_BLOCK_NONE ? &host->oldest : &host->blocks[host->newest].newer) = block;
    host->newest = block;
}

void host_blocks_touch(struct host_blocks *host, const uint64_t *contents, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        const uint32_t block = host_blocks_find(host, contents[i]);
        if (block == HOST_BLOCK_NONE || block == host->newest)
            continue;
        unlink_block(host, block);
        append_newest(host, block);
    }
}

static bool can_go(const struct host_blocks *host, uint32_t block)
{
    const struct host_block *at = &host->blocks[block];
    return at->ready && at->loads == 0 && at->wanted != host->requests;
}

static void evict(struct host_blocks *host, uint32_t block)
{
    unlink_block(host, block);
    kv_prefix_cache_remove(host->contents, block);
    host->blocks[block].newer = host->free;
    host->free = block;
    host->used--;
}

/* Contents that are not here; those that are here are marked as wanted. */
static uint32_t count_missing(struct host_blocks *host, const uint64_t *contents, uint32_t count)
{
    uint32_t missing = 0;
    host->requests++;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t block = host_blocks_find(host, contents[i]);
        if (block == HOST_BLOCK_NONE)
            missing++;
        else
            host->blocks[block].wanted = host->requests;
    }
    return missing;
}

/* It is known that all will go before the first one does. */
bool host_blocks_make_room(struct host_blocks *host, const uint64_t *contents, uint32_t count)
{
    const uint32_t missing = count_missing(host, contents, count), free = host->capacity - host->used;
    uint32_t going = missing > free ? missing - free : 0, found = 0;
    for (uint32_t block = host->oldest; block != HOST_BLOCK_NONE && found < going; block = host->blocks[block].newer)
        found += can_go(host, block);
    if (found < going)
        return false;
    for (uint32_t block = host->oldest, newer; going > 0; block = newer) {
        newer = host->blocks[block].newer;
        if (can_go(host, block)) {
            evict(host, block);
            going--;
        }
    }
    return true;
}

uint32_t host_blocks_add(struct host_blocks *host, uint64_t content)
{
    const bool again = host->free != HOST_BLOCK_NONE;
    const uint32_t block = again ? host->free : host->fresh++;
    assert(block < host->capacity);
    if (again)
        host->free = host->blocks[block].newer;
    host->used++;
    host->blocks[block] = (struct host_block){0};
    const enum kv_status inserted = kv_prefix_cache_insert(host->contents, block, content);
    assert(inserted == KV_OK);
    (void)inserted;
    append_newest(host, block);
    return block;
}

bool host_blocks_check(const struct host_blocks *host)
{
    uint32_t listed = 0, free = 0, before = HOST_BLOCK_NONE;
    for (uint32_t block = host->oldest; block != HOST_BLOCK_NONE; before = block, block = host->blocks[block].newer, listed++)
        if (listed == host->used || host->blocks[block].older != before ||
            kv_prefix_cache_content(host->contents, block) == KV_CONTENT_NONE ||
            (host->blocks[block].loads > 0 && !host->blocks[block].ready))
            return false;
    for (uint32_t block = host->free; block != HOST_BLOCK_NONE && free <= host->capacity; block = host->blocks[block].newer)
        free++;
    return listed == host->used && before == host->newest && free + host->used == host->fresh && host->fresh <= host->capacity &&
           kv_prefix_cache_check(host->contents);
}
