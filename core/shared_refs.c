/* shared_refs.c - reference counts that threads share. Misuse must not change a count, so each change is a compare-and-swap from a count that
 * allows it.
 *
 * Taking a reference needs no order: who takes another one holds one already, so nobody can free the block meanwhile. Dropping one releases
 * what the holder wrote, and the last drop acquires what all others released; only then may the block be used for something else.
 *
 * The array is one of plain uint32_t, as C++ has no _Atomic; the compiler's builtins are what <stdatomic.h> is made of. */
#include "allocate.h"
#include "pagedkv.h"

enum kv_status kv_shared_refs_init(struct kv_shared_refs *shared, uint32_t num_blocks)
{
    if (num_blocks == 0)
        return KV_INVALID;
    uint32_t *refs = kv_calloc(num_blocks, sizeof *refs);
    if (!refs)
        return KV_NO_MEMORY;
    *shared = (struct kv_shared_refs){.num_blocks = num_blocks, .refs = refs};
    return KV_OK;
}

void kv_shared_refs_deinit(struct kv_shared_refs *shared)
{
    kv_free(shared->refs);
    *shared = (struct kv_shared_refs){0};
}

/* From exactly 0: of several threads that want a free block, one gets it. */
enum kv_status kv_shared_refs_take(struct kv_shared_refs *shared, uint32_t block)
{
    uint32_t none = 0;
    if (block >= shared->num_blocks)
        return KV_INVALID;
    return __atomic_compare_exchange_n(&shared->refs[block], &none, 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ? KV_OK : KV_INVALID;
}

/* A plain increment could bring back a block whose last reference is being dropped. The loop never counts up from 0. */
enum kv_status kv_shared_refs_ref(struct kv_shared_refs *shared, uint32_t block)
{
    if (block >= shared->num_blocks)
        return KV_INVALID;
    uint32_t count = __atomic_load_n(&shared->refs[block], __ATOMIC_RELAXED);
    do
        if (count == 0 || count == UINT32_MAX)
            return KV_INVALID;
    while (!__atomic_compare_exchange_n(&shared->refs[block], &count, count + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return KV_OK;
}

/* A plain decrement could wrap below 0 on a double free, and everybody would believe the block is held for ever. */
enum kv_status kv_shared_refs_unref(struct kv_shared_refs *shared, uint32_t block, uint32_t *left)
{
    if (block >= shared->num_blocks)
        return KV_INVALID;
    uint32_t count = __atomic_load_n(&shared->refs[block], __ATOMIC_RELAXED);
    do
        if (count == 0)
            return KV_INVALID;
    while (!__atomic_compare_exchange_n(&shared->refs[block], &count, count - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    *left = count - 1;
    return KV_OK;
}

uint32_t kv_shared_refs_count(const struct kv_shared_refs *shared, uint32_t block)
{
    return block < shared->num_blocks ? __atomic_load_n(&shared->refs[block], __ATOMIC_RELAXED) : 0;
}
