/* vllm_v0_device.h - the blocks of one device (GPU or CPU) as vLLM V0's block manager hands them out.
 *
 * Three allocators, one small interface:
 *   plain   a stack: ids P-1, P-2, ... first, then last in, first out. Keys are ignored.
 *   cached  (prefix caching) fresh ids ascending 0, 1, 2, ...; afterwards the evictor, an insertion-ordered map of free blocks that keep
 *           their content: least recently accessed first, among equals the one with most hashed tokens.
 *   counted a number of blocks. Ids are not kept, and nobody shares a block.
 * The stack is an array of ids, so that a table's blocks come and go at once. The evictor is the queue of the core's block pool.
 *
 * A key is an exact content identity (prefix_cache.h); V0_UNIQUE asks for a block that nobody can find.
 * Source: vLLM 0.6.2 core/block_manager_v1.py, core/evictor_v1.py; doc/vllm_v0.md sections 2 and 11.
 */
#ifndef PAGESIM_VLLM_V0_DEVICE_H
#define PAGESIM_VLLM_V0_DEVICE_H

#include <stdbool.h>

#include "base/diag.h"
#include "pagedkv.h"

#define V0_UNIQUE KV_CONTENT_NONE

enum v0_blocks { V0_BLOCKS_PLAIN, V0_BLOCKS_CACHED, V0_BLOCKS_COUNTED };

struct v0_device {
    bool caching, counted;
    uint32_t num_blocks;
    uint32_t created;              /* so many ids were handed out at least once: the lowest ones; plain: the highest; counted: are in use */
    uint32_t *refs;                /* by block; cached: the pool's own; counted: NULL */
    uint32_t *stack, stacked;      /* plain: free ids that were handed out before, the next one last */
    struct kv_block_pool pool;     /* cached; not initialised when num_blocks is 0 */
    struct kv_prefix_cache *cache; /* cached: key to block, in use or in the evictor */
    uint64_t unique_keys;          /* cached: made so far */
    int64_t *last_access;          /* cached: time in ns + 1; 0: never, so that a block nobody took needs no memory */
    uint32_t *hashed_tokens;       /* cached: tokens that the block's key covers */
    bool *computed;                /* cached */
};

SIM_NODISCARD enum status v0_device_init(struct v0_device *device, uint32_t num_blocks, enum v0_blocks kind, struct diag *diag);
void v0_device_deinit(struct v0_device *device);

static inline uint32_t v0_device_free(const struct v0_device *device)
{
    return device->caching ? device->pool.num_free : device->num_blocks - device->created + device->stacked;
}
static inline uint32_t v0_device_used(const struct v0_device *device)
{
    return device->num_blocks - v0_device_free(device);
}
/* Free blocks whose content can still be found. */
static inline uint32_t v0_device_cached(const struct v0_device *device)
{
    return device->caching ? device->pool.num_free - (device->num_blocks - device->created) : 0;
}

/* What each block is (engine/pool_states.h). With caching every block that was handed out once is cached when it is free. */
void v0_device_states(const struct v0_device *device, uint8_t *states);

/* A block for this content: the one that holds it already (one more reference), else a free one. A free block must exist. */
uint32_t v0_device_take(struct v0_device *device, uint64_t key, uint32_t hashed_tokens);
/* Without caching: `count` free blocks, which there must be, in the order of taking; and one reference less to each of `count`. Where they are
 * counted, `blocks` may be NULL. */
void v0_device_take_many(struct v0_device *device, uint32_t count, uint32_t *blocks);
void v0_device_drop_many(struct v0_device *device, uint32_t count, const uint32_t *blocks);
/* One more reference to a block in use. */
void v0_device_share(struct v0_device *device, uint32_t block);
/* One reference less; the last one makes it free. */
void v0_device_drop(struct v0_device *device, uint32_t block);
/* Give a block in use another key. False, and nothing changes: some block, in use or free, has it already. */
bool v0_device_rekey(struct v0_device *device, uint32_t block, uint64_t key);
/* The key of a block, to take along on a swap. */
uint64_t v0_device_key(const struct v0_device *device, uint32_t block);

bool v0_device_check(const struct v0_device *device);

#endif
