/* attention.c - decode attention over blocks: cuts a batch into jobs for threads (attend_share), and a job into groups of blocks whose rows
 * are read in turn (attend_heads). The arithmetic of a chunk of rows is in kernels_attention.h. Read the section on attention of pagedkv.h
 * first, then this file from the bottom up.
 *
 * Speed is that of memory: each K and V row is read once, and everything below decides the order in which. */
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "pagedkv.h"
#include "team.h"

/* Softmax and sum do not care in which order the tokens come, memory does: the rows of up to SIDE_BY_SIDE blocks are taken in turn, as
 * gathers do (kernels_body.h), and HEADS_TOGETHER neighbouring heads after one another, so that the runs of a block follow each other. The
 * order in which a head's rows are added depends on its table alone. */
enum { SIDE_BY_SIDE = 4, HEADS_TOGETHER = 8 };

/* Neighbouring K/V heads of one sequence, by one thread. */
struct job {
    const struct kv_store *store;
    const struct kv_kernels *kernels;
    uint32_t layer, first_head, heads, group;
    float scale;
    const struct kv_attend_sequence *sequence;
};

/* The running softmax of one K/V head's queries. */
struct running {
    float maximum[KV_ATTEND_GROUP_MAX], sums[KV_ATTEND_GROUP_MAX * KV_CHUNK_ROWS];
};

/* Blocks that are read side by side, with `rows` rows each: `turn` rows of each in turn. Row i of a turn is row i / count of block i % count. */
struct side_by_side {
    uint32_t first, count, rows, turn;
    const unsigned char *keys[KV_CHUNK_ROWS], *values[KV_CHUNK_ROWS];
};

/* The blocks from entry `first` on: whole ones, or the last one if it is not full. Past the end: the first ones. */
static void enter(const struct job *job, uint32_t head, uint32_t first, struct side_by_side *group)
{
    const struct kv_store *store = job->store;
    const uint32_t size = store->shape.block_size, num_tokens = job->sequence->num_tokens, whole = num_tokens / size;
    const uint32_t most = size >= KV_CHUNK_ROWS / SIDE_BY_SIDE ? SIDE_BY_SIDE : KV_CHUNK_ROWS / size; /* small blocks: to fill a chunk */
    if ((uint64_t)first * size >= num_tokens)
        first = 0;
    group->first = first;
    group->rows = first < whole ? size : num_tokens - whole * size;
    group->count = first >= whole ? 1 : whole - first < most ? whole - first : most;
    group->turn = KV_CHUNK_ROWS / group->count;
    const size_t row_bytes = store->shape.head_dim * store->element_bytes, at = (size_t)head * size * row_bytes;
    for (uint32_t i = 0; i < KV_CHUNK_ROWS; i++) {
        const uint32_t block = job->sequence->blocks[first + i % group->count];
        const size_t from = at + i / group->count * row_bytes;
        group->keys[i] = kv_store_at(store, job->layer, 0, block) + from;
        group->values[i] = kv_store_at(store, job->layer, 1, block) + from;
    }
}

/* All rows of some blocks for one head; meanwhile those of `next` are asked for, which is what is attended to after it. */
static void attend_group(const struct job *job, uint32_t head, const struct side_by_side *group, const struct side_by_side *next,
                         struct running *running)
{
    const uint32_t dim = job->store->shape.head_dim;
    const size_t row_bytes = dim * job->store->element_bytes, at = (size_t)head * job->group * dim;
    struct kv_attend_rows chunk = {.queries = job->sequence->queries + at,
                                   .keys = group->keys,
                                   .values = group->values,
                                   .keys_ahead = next->keys,
                                   .values_ahead = next->values,
                                   .group = job->group,
                                   .head_dim = dim,
                                   .scale = job->scale,
                                   .maximum = running->maximum,
                                   .sums = running->sums,
                                   .outputs = job->sequence->outputs + at};
    for (uint32_t row = 0; row < group->rows; row += group->turn) {
        const uint32_t left = group->rows - row;
        chunk.rows = group->count * (left < group->turn ? left : group->turn);
        chunk.at = row * row_bytes;
        chunk.at_ahead = row < next->rows ? row * row_bytes : 0;
        job->kernels->attend[job->store->shape.dtype](&chunk);
    }
}

/* Softmax over nothing: maximum -infinity, sum 0, output 0. The first chunk's weights then need no case of their own. */
static void begin(const struct job *job, struct running *running)
{
    const size_t width = (size_t)job->group * job->store->shape.head_dim;
    memset(running, 0, job->heads * sizeof *running);
    for (uint32_t head = 0; head < job->heads; head++)
        for (uint32_t g = 0; g < job->group; g++)
            running[head].maximum[g] = -INFINITY;
    memset(job->sequence->outputs + job->first_head * width, 0, job->heads * width * sizeof(float));
}

/* Outputs were summed with weights relative to the running maximum; dividing by the sum of the weights makes them a softmax. Sums stand in
 * as many lanes as a chunk has rows, so that adding a chunk is one vector addition. */
static void end(const struct job *job, const struct running *running)
{
    const uint32_t dim = job->store->shape.head_dim;
    float *output = job->sequence->outputs + (size_t)job->first_head * job->group * dim;
    for (uint32_t head = 0; head < job->heads; head++)
        for (uint32_t g = 0; g < job->group; g++, output += dim) {
            float sum = 0;
            for (uint32_t i = 0; i < KV_CHUNK_ROWS; i++)
                sum += running[head].sums[g * KV_CHUNK_ROWS + i];
            for (uint32_t d = 0; d < dim; d++)
                output[d] /= sum;
        }
}

/* Up to HEADS_TOGETHER heads. */
static void attend_heads(const struct job *job)
{
    struct running running[HEADS_TOGETHER];
    struct side_by_side groups[2]; /* the one that is read, and the one after it */
    begin(job, running);
    enter(job, job->first_head, 0, &groups[0]);
    const uint32_t size = job->store->shape.block_size;
    uint32_t number = 0;
    for (uint32_t first = 0, past; (uint64_t)first * size < job->sequence->num_tokens; first = past) {
        past = first + groups[number % 2].count;
        for (uint32_t head = 0; head < job->heads; head++, number++) {
            const bool last = head + 1 == job->heads;
            struct side_by_side *group = &groups[number % 2], *next = &groups[(number + 1) % 2];
            enter(job, job->first_head + (last ? 0 : head + 1), last ? past : first, next);
            attend_group(job, job->first_head + head, group, next, &running[head]);
        }
    }
    end(job, running);
}

/* The heads of all sequences that are thread `part`'s of `team`: in the order (sequence, head), those that begin in its share of all tokens. */
static void attend_share(const struct job *common, const struct kv_attend_sequence *sequences, uint32_t count, uint64_t total,
                         uint32_t part, uint32_t team)
{
    const uint32_t heads = common->store->shape.num_kv_heads;
    uint64_t before = 0;
    for (uint32_t i = 0; i < count; before += (uint64_t)heads * sequences[i++].num_tokens) {
        struct job job = *common;
        job.sequence = &sequences[i];
        for (uint32_t head = 0; head < heads; head++) {
            const bool mine = (before + (uint64_t)head * sequences[i].num_tokens) * team / total == part;
            if (mine && job.heads++ == 0)
                job.first_head = head;
            if (job.heads == HEADS_TOGETHER || (job.heads > 0 && (!mine || head + 1 == heads))) {
                attend_heads(&job);
                job.heads = 0;
            }
        }
    }
}

/* As in gather.c: everything before the first write. */
static bool valid(const struct kv_store *store, uint32_t layer, uint32_t group, const struct kv_attend_sequence *sequences, uint32_t count)
{
    if (layer >= store->shape.num_layers || group < 1 || group > KV_ATTEND_GROUP_MAX || store->shape.head_dim > KV_ATTEND_HEAD_DIM_MAX)
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
    uint64_t total = 0; /* tokens of all heads */
    for (uint32_t i = 0; i < count; i++)
        total += (uint64_t)store->shape.num_kv_heads * sequences[i].num_tokens;
    if (total == 0)
        return KV_OK;
    const uint32_t team = kv_team_for(threads, 2 * total * store->shape.head_dim * store->element_bytes);
    const struct job common = {.store = store, .kernels = kv_kernels(), .layer = layer, .group = group, .scale = scale};
#pragma omp parallel for schedule(static) num_threads(team) default(none) shared(common, sequences, count, total, team) if (team > 1)
    for (uint32_t part = 0; part < team; part++)
        attend_share(&common, sequences, count, total, part, team);
    return KV_OK;
}
