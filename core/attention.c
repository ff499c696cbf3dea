/* attention.c - see attention.h. */
#include "attention.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "kernels.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { HEAD_DIM_MAX = 4096 };

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

/* Where the rows from `token` on lie; past the last token, the first rows once more. */
static const unsigned char *rows_at(const struct head_job *job, int value, uint32_t token)
{
    const struct kv_store *store = job->store;
    const uint32_t size = store->shape.block_size, at = token < job->num_tokens ? token : 0;
    const size_t row = (size_t)job->head * size + at % size;
    return kv_store_at(store, job->layer, value, job->blocks[at / size]) + row * store->shape.head_dim * store->element_bytes;
}

/* Rows from `token` on that lie together, as many as a chunk may have. */
static uint32_t rows_together(const struct head_job *job, uint32_t token)
{
    const uint32_t size = job->store->shape.block_size, left_in_block = size - token % size, left = job->num_tokens - token;
    const uint32_t together = left_in_block < left ? left_in_block : left;
    return together < KV_CHUNK_ROWS ? together : KV_CHUNK_ROWS;
}

static void attend_head(const struct head_job *job)
{
    const uint32_t dim = job->store->shape.head_dim;
    float maximum[KV_GROUP_MAX], sums[KV_GROUP_MAX * KV_CHUNK_ROWS] = {0};
    for (uint32_t g = 0; g < job->group; g++)
        maximum[g] = -INFINITY;
    memset(job->outputs, 0, (size_t)job->group * dim * sizeof(float));
    struct kv_attend_rows chunk = {.queries = job->queries,
                                   .keys_ahead = rows_at(job, 0, 0),
                                   .values_ahead = rows_at(job, 1, 0),
                                   .group = job->group,
                                   .head_dim = dim,
                                   .scale = job->scale,
                                   .maximum = maximum,
                                   .sums = sums,
                                   .outputs = job->outputs};
    for (uint32_t token = 0; token < job->num_tokens; token += chunk.rows) {
        chunk.rows = rows_together(job, token);
        chunk.keys = chunk.keys_ahead;
        chunk.values = chunk.values_ahead;
        chunk.keys_ahead = rows_at(job, 0, token + chunk.rows);
        chunk.values_ahead = rows_at(job, 1, token + chunk.rows);
        job->kernels->attend[job->store->shape.dtype](&chunk);
    }
    for (uint32_t g = 0; g < job->group; g++) {
        float sum = 0;
        for (uint32_t i = 0; i < KV_CHUNK_ROWS; i++)
            sum += sums[g * KV_CHUNK_ROWS + i];
        for (uint32_t d = 0; d < dim; d++)
            job->outputs[(size_t)g * dim + d] /= sum;
    }
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
