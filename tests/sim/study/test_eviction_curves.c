/* test_eviction_curves.c - both orders of eviction are what naive caches of single blocks do, at every pool size; and nothing hits more than the
 * optimal one, which is asked of all that could be kept, in traces small enough for that. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "study/eviction_curves.h"
#include "support/prompt_blocks.h"
#include "support/random.h"

enum { REQUESTS = 14, BLOCKS_MOST = PROMPT_BLOCKS_MOST };

/* --- one block at a time ------------------------------------------------------------------------------------------------------------------ */

/* All requests of a case, cut into blocks. */
struct cut {
    struct prompt_blocks *requests;
    uint32_t count, block_size;
    uint32_t warmup; /* requests that are not counted */
    const struct trace *trace;
};

static struct cut cut_open(const struct trace *trace, uint32_t width, uint32_t block_size, uint32_t warmup)
{
    struct cut cut = {calloc(trace->count, sizeof *cut.requests), trace->count, block_size, warmup, trace};
    for (uint32_t position = 0; position < trace->count; position++)
        prompt_blocks_of(trace, width, position, block_size, true, &cut.requests[position]);
    return cut;
}

struct cache {
    uint64_t blocks[BLOCKS_MOST];
    size_t count;
    struct curve_point sum;
};

static size_t find(const struct cache *cache, uint64_t block)
{
    size_t at = 0;
    while (at < cache->count && cache->blocks[at] != block)
        at++;
    return at;
}

static void take_out(struct cache *cache, size_t at)
{
    cache->count--;
    memmove(cache->blocks + at, cache->blocks + at + 1, (cache->count - at) * sizeof *cache->blocks);
}

static void look_up(struct cache *cache, const struct cut *cut, uint32_t position)
{
    const struct prompt_blocks *request = &cut->requests[position];
    const uint32_t rest = cut->trace->input_tokens[position] % cut->block_size;
    size_t hits = 0;
    if (position < cut->warmup)
        return;
    while (hits < request->of_prompt && find(cache, request->full[hits]) < cache->count)
        hits++;
    cache->sum.hit_blocks += hits;
    cache->sum.hit_tokens += hits * cut->block_size;
    if (hits == request->of_prompt && request->partial && find(cache, request->partial) < cache->count) {
        cache->sum.hit_blocks++;
        cache->sum.hit_tokens += rest;
    }
}

static void put_fifo(struct cache *cache, uint64_t block, uint64_t pool)
{
    if (find(cache, block) < cache->count || pool == 0)
        return;
    if (cache->count == pool)
        take_out(cache, 0);
    cache->blocks[cache->count++] = block;
}

static struct curve_point naive_fifo(const struct cut *cut, uint64_t pool)
{
    static struct cache cache;
    memset(&cache, 0, sizeof cache);
    for (uint32_t position = 0; position < cut->count; position++) {
        const struct prompt_blocks *request = &cut->requests[position];
        look_up(&cache, cut, position);
        for (size_t i = 0; i < request->count; i++)
            put_fifo(&cache, request->full[i], pool);
        if (request->partial)
            put_fifo(&cache, request->partial, pool);
    }
    return cache.sum;
}

/* Who looks the block up next after `position`; UINT32_MAX: nobody, or it is put in again before. `deep` says where it lies there. */
static uint32_t next_look(const struct cut *cut, uint32_t position, uint64_t block, size_t *deep)
{
    for (uint32_t next = position + 1; next < cut->count; next++) {
        const struct prompt_blocks *request = &cut->requests[next];
        for (size_t i = 0; i < request->count; i++)
            if (request->full[i] == block) {
                *deep = i;
                return i < request->of_prompt ? next : UINT32_MAX;
            }
        if (request->partial == block) {
            *deep = request->of_prompt;
            return next;
        }
    }
    return UINT32_MAX;
}

static size_t furthest(const struct cache *cache, const struct cut *cut, uint32_t position)
{
    size_t worst = 0, worst_deep = 0;
    uint32_t worst_next = 0;
    for (size_t i = 0; i < cache->count; i++) {
        size_t deep = 0;
        const uint32_t next = next_look(cut, position, cache->blocks[i], &deep);
        if (i == 0 || next > worst_next || (next == worst_next && deep > worst_deep)) {
            worst = i;
            worst_next = next;
            worst_deep = deep;
        }
    }
    return worst;
}

static struct curve_point naive_optimal(const struct cut *cut, uint64_t pool)
{
    static struct cache cache;
    memset(&cache, 0, sizeof cache);
    for (uint32_t position = 0; position < cut->count; position++) {
        const struct prompt_blocks *request = &cut->requests[position];
        look_up(&cache, cut, position);
        for (size_t i = 0; i <= request->count; i++) {
            const uint64_t block = i < request->count ? request->full[i] : request->partial;
            if (block && find(&cache, block) == cache.count)
                cache.blocks[cache.count++] = block;
        }
        while (cache.count > pool)
            take_out(&cache, furthest(&cache, cut, position));
    }
    return cache.sum;
}

/* --- against them ------------------------------------------------------------------------------------------------------------------------- */

struct made {
    struct prompt_tree tree;
    struct prompt_uses uses;
    struct hit_curve lru;
};

static void make(const struct trace *trace, uint32_t width, uint32_t block_size, uint32_t warmup, struct made *made)
{
    struct diag diag = {0};
    cr_assert_eq(prompt_tree_build(trace, width, true, &made->tree, &diag), SIM_OK);
    prompt_tree_warm_up(&made->tree, warmup);
    cr_assert_eq(prompt_uses_init(&made->uses, &made->tree, block_size, &diag), SIM_OK);
    cr_assert_eq(hit_curve_make(&made->tree, block_size, HITS_PLAIN, &made->lru, &diag), SIM_OK);
}

static void end(struct made *made)
{
    hit_curve_free(&made->lru);
    prompt_uses_deinit(&made->uses);
    prompt_tree_free(&made->tree);
}

static struct curve_point hits(const struct made *made, enum eviction eviction, uint64_t pool)
{
    struct curve_point point;
    struct diag diag = {0};
    cr_assert_eq(eviction_hits(&made->uses, eviction, pool, &point, &diag), SIM_OK);
    cr_assert_eq(point.pool_blocks, pool);
    return point;
}

static void expect_equal(const char *what, uint32_t block_size, struct curve_point got, struct curve_point want)
{
    cr_assert(got.hit_blocks == want.hit_blocks && got.hit_tokens == want.hit_tokens,
              "%s B %u pool %llu: %llu blocks, %llu tokens; want %llu, %llu", what, block_size, (unsigned long long)got.pool_blocks,
              (unsigned long long)got.hit_blocks, (unsigned long long)got.hit_tokens, (unsigned long long)want.hit_blocks,
              (unsigned long long)want.hit_tokens);
}

Test(eviction_curves, are_naive_caches_at_every_pool_size)
{
    uint64_t seed = 21;
    for (int round = 0; round < 60; round++) {
        const uint32_t width = 1 + random_below(&seed, 6), block_size = random_below(&seed, 2) ? width : 1 + random_below(&seed, 9);
        struct trace *trace = random_prompts(&seed, width, REQUESTS);
        const uint32_t warmup = round % 3 ? 0 : random_below(&seed, REQUESTS);
        struct cut cut = cut_open(trace, width, block_size, warmup);
        struct made made;
        make(trace, width, block_size, warmup, &made);
        const uint64_t most = hit_curve_most(&made.lru).pool_blocks + 2;
        for (uint64_t pool = 0; pool <= most; pool += 1 + most / 40) {
            const struct curve_point optimal = hits(&made, EVICTION_OPTIMAL, pool);
            expect_equal("FIFO", block_size, hits(&made, EVICTION_FIFO, pool), naive_fifo(&cut, pool));
            expect_equal("optimal", block_size, optimal, naive_optimal(&cut, pool));
            if (warmup > 0)
                continue; /* the most hits of all need not be the most of the last ones */
            cr_assert_geq(optimal.hit_blocks, hit_curve_at(&made.lru, pool).hit_blocks);
            cr_assert_geq(optimal.hit_blocks, hits(&made, EVICTION_FIFO, pool).hit_blocks);
        }
        cr_assert_eq(hits(&made, EVICTION_FIFO, UINT64_MAX).hit_blocks, hit_curve_most(&made.lru).hit_blocks, "nothing is evicted");
        end(&made);
        free(cut.requests);
        trace_destroy(trace);
    }
}

/* --- nothing hits more ---------------------------------------------------------------------------------------------------------------------- */

enum { FEW = 7, SETS = 1 << FEW };

/* A block's number among the different ones of a case; FEW: there are more. */
static size_t number_of(uint64_t *known, size_t *count, uint64_t block)
{
    for (size_t i = 0; i < *count; i++)
        if (known[i] == block)
            return i;
    if (*count == FEW)
        return FEW;
    known[*count] = block;
    return (*count)++;
}

/* The most hits with `pool` blocks, over everything that could be kept after each request: best[set] is the most so far with that set in the
 * cache. -1: the case has too many blocks. */
static int most_hits(const struct cut *cut, int pool)
{
    int best[SETS], next[SETS];
    uint64_t known[FEW];
    size_t count = 0;
    memset(best, -1, sizeof best);
    best[0] = 0;
    for (uint32_t position = 0; position < cut->count; position++) {
        const struct prompt_blocks *request = &cut->requests[position];
        const size_t looked_up = request->of_prompt + (request->partial != 0);
        unsigned touched = 0, order[BLOCKS_MOST] = {0};
        for (size_t i = 0; i < request->count + (request->partial != 0); i++) {
            const uint64_t block = i < request->of_prompt                        ? request->full[i]
                                   : i == request->of_prompt && request->partial ? request->partial
                                                                                 : request->full[i - (request->partial != 0)];
            const size_t number = number_of(known, &count, block);
            if (number == FEW)
                return -1;
            order[i] = 1u << number;
            touched |= order[i];
        }
        memset(next, -1, sizeof next);
        for (unsigned set = 0; set < SETS; set++) {
            int hit = 0;
            if (best[set] < 0)
                continue;
            while ((size_t)hit < looked_up && (set & order[hit]))
                hit++;
            for (unsigned kept = 0; kept < SETS; kept++)
                if ((kept & ~(set | touched)) == 0 && __builtin_popcount(kept) <= pool && best[set] + hit > next[kept])
                    next[kept] = best[set] + hit;
        }
        memcpy(best, next, sizeof best);
    }
    int most = 0;
    for (unsigned set = 0; set < SETS; set++)
        most = best[set] > most ? best[set] : most;
    return most;
}

Test(eviction_curves, nothing_hits_more_than_the_optimal_order)
{
    uint64_t seed = 4;
    int looked_at = 0;
    for (int round = 0; round < 1500 && looked_at < 150; round++) {
        const uint32_t width = 1 + random_below(&seed, 3), block_size = 2 + random_below(&seed, 6);
        struct trace *trace = random_prompts(&seed, width, 7);
        struct cut cut = cut_open(trace, width, block_size, 0);
        struct made made;
        make(trace, width, block_size, 0, &made);
        for (int pool = 1; pool < 5; pool++) {
            const int most = most_hits(&cut, pool);
            if (most < 0)
                break;
            looked_at += pool == 1;
            cr_assert_eq(hits(&made, EVICTION_OPTIMAL, (uint64_t)pool).hit_blocks, (uint64_t)most, "round %d pool %d", round, pool);
        }
        end(&made);
        free(cut.requests);
        trace_destroy(trace);
    }
    cr_assert_geq(looked_at, 100, "%d cases had few blocks", looked_at);
}
