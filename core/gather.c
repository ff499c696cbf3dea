/* gather.c - see gather.h. The tokens of one block and head are one run, so a gather is a list of copies of runs. */
#include "gather.h"

#include <stdbool.h>
#include <string.h>

#include "half_float.h"

#ifdef _OPENMP
#include <omp.h>
#endif

static bool valid_table(const struct kv_store *store, const uint32_t *blocks, uint32_t num_tokens)
{
    const uint32_t size = store->shape.block_size, entries = num_tokens / size + (num_tokens % size != 0);
    for (uint32_t i = 0; i < entries; i++)
        if (blocks[i] >= store->shape.num_blocks)
            return false;
    return true;
}

static void copy_run(const struct kv_store *store, float *to, const unsigned char *from, size_t count)
{
    const uint16_t *half = (const uint16_t *)(const void *)from;
    switch (store->shape.dtype) {
    case KV_STORE_FLOAT32:
        memcpy(to, from, count * sizeof *to);
        break;
    case KV_STORE_FLOAT16:
        for (size_t i = 0; i < count; i++)
            to[i] = kv_float16_to_float(half[i]);
        break;
    case KV_STORE_BFLOAT16:
        for (size_t i = 0; i < count; i++)
            to[i] = kv_bfloat16_to_float(half[i]);
        break;
    }
}

static void gather_head(const struct kv_store *store, uint32_t layer, uint32_t head, const uint32_t *blocks, uint32_t num_tokens, float *k,
                        float *v)
{
    const uint32_t size = store->shape.block_size, dim = store->shape.head_dim;
    const size_t head_at = (size_t)head * store->head_elements * store->element_bytes;
    for (uint32_t token = 0; token < num_tokens; token += size) {
        uint32_t run = num_tokens - token < size ? num_tokens - token : size, block = blocks[token / size];
        size_t to = (size_t)token * dim, count = (size_t)run * dim;
        copy_run(store, k + to, kv_store_at(store, layer, 0, block) + head_at, count);
        copy_run(store, v + to, kv_store_at(store, layer, 1, block) + head_at, count);
    }
}

enum kv_status kv_gather_head(const struct kv_store *store, uint32_t layer, uint32_t head, const uint32_t *blocks, uint32_t num_tokens,
                              float *k, float *v)
{
    if (layer >= store->shape.num_layers || head >= store->shape.num_kv_heads || (num_tokens > 0 && (!blocks || !k || !v)))
        return KV_INVALID;
    if (!valid_table(store, blocks, num_tokens))
        return KV_INVALID;
    gather_head(store, layer, head, blocks, num_tokens, k, v);
    return KV_OK;
}

static bool valid_batch(const struct kv_store *store, uint32_t layer, const struct kv_gather_sequence *sequences, uint32_t count)
{
    if (layer >= store->shape.num_layers)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct kv_gather_sequence *sequence = &sequences[i];
        if (sequence->num_tokens == 0)
            continue;
        if (!sequence->blocks || !sequence->k || !sequence->v || !valid_table(store, sequence->blocks, sequence->num_tokens))
            return false;
    }
    return true;
}

enum kv_status kv_gather_batch(const struct kv_store *store, uint32_t layer, const struct kv_gather_sequence *sequences, uint32_t count,
                               uint32_t threads)
{
    if (!valid_batch(store, layer, sequences, count))
        return KV_INVALID;
    const uint32_t heads = store->shape.num_kv_heads, dim = store->shape.head_dim;
#ifdef _OPENMP
    const int team = threads ? (int)threads : omp_get_max_threads();
#else
    (void)threads;
#endif
#pragma omp parallel for schedule(static) num_threads(team) default(none) shared(store, layer, sequences, count, heads, dim) if (team > 1)
    for (uint64_t job = 0; job < (uint64_t)count * heads; job++) {
        const struct kv_gather_sequence *sequence = &sequences[job / heads];
        uint32_t head = (uint32_t)(job % heads);
        size_t at = (size_t)head * sequence->num_tokens * dim;
        if (sequence->num_tokens > 0)
            gather_head(store, layer, head, sequence->blocks, sequence->num_tokens, sequence->k + at, sequence->v + at);
    }
    return KV_OK;
}
