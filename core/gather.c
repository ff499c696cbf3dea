/* gather.c - blocks to contiguous K and V: a batch is cut into equal shares of blocks for threads (gather_share), a share into groups of
 * blocks that are read side by side (gather_group). The loop over bytes is move_runs in kernels_body.h; read the comment there first.
 *
 * What one block holds of one head is a run of bytes, and neighbouring heads are neighbouring runs. Blocks lie anywhere, so each change of
 * block is a jump that costs as much as copying several KiB, unless other streams keep the memory busy meanwhile. */
#include "geometry.h"
#include "kernels.h"
#include "pagedkv.h"
#include "team.h"

/* Gathers of more bytes than this, by one thread and by all together, go as the store's geometry says: that of memory, or that of the cache
 * which all threads share where pool and buffers fit one. Less stays in the caches, the thread's own or the shared one, where the caller
 * reads it next. From a pool beyond the caches a second limit would only delay that: what is gathered is not there yet. Runs are moved in
 * pieces of PIECE_BYTES, so that prefetches reach from one head into the next and from one block into another. */
enum { STREAM_FROM = 1 << 20, STREAM_FROM_ALL = 4 << 20, SHARED_CACHE = 32 << 20, PIECE_BYTES = 8192 };
/* What stays in the caches: four runs, as the lines of eight would push each other out. Out of a large pool it may have to come first. */
static const struct kv_geometry cached = {.runs = 4, .turn = 512}, fetched = {.runs = 4, .turn = 512, .ahead = 32768};

/* Everything is checked before the first byte is written, so that an error leaves the buffers as they were. This reads one id for each
 * block that is then copied, some KiB: it does not show. */
static bool valid_table(const struct kv_store *store, const uint32_t *blocks, uint32_t num_tokens)
{
    const uint32_t size = store->shape.block_size, entries = num_tokens / size + (num_tokens % size != 0);
    for (uint32_t i = 0; i < entries; i++)
        if (blocks[i] >= store->shape.num_blocks)
            return false;
    return true;
}

/* Some blocks and heads of a sequence, to be gathered by one thread. */
struct span {
    const struct kv_store *store;
    const struct kv_kernels *kernels;
    struct kv_geometry geometry;
    uint32_t layer, first_head, heads;
    const uint32_t *blocks;
    uint32_t num_tokens, first, past; /* entries of the table */
    float *k, *v;                     /* first_head's first token */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Where the source of a piece is, `at` bytes after the first head in the block of entry k. Past the end: the last block once more. */
static const unsigned char *source(const struct span *span, int value, uint32_t k, size_t at)
{
    const struct kv_store *store = span->store;
    const uint32_t block = span->blocks[k < span->past ? k : span->past - 1];
    return kv_store_at(store, span->layer, value, block) + span->first_head * store->head_elements * store->element_bytes + at;
}

/* K or V of up to KV_RUNS_MAX blocks from entry k, `tokens` of each, piece by piece through all heads: what is read of a block is then one
 * long run, and up to KV_RUNS_MAX of them are read side by side. */
static void gather_group(const struct span *span, int value, uint32_t k, uint32_t count, uint32_t tokens)
{
    const struct kv_store *store = span->store;
    const size_t element = store->element_bytes, widening = sizeof(float) / element, dim = store->shape.head_dim;
    const size_t run = store->head_elements * element, filled = tokens * dim * element, chunk = span->heads * run;
    const size_t piece = least(run, PIECE_BYTES), ahead = least(chunk, span->geometry.ahead / piece * piece);
    struct kv_runs runs = {.count = count, .turn = span->geometry.turn, .fetch = span->geometry.ahead > 0};
    for (uint32_t head = 0; head < span->heads; head++) {
        unsigned char *out =
            (unsigned char *)((value ? span->v : span->k) + (head * (size_t)span->num_tokens + (size_t)k * store->shape.block_size) * dim);
        for (size_t at = 0; at < filled; at += piece) {
            const size_t here = head * run + at, later = here + ahead;
            runs.bytes = least(piece, filled - at);
            for (uint32_t i = 0; i < count; i++) {
                runs.to[i] = out + (i * run + at) * widening;
                runs.from[i] = source(span, value, k + i, here);
                runs.ahead[i] = later < chunk ? source(span, value, k + i, later) : source(span, value, k + count + i, later - chunk);
            }
            span->kernels->move[store->shape.dtype](&runs, span->geometry.stream);
        }
    }
}

/* K of everything, then V: fewer places are read at the same time. The last block may be partly filled; it goes alone, as runs that are read
 * side by side are of one length. */
static void gather_span(const struct span *span)
{
    const uint32_t size = span->store->shape.block_size, whole = span->num_tokens / size, past = span->past < whole ? span->past : whole;
    const uint32_t most = span->geometry.runs;
    for (int value = 0; value < 2; value++) {
        for (uint32_t k = span->first; k < past; k += most)
            gather_group(span, value, k, past - k < most ? past - k : most, size);
        if (span->past > whole)
            gather_group(span, value, whole, 1, span->num_tokens % size);
    }
    if (span->geometry.stream)
        kv_kernels_fence();
}

/* Blocks that hold a sequence's tokens; written so that it cannot overflow. */
static uint32_t entries_of(const struct kv_store *store, uint32_t num_tokens)
{
    return num_tokens / store->shape.block_size + (num_tokens % store->shape.block_size != 0);
}

/* For a gather of so many bytes in all. The pool counts whole: which part of it a caller uses again nobody knows. */
static struct kv_geometry geometry_for(const struct kv_store *store, size_t bytes, uint32_t team)
{
    const bool large_pool = store->mapped_bytes > SHARED_CACHE;
    if (bytes / team <= STREAM_FROM)
        return large_pool ? fetched : cached;
    if (large_pool || bytes > SHARED_CACHE - store->mapped_bytes)
        return store->geometry.memory;
    return bytes > STREAM_FROM_ALL ? store->geometry.shared : cached;
}

enum kv_status kv_gather_heads(const struct kv_store *store, uint32_t layer, uint32_t first_head, uint32_t heads, const uint32_t *blocks,
                               uint32_t num_tokens, float *k, float *v)
{
    if (layer >= store->shape.num_layers || first_head > store->shape.num_kv_heads || heads > store->shape.num_kv_heads - first_head)
        return KV_INVALID;
    if (heads == 0 || num_tokens == 0)
        return KV_OK;
    if (!blocks || !k || !v || !valid_table(store, blocks, num_tokens))
        return KV_INVALID;
    const size_t bytes = 2 * (size_t)num_tokens * heads * store->shape.head_dim * sizeof(float);
    gather_span(&(struct span){.store = store,
                               .kernels = kv_kernels(),
                               .geometry = geometry_for(store, bytes, 1),
                               .layer = layer,
                               .first_head = first_head,
                               .heads = heads,
                               .blocks = blocks,
                               .num_tokens = num_tokens,
                               .past = entries_of(store, num_tokens),
                               .k = k,
                               .v = v});
    return KV_OK;
}

enum kv_status kv_gather_head(const struct kv_store *store, uint32_t layer, uint32_t head, const uint32_t *blocks, uint32_t num_tokens,
                              float *k, float *v)
{
    if (head >= store->shape.num_kv_heads)
        return KV_INVALID;
    return kv_gather_heads(store, layer, head, 1, blocks, num_tokens, k, v);
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

/* The entries [from, past) of all tables put one after the other. */
static void gather_share(const struct span *common, const struct kv_gather_sequence *sequences, uint32_t count, uint64_t from,
                         uint64_t past)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i < count && before < past; i++) {
        const uint32_t entries = entries_of(common->store, sequences[i].num_tokens);
        const uint64_t after = before + entries;
        if (after > from) {
            struct span span = *common;
            span.blocks = sequences[i].blocks;
            span.num_tokens = sequences[i].num_tokens;
            span.first = from > before ? (uint32_t)(from - before) : 0;
            span.past = past < after ? (uint32_t)(past - before) : entries;
            span.k = sequences[i].k;
            span.v = sequences[i].v;
            gather_span(&span);
        }
        before = after;
    }
}

/* Equal shares of blocks, not of sequences: one long sequence among short ones would keep one thread busy and the others idle. A share may
 * begin and end inside a sequence, because each block's destination is known from its number. */
enum kv_status kv_gather_batch(const struct kv_store *store, uint32_t layer, const struct kv_gather_sequence *sequences, uint32_t count,
                               uint32_t threads)
{
    if (!valid_batch(store, layer, sequences, count))
        return KV_INVALID;
    uint64_t entries = 0, tokens = 0;
    for (uint32_t i = 0; i < count; i++) {
        entries += entries_of(store, sequences[i].num_tokens);
        tokens += sequences[i].num_tokens;
    }
    const size_t bytes = 2 * tokens * store->shape.num_kv_heads * store->shape.head_dim * sizeof(float);
    const uint32_t team = kv_team_for(threads, bytes);
    const struct span common = {.store = store,
                                .kernels = kv_kernels(),
                                .geometry = geometry_for(store, bytes, team),
                                .layer = layer,
                                .heads = store->shape.num_kv_heads};
#pragma omp parallel for schedule(static) num_threads(team) default(none) shared(common, sequences, count, entries, team) if (team > 1)
    for (uint32_t part = 0; part < team; part++)
        gather_share(&common, sequences, count, entries * part / team, entries * (part + 1) / team);
    return KV_OK;
}
