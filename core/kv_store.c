/* kv_store.c - the memory of K and V: mapping it, writing and reading positions, copying blocks. The layout is drawn in pagedkv.h; the loops
 * over bytes are in kernels_body.h.
 *
 * Everything is one mapping. The system gives zeroed pages when they are first touched, so a large pool that is used a little costs
 * little, and creating it costs nothing. */
#include <stdbool.h>
#include <string.h>

#include "allocate.h"
#include "kernels.h"
#include "pagedkv.h"
#include "pages.h"
#include "team.h"

/* From these sizes in bytes on, streaming stores win: what is written has left the caches before it is read again. Pieces as in
 * gather.c. */
enum { STREAM_WRITES_FROM = 2048, STREAM_BLOCKS_FROM = 8192, COPY_PIECE = 8192 };

/* Shapes come from users: products are checked one by one, as a wrapped size would map too little and write beyond it. */
static bool multiply(size_t *product, size_t factor)
{
    return !__builtin_mul_overflow(*product, factor, product);
}

/* Fill in the sizes; false when they do not fit. Layers start on 64-byte lines. */
static bool measure(struct kv_store *store)
{
    const struct kv_store_shape *shape = &store->shape;
    if (!shape->num_layers || !shape->num_kv_heads || !shape->head_dim || !shape->block_size || !shape->num_blocks)
        return false;
    store->element_bytes = shape->dtype == KV_STORE_FLOAT32 ? 4 : 2;
    store->head_elements = shape->block_size;
    if (!multiply(&store->head_elements, shape->head_dim))
        return false;
    store->block_elements = store->head_elements;
    if (!multiply(&store->block_elements, shape->num_kv_heads))
        return false;
    store->layer_bytes = store->block_elements;
    if (!multiply(&store->layer_bytes, store->element_bytes) || !multiply(&store->layer_bytes, shape->num_blocks) ||
        store->layer_bytes > SIZE_MAX / 4)
        return false;
    store->layer_bytes = (store->layer_bytes + 63) & ~(size_t)63;
    store->mapped_bytes = store->layer_bytes;
    return multiply(&store->mapped_bytes, 2) && multiply(&store->mapped_bytes, shape->num_layers) && store->mapped_bytes < SIZE_MAX / 2;
}

enum kv_status kv_store_create(const struct kv_store_shape *shape, struct kv_store **out)
{
    struct kv_store *store = kv_calloc(1, sizeof *store);
    if (!store)
        return KV_NO_MEMORY;
    store->shape = *shape;
    if (!measure(store)) {
        kv_free(store);
        return KV_INVALID;
    }
    store->geometry = kv_geometry_default();
    store->memory = kv_pages_map(&store->mapped_bytes, &store->pages);
    if (!store->memory) {
        kv_free(store);
        return KV_NO_MEMORY;
    }
    *out = store;
    return KV_OK;
}

void kv_store_destroy(struct kv_store *store)
{
    if (!store)
        return;
    kv_pages_unmap(store->memory, store->mapped_bytes);
    kv_free(store);
}

void kv_store_set_geometry(struct kv_store *store, const struct kv_geometry_plan *plan)
{
    store->geometry = *plan;
}

size_t kv_store_large_page_bytes(const struct kv_store *store)
{
    return kv_pages_large(store->memory, store->mapped_bytes);
}

size_t kv_store_block_bytes(const struct kv_store *store)
{
    return 2 * (size_t)store->shape.num_layers * store->block_elements * store->element_bytes;
}

size_t kv_store_bytes(const struct kv_store *store)
{
    return store->shape.num_blocks * kv_store_block_bytes(store);
}

/* --- conversion ------------------------------------------------------------------------------------------------------------------ */

/* From float32 to the store's type. */
static void store_floats(const struct kv_store *store, void *to, const float *from, size_t count)
{
    const struct kv_kernels *kernels = kv_kernels();
    switch (store->shape.dtype) {
    case KV_STORE_FLOAT32:
        kernels->copy(to, from, count * sizeof *from, NULL);
        break;
    case KV_STORE_FLOAT16:
        kernels->float_to_float16(to, from, count);
        break;
    case KV_STORE_BFLOAT16:
        kernels->float_to_bfloat16(to, from, count);
        break;
    }
}

/* One token's rows of all heads, which come together, to their places in a block, which are a head's run apart; `to` is the first. */
static void store_heads(const struct kv_store *store, unsigned char *to, const float *from, bool stream)
{
    const uint32_t heads = store->shape.num_kv_heads, dim = store->shape.head_dim;
    const size_t stride = store->head_elements * store->element_bytes;
    if (store->shape.dtype == KV_STORE_FLOAT32) {
        kv_kernels()->spread(to, stride, from, dim * sizeof *from, heads, stream);
        return;
    }
    for (uint32_t head = 0; head < heads; head++)
        store_floats(store, to + head * stride, from + (size_t)head * dim, dim);
}

/* And back. */
static void load_floats(const struct kv_store *store, float *to, const void *from, size_t count)
{
    switch (store->shape.dtype) {
    case KV_STORE_FLOAT32:
        memcpy(to, from, count * sizeof *to);
        break;
    case KV_STORE_FLOAT16:
        kv_kernels()->float16_to_float(to, from, count);
        break;
    case KV_STORE_BFLOAT16:
        kv_kernels()->bfloat16_to_float(to, from, count);
        break;
    }
}

/* --- single positions and tokens ------------------------------------------------------------------------------------------------- */

/* Ids come from tables that callers may fill themselves. */
static bool in_range(const struct kv_store *store, uint32_t layer, uint32_t block, uint32_t head, uint32_t offset)
{
    const struct kv_store_shape *shape = &store->shape;
    return layer < shape->num_layers && block < shape->num_blocks && head < shape->num_kv_heads && offset < shape->block_size;
}

static size_t byte_offset(const struct kv_store *store, uint32_t head, uint32_t offset)
{
    return ((size_t)head * store->head_elements + (size_t)offset * store->shape.head_dim) * store->element_bytes;
}

enum kv_status kv_store_write(struct kv_store *store, uint32_t layer, uint32_t block, uint32_t head, uint32_t offset, const float *k,
                              const float *v)
{
    if (!in_range(store, layer, block, head, offset) || !k || !v)
        return KV_INVALID;
    size_t at = byte_offset(store, head, offset);
    store_floats(store, kv_store_at(store, layer, 0, block) + at, k, store->shape.head_dim);
    store_floats(store, kv_store_at(store, layer, 1, block) + at, v, store->shape.head_dim);
    return KV_OK;
}

enum kv_status kv_store_read(const struct kv_store *store, uint32_t layer, uint32_t block, uint32_t head, uint32_t offset, float *k,
                             float *v)
{
    if (!in_range(store, layer, block, head, offset) || !k || !v)
        return KV_INVALID;
    size_t at = byte_offset(store, head, offset);
    load_floats(store, k, kv_store_at(store, layer, 0, block) + at, store->shape.head_dim);
    load_floats(store, v, kv_store_at(store, layer, 1, block) + at, store->shape.head_dim);
    return KV_OK;
}

/* How prompts come in: many tokens, all heads. A model gives [token][head], the store wants [head][token], so rows are spread out; that they
 * are read in order and written in runs as long as a row is the best this transposition allows. */
enum kv_status kv_store_write_tokens(struct kv_store *store, uint32_t layer, const uint32_t *blocks, uint32_t start, uint32_t count,
                                     const float *k, const float *v)
{
    const uint32_t size = store->shape.block_size, heads = store->shape.num_kv_heads, dim = store->shape.head_dim;
    if (count == 0)
        return KV_OK;
    if (layer >= store->shape.num_layers || !blocks || !k || !v || count > UINT32_MAX - start)
        return KV_INVALID;
    for (uint32_t i = start / size; i <= (start + count - 1) / size; i++)
        if (blocks[i] >= store->shape.num_blocks)
            return KV_INVALID;
    const bool stream = (size_t)count * heads * dim * sizeof(float) >= STREAM_WRITES_FROM;
    /* All tokens that go into one block: their K, then their V. Each is one long run to read, which is what prefetchers are good at. */
    for (uint32_t token = 0, together; token < count; token += together) {
        const uint32_t offset = (start + token) % size;
        together = size - offset < count - token ? size - offset : count - token;
        for (int value = 0; value < 2; value++) {
            unsigned char *to = kv_store_at(store, layer, value, blocks[(start + token) / size]);
            const float *from = (value ? v : k) + (size_t)token * heads * dim;
            for (uint32_t i = 0; i < together; i++)
                store_heads(store, to + byte_offset(store, 0, offset + i), from + (size_t)i * heads * dim, stream);
        }
    }
    return KV_OK;
}

void kv_store_publish(const struct kv_store *store)
{
    (void)store; /* the fence is for all of memory */
    kv_kernels_fence();
}

/* --- whole blocks ---------------------------------------------------------------------------------------------------------------- */

/* Run `number` of a block: K and V of each layer, in this order. */
static unsigned char *run_at(const struct kv_store *store, uint32_t block, uint32_t number)
{
    return kv_store_at(store, number / 2 % store->shape.num_layers, (int)(number % 2), block);
}

/* May these pairs be copied in any order? Not if a destination is another pair's source or destination. At most KV_RUNS_MAX pairs are
 * asked about at once, so comparing each with each is cheap. */
static bool independent(const struct kv_store *to, const struct kv_store *from, const struct kv_block_copy *pairs, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (pairs[i].destination == pairs[j].destination ||
                (to == from && (pairs[i].source == pairs[j].destination || pairs[i].destination == pairs[j].source)))
                return false;
    return true;
}

/* Some pairs side by side (kernels_body.h), run after run and piece after piece. Prefetches go further on in the same runs, then to where
 * the runs of the next pairs begin. */
static void copy_group(struct kv_store *to, const struct kv_store *from, const struct kv_block_copy *pairs, uint32_t count,
                       uint32_t following)
{
    const size_t bytes = to->block_elements * to->element_bytes, piece = bytes < COPY_PIECE ? bytes : COPY_PIECE;
    const size_t wanted = from->geometry.memory.ahead, ahead = bytes < wanted ? bytes : wanted;
    struct kv_runs runs = {.count = count, .turn = from->geometry.memory.turn, .fetch = wanted > 0};
    for (uint32_t number = 0; number < 2 * to->shape.num_layers; number++)
        for (size_t at = 0; at < bytes; at += piece) {
            runs.bytes = bytes - at < piece ? bytes - at : piece;
            for (uint32_t i = 0; i < count; i++) {
                const unsigned char *in = run_at(from, pairs[i].source, number) + at;
                runs.to[i] = run_at(to, pairs[i].destination, number) + at;
                runs.from[i] = in;
                if (at + ahead < bytes)
                    runs.ahead[i] = in + ahead;
                else if (number + 1 < 2 * to->shape.num_layers)
                    runs.ahead[i] = run_at(from, pairs[i].source, number + 1) + (at + ahead - bytes);
                else
                    runs.ahead[i] = i < following ? run_at(from, pairs[count + i].source, 0) + (at + ahead - bytes) : in;
            }
            kv_kernels()->move[KV_STORE_FLOAT32](&runs, bytes >= STREAM_BLOCKS_FROM);
        }
}

/* As many pairs side by side as do not depend on each other; a chain, such as 1 to 2 and 2 to 3, is copied one at a time, in order. */
static void copy_pairs(struct kv_store *to, const struct kv_store *from, const struct kv_block_copy *pairs, uint32_t first, uint32_t past)
{
    for (uint32_t i = first, count; i < past; i += count) {
        count = past - i < from->geometry.memory.runs ? past - i : from->geometry.memory.runs;
        while (!independent(to, from, pairs + i, count))
            count--;
        copy_group(to, from, pairs + i, count, past - i - count);
    }
    if (to->block_elements * to->element_bytes >= STREAM_BLOCKS_FROM)
        kv_kernels_fence();
}

/* All but the number of blocks: a CPU pool is usually of another size than the GPU's. */
static bool same_shape(const struct kv_store_shape *a, const struct kv_store_shape *b)
{
    return a->num_layers == b->num_layers && a->num_kv_heads == b->num_kv_heads && a->head_dim == b->head_dim &&
           a->block_size == b->block_size && a->dtype == b->dtype;
}

enum kv_status kv_store_copy_blocks(struct kv_store *to, const struct kv_store *from, const struct kv_block_copy *pairs, uint32_t count,
                                    uint32_t threads)
{
    if (!same_shape(&to->shape, &from->shape) || (count > 0 && !pairs))
        return KV_INVALID;
    for (uint32_t i = 0; i < count; i++)
        if (pairs[i].source >= from->shape.num_blocks || pairs[i].destination >= to->shape.num_blocks ||
            (to == from && pairs[i].source == pairs[i].destination))
            return KV_INVALID;
    const uint32_t most = kv_team_for(threads ? threads : 1, count * kv_store_block_bytes(to)), team = most < count ? most : count;
    if (team <= 1) {
        copy_pairs(to, from, pairs, 0, count);
        return KV_OK;
    }
#pragma omp parallel for schedule(static) num_threads(team) default(none) shared(to, from, pairs, count, team)
    for (uint32_t part = 0; part < team; part++)
        copy_pairs(to, from, pairs, (uint32_t)((uint64_t)count * part / team), (uint32_t)((uint64_t)count * (part + 1) / team));
    return KV_OK;
}

enum kv_status kv_store_copy_block(struct kv_store *store, uint32_t source, uint32_t destination)
{
    return kv_store_copy_blocks(store, store, &(struct kv_block_copy){.source = source, .destination = destination}, 1, 1);
}
