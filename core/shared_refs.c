/* shared_refs.c - see shared_refs.h. Misuse must not change a count, so each change is a compare-and-swap from a count that allows it. */
#include "shared_refs.h"

#include "memory.h"

enum kv_status kv_shared_refs_init(struct kv_shared_refs *shared, uint32_t num_blocks)
{
    if (num_blocks == 0)
        return KV_INVALID;
    _Atomic uint32_t *refs = kv_malloc(num_blocks * sizeof *refs);
    if (!refs)
        return KV_NO_MEMORY;
    for (uint32_t block = 0; block < num_blocks; block++)
        atomic_init(&refs[block], 0);
    *shared = (struct kv_shared_refs){.num_blocks = num_blocks, .refs = refs};
    return KV_OK;
}

void kv_shared_refs_deinit(struct kv_shared_refs *shared)
{
    kv_free(shared->refs);
    *shared = (struct kv_shared_refs){0};
}

enum kv_status kv_shared_refs_take(struct kv_shared_refs *shared, uint32_t block)
{
    uint32_t none = 0;
    if (block >= shared->num_blocks)
        return KV_INVALID;
    return atomic_compare_exchange_strong_explicit(&shared->refs[block], &none, 1, memory_order_relaxed, memory_order_relaxed) ? KV_OK
                                                                                                                               : KV_INVALID;
}

enum kv_status kv_shared_refs_ref(struct kv_shared_refs *shared, uint32_t block)
{
    if (block >= shared->num_blocks)
        return KV_INVALID;
    uint32_t count = atomic_load_explicit(&shared->refs[block], memory_order_relaxed);
    do
        if (count == 0 || count == UINT32_MAX)
            return KV_INVALID;
    while (!atomic_compare_exchange_weak_explicit(&shared->refs[block], &count, count + 1, memory_order_relaxed, memory_order_relaxed));
    return KV_OK;
}

enum kv_status kv_shared_refs_unref(struct kv_shared_refs *shared, uint32_t block, uint32_t *left)
{
    if (block >= shared->num_blocks)
        return KV_INVALID;
    uint32_t count = atomic_load_explicit(&shared->refs[block], memory_order_relaxed);
    do
        if (count == 0)
            return KV_INVALID;
    while (!atomic_compare_exchange_weak_explicit(&shared->refs[block], &count, count - 1, memory_order_acq_rel, memory_order_relaxed));
    *left = count - 1;
    return KV_OK;
}

uint32_t kv_shared_refs_count(const struct kv_shared_refs *shared, uint32_t block)
{
    return block < shared->num_blocks ? atomic_load_explicit(&shared->refs[block], memory_order_relaxed) : 0;
}
