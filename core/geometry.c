/* geometry.c - the few ways in which blocks may be walked, and which of them is best here: kv_geometry_measure times each of them on a small
 * store of the right shape, kv_geometry_best chooses. gather.c and kv_store.c follow the choice; what they write does not depend on it.
 *
 * Processors differ by more than a constant. One (EPYC 9004) needs eight streams for its prefetchers; on another (EPYC 7003) eight streams
 * in short turns fall to a sixth of the memory's speed, as lines at equal offsets of a page push each other out, while one stream alone comes
 * near the limit. The first way is 0.6 of the limit or better on both, so that it can be taken without looking. */
#include "geometry.h"

#include <stdio.h>
#include <string.h>

#include "allocate.h"
#include "kernels.h"
#include "pages.h"
#include "wall_clock.h"

#define MIB ((size_t)1 << 20)

/* What is measured, so that 30 ms are enough: a pool beyond most last-level caches of which each round reads another third, and one that
 * fits them with what is gathered from it. */
#define MEMORY_POOL   (48 * MIB)
#define MEMORY_GATHER (12 * MIB)
#define SHARED_POOL   (6 * MIB)
enum { ROUNDS = 3, MOST_ENTRIES = 1 << 16 };

static const struct kv_geometry ways[] = {
    {.runs = 4, .turn = 1024, .ahead = 32768, .stream = true},
    {.runs = 1, .turn = 1024, .ahead = 32768, .stream = true},
    {.runs = 8, .turn = 256, .ahead = 32768, .stream = true},
    {.runs = 4, .turn = 256, .stream = false},
    {.runs = 1, .turn = 1024, .stream = false},
};
enum { WAYS = sizeof ways / sizeof *ways, STREAMING_WAYS = 3 };

struct kv_geometry_plan kv_geometry_default(void)
{
    return (struct kv_geometry_plan){.memory = ways[0], .shared = ways[0]};
}

/* Noise of some percent must not move the choice from what is known to be sound. */
uint32_t kv_geometry_best(const double *speeds, uint32_t count)
{
    const double clearly = 1.05;
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (speeds[i] > speeds[best] * (best == 0 ? clearly : 1))
            best = i;
    return best;
}

/* --- text ------------------------------------------------------------------------------------------------------------------------- */

static bool sound(const struct kv_geometry *geometry)
{
    return geometry->runs >= 1 && geometry->runs <= KV_RUNS_MAX && geometry->turn >= KV_TURN_LEAST && geometry->turn <= KV_TURN_MOST &&
           geometry->turn % KV_TURN_LEAST == 0 && geometry->ahead <= KV_AHEAD_MOST;
}

/* Digits, then `after`. */
static bool parse_number(const char **at, uint32_t *out, char after)
{
    enum { DIGITS_MOST = 7 };
    const size_t digits = strspn(*at, "0123456789");
    *out = 0;
    for (size_t i = 0; i < digits && digits <= DIGITS_MOST; i++)
        *out = *out * 10 + (uint32_t)((*at)[i] - '0');
    *at += digits;
    return digits >= 1 && digits <= DIGITS_MOST && (after == '\0' || *(*at)++ == after);
}

static bool parse_one(const char **at, struct kv_geometry *out)
{
    if (!parse_number(at, &out->runs, 'x') || !parse_number(at, &out->turn, '+') || !parse_number(at, &out->ahead, '\0'))
        return false;
    out->stream = **at != 'p';
    *at += **at == 'p' || **at == 's';
    return sound(out);
}

bool kv_geometry_plan_parse(const char *text, struct kv_geometry_plan *out)
{
    struct kv_geometry_plan plan;
    if (!parse_one(&text, &plan.memory))
        return false;
    plan.shared = plan.memory;
    if (*text == ',') {
        text++;
        if (!parse_one(&text, &plan.shared))
            return false;
    }
    if (*text != '\0')
        return false;
    *out = plan;
    return true;
}

void kv_geometry_plan_text(const struct kv_geometry_plan *plan, char text[KV_GEOMETRY_TEXT])
{
    snprintf(text, KV_GEOMETRY_TEXT, "%ux%u+%u%c,%ux%u+%u%c", plan->memory.runs, plan->memory.turn, plan->memory.ahead,
             plan->memory.stream ? 's' : 'p', plan->shared.runs, plan->shared.turn, plan->shared.ahead, plan->shared.stream ? 's' : 'p');
}

/* --- measuring -------------------------------------------------------------------------------------------------------------------- */

struct bench {
    struct kv_store *store;
    uint32_t *blocks;
    uint32_t entries, tokens; /* of a gather */
    unsigned char *to;        /* K, then V */
    size_t to_bytes;
};

/* K, and as much V. */
static size_t half_bytes(const struct bench *bench)
{
    const struct kv_store_shape *shape = &bench->store->shape;
    return (size_t)bench->tokens * shape->num_kv_heads * shape->head_dim * sizeof(float);
}

static void close_bench(struct bench *bench)
{
    kv_store_destroy(bench->store);
    kv_pages_unmap(bench->to, bench->to_bytes);
    kv_free(bench->blocks);
}

static bool valid_shape(const struct kv_store_shape *shape)
{
    const size_t most = SHARED_POOL;
    return shape->num_kv_heads > 0 && shape->head_dim > 0 && shape->block_size > 0 && shape->num_kv_heads < most &&
           shape->head_dim < most && shape->block_size < most;
}

/* A store of one layer of about `pool` bytes, every page of it written, and its blocks in some order in which neighbours lie apart. */
static bool open_bench(struct bench *bench, const struct kv_store_shape *like, size_t pool, size_t gather)
{
    struct kv_store_shape shape = *like;
    enum kv_pages kind;
    const size_t floats = 2 * sizeof(float) * like->num_kv_heads * like->head_dim * like->block_size;
    const size_t block = shape.dtype == KV_STORE_FLOAT32 ? floats : floats / 2;
    shape.num_layers = 1;
    shape.num_blocks = (uint32_t)(pool / block < MOST_ENTRIES ? pool / block : MOST_ENTRIES);
    bench->entries = (uint32_t)(gather / floats < shape.num_blocks ? gather / floats : shape.num_blocks);
    bench->tokens = bench->entries * shape.block_size;
    if (bench->entries < 2 * KV_RUNS_MAX || kv_store_create(&shape, &bench->store) != KV_OK)
        return false;
    memset(bench->store->memory, 0, bench->store->mapped_bytes);
    bench->blocks = kv_calloc(shape.num_blocks, sizeof *bench->blocks);
    bench->to_bytes = 2 * half_bytes(bench);
    bench->to = kv_pages_map(&bench->to_bytes, &kind);
    if (!bench->blocks || !bench->to)
        return false;
    memset(bench->to, 0, bench->to_bytes);
    uint32_t random = 1;
    for (uint32_t i = 0; i < shape.num_blocks; i++) {
        const uint32_t other = (random = random * 1664525 + 1013904223) % (i + 1);
        bench->blocks[i] = bench->blocks[other];
        bench->blocks[other] = i;
    }
    return true;
}

/* The best of some rounds of each of the first `count` ways, in turn, so that what else runs on the machine meets all of them. Each gather
 * begins where the last one ended: out of the caches nothing is met again soon, in them everything is. */
static void race(struct bench *bench, uint32_t count, double *speeds)
{
    const uint32_t blocks = bench->store->shape.num_blocks, heads = bench->store->shape.num_kv_heads;
    float *k = (float *)(void *)bench->to, *v = (float *)(void *)(bench->to + half_bytes(bench));
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++)
        speeds[i] = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < count; i++, at += bench->entries) {
            at = at + bench->entries > blocks ? 0 : at;
            bench->store->geometry = (struct kv_geometry_plan){ways[i], ways[i]};
            const double start = kv_seconds();
            const bool gathered = kv_gather_heads(bench->store, 0, 0, heads, bench->blocks + at, bench->tokens, k, v) == KV_OK;
            const double speed = (double)half_bytes(bench) / (kv_seconds() - start);
            speeds[i] = gathered && speed > speeds[i] ? speed : speeds[i];
        }
}

struct kv_geometry_plan kv_geometry_measure(const struct kv_store_shape *shape)
{
    struct kv_geometry_plan plan = kv_geometry_default();
    struct bench memory = {0}, shared = {0};
    double speeds[WAYS];
    if (!valid_shape(shape))
        return plan;
    if (open_bench(&memory, shape, MEMORY_POOL, MEMORY_GATHER)) {
        race(&memory, STREAMING_WAYS, speeds);
        plan.memory = ways[kv_geometry_best(speeds, STREAMING_WAYS)];
    }
    close_bench(&memory);
    if (open_bench(&shared, shape, SHARED_POOL, SHARED_POOL)) {
        race(&shared, WAYS, speeds);
        plan.shared = ways[kv_geometry_best(speeds, WAYS)];
    }
    close_bench(&shared);
    return plan;
}
