/* attention.c - see attention.h. */
#include "attention.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernels.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { HEAD_DIM_MAX = 4096, ROW_BUFFER = 8192, CACHE_LINE = 64 };

/* One K/V head of one sequence. */
struct head_job {
    const struct kv_store *store;
    const struct kv_kernels *kernels;
    uint32_t layer, head, group;
    float scale;
    const uint32_t *blocks;
    uint32_t num_tokens;
    const float *queries;
    float *outputs;
};

/* Running softmax of each query head. */
struct softmax {
    float maximum[KV_GROUP_MAX], sum[KV_GROUP_MAX], scale[KV_GROUP_MAX];
    float scores[KV_GROUP_MAX * KV_CHUNK_ROWS];
};

static void fetch_ahead(const unsigned char *from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += CACHE_LINE)
        __builtin_prefetch(from + at);
}

/* The rows as float32: in place, or converted into `buffer`. */
static const float *as_floats(const struct head_job *job, const unsigned char *rows, size_t count, float *buffer)
{
    const uint16_t *half = (const uint16_t *)(const void *)rows;
    switch (job->store->shape.dtype) {
    case KV_STORE_FLOAT32:
        break;
    case KV_STORE_FLOAT16:
        job->kernels->float16_to_float(buffer, half, count, false);
        return buffer;
    case KV_STORE_BFLOAT16:
        job->kernels->bfloat16_to_float(buffer, half, count, false);
        return buffer;
    }
    return (const float *)(const void *)rows;
}

/* Scores of a chunk become weights relative to the new maximum; what was summed before is scaled down to it. */
static void update_softmax(const struct head_job *job, struct softmax *softmax, uint32_t rows)
{
    for (uint32_t g = 0; g < job->group; g++) {
        float *scores = softmax->scores + (size_t)g * KV_CHUNK_ROWS, maximum = softmax->maximum[g];
        for (uint32_t row = 0; row < rows; row++) {
            scores[row] *= job->scale;
            maximum = scores[row] > maximum ? scores[row] : maximum;
        }
        for (uint32_t row = 0; row < KV_CHUNK_ROWS; row++)
            scores[row] = row < rows ? scores[row] - maximum : -INFINITY;
        softmax->scale[g] = softmax->maximum[g] == maximum ? 1.0F : expf(softmax->maximum[g] - maximum);
        softmax->maximum[g] = maximum;
    }
    job->kernels->exponentials(softmax->scores, job->group * KV_CHUNK_ROWS);
    for (uint32_t g = 0; g < job->group; g++) {
        float sum = 0;
        for (uint32_t row = 0; row < rows; row++)
            sum += softmax->scores[g * KV_CHUNK_ROWS + row];
        softmax->sum[g] = softmax->sum[g] * softmax->scale[g] + sum;
    }
}

static void attend_chunk(const struct head_job *job, struct softmax *softmax, const unsigned char *k, const unsigned char *v, uint32_t rows)
{
    _Alignas(CACHE_LINE) float buffer[ROW_BUFFER];
    const uint32_t dim = job->store->shape.head_dim;
    const float *keys = as_floats(job, k, (size_t)rows * dim, buffer);
    job->kernels->dot_rows(job->queries, job->group, keys, rows, dim, softmax->scores);
    update_softmax(job, softmax, rows);
    const float *values = as_floats(job, v, (size_t)rows * dim, buffer);
    job->kernels->add_rows(job->outputs, softmax->scale, softmax->scores, job->group, values, rows, dim);
}

static void attend_head(const struct head_job *job)
{
    const struct kv_store *store = job->store;
    const uint32_t size = store->shape.block_size, dim = store->shape.head_dim;
    const size_t row_bytes = dim * store->element_bytes, head_bytes = size * row_bytes, head_at = job->head * head_bytes;
    const uint32_t most = ROW_BUFFER / dim < KV_CHUNK_ROWS ? ROW_BUFFER / dim : KV_CHUNK_ROWS;
    struct softmax softmax = {.sum = {0}};
    for (uint32_t g = 0; g < job->group; g++)
        softmax.maximum[g] = -INFINITY;
    memset(job->outputs, 0, (size_t)job->group * dim * sizeof(float));
    for (uint32_t token = 0; token < job->num_tokens; token += size) {
        uint32_t rows = job->num_tokens - token < size ? job->num_tokens - token : size, k = token / size;
        const unsigned char *keys = kv_store_at(store, job->layer, 0, job->blocks[k]) + head_at;
        const unsigned char *values = kv_store_at(store, job->layer, 1, job->blocks[k]) + head_at;
        if (job->num_tokens - token > size && size <= KV_CHUNK_ROWS) { /* the next block is somewhere else: ask for it now */
            fetch_ahead(kv_store_at(store, job->layer, 0, job->blocks[k + 1]) + head_at, head_bytes);
            fetch_ahead(kv_store_at(store, job->layer, 1, job->blocks[k + 1]) + head_at, head_bytes);
        }
        for (uint32_t row = 0; row < rows; row += most) {
            uint32_t chunk = rows - row < most ? rows - row : most;
            attend_chunk(job, &softmax, keys + row * row_bytes, values + row * row_bytes, chunk);
        }
    }
    for (uint32_t g = 0; g < job->group; g++)
        for (uint32_t d = 0; d < dim; d++)
            job->outputs[(size_t)g * dim + d] /= softmax.sum[g];
}

static bool valid(const struct kv_store *store, uint32_t layer, uint32_t group, const struct kv_attend_sequence *sequences, uint32_t count)
{
    if (layer >= store->shape.num_layers || group < 1 || group > KV_GROUP_MAX || store->shape.head_dim > HEAD_DIM_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct kv_attend_sequence *sequence = &sequences[i];
        if (!sequence->blocks || !sequence->queries || !sequence->outputs || sequence->num_tokens == 0)
            return false;
        for (uint32_t k = 0; k <= (sequence->num_tokens - 1) / store->shape.block_size; k++)
            if (sequence->blocks[k] >= store->shape.num_blocks)
                return false;
    }
    return true;
}

enum kv_status kv_attend_batch(const struct kv_store *store, uint32_t layer, uint32_t group, float scale,
                               const struct kv_attend_sequence *sequences, uint32_t count, uint32_t threads)
{
    if (!valid(store, layer, group, sequences, count))
        return KV_INVALID;
    const uint32_t heads = store->shape.num_kv_heads, dim = store->shape.head_dim;
    const struct kv_kernels *kernels = kv_kernels();
#ifdef _OPENMP
    const int team = threads ? (int)threads : omp_get_max_threads();
#else
    (void)threads;
#endif
#pragma omp parallel for schedule(static) num_threads(team) default(none)                                                                  \
    shared(store, layer, group, scale, sequences, count, heads, dim, kernels) if (team > 1)
    for (uint64_t number = 0; number < (uint64_t)count * heads; number++) {
        const struct kv_attend_sequence *sequence = &sequences[number / heads];
        uint32_t head = (uint32_t)(number % heads);
        size_t at = (size_t)head * group * dim;
        struct head_job job = {.store = store,
                               .kernels = kernels,
                               .layer = layer,
                               .head = head,
                               .group = group,
                               .scale = scale,
                               .blocks = sequence->blocks,
                               .num_tokens = sequence->num_tokens,
                               .queries = sequence->queries + at,
                               .outputs = sequence->outputs + at};
        attend_head(&job);
    }
    return KV_OK;
}
