/* test_hit_curve.c - the curve is what a naive LRU cache hits, at every pool size, for block sizes that divide the trace's and that do not;
 * and it gives the known answers of a real trace. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/curve_study.h"
#include "support/prompt_blocks.h"
#include "support/random.h"
#include "support/shared.h"
#include "support/tiny_trace.h"

#define MOONCAKE "../shared/traces/mooncake_conversation.jsonl"

enum { REQUESTS = 14, CACHE_MOST = PROMPT_BLOCKS_MOST, USES = 4 * REQUESTS };

/* --- a cache as the definition says, block by block ------------------------------------------------------------------------------ */

struct naive {
    uint64_t blocks[CACHE_MOST]; /* identities, most recent first */
    size_t count, pool;
    uint64_t hit_blocks, hit_tokens;
};

static bool has(const struct naive *cache, uint64_t block)
{
    for (size_t i = 0; i < cache->count; i++)
        if (cache->blocks[i] == block)
            return true;
    return false;
}

static void touch(struct naive *cache, uint64_t block)
{
    size_t at = 0;
    while (at < cache->count && cache->blocks[at] != block)
        at++;
    if (at == cache->count)
        cache->count++;
    cr_assert_lt(cache->count, CACHE_MOST);
    memmove(cache->blocks + 1, cache->blocks, at * sizeof *cache->blocks);
    cache->blocks[0] = block;
    if (cache->count > cache->pool)
        cache->count = cache->pool;
}

static void use(struct naive *cache, const struct trace *trace, uint32_t width, uint32_t block_size, enum hit_rules rules,
                const struct cache_use *what, bool touch_ends)
{
    static struct prompt_blocks blocks;
    const uint32_t length = trace->input_tokens[what->position];
    size_t hits = 0;
    prompt_blocks_of(trace, width, what->position, block_size, rules == HITS_PLAIN, &blocks);
    if (what->ends && !touch_ends)
        return;
    while (!what->ends && hits < blocks.of_prompt && has(cache, blocks.full[hits]) &&
           (rules != HITS_LAST_TOKEN || (hits + 1) * (uint64_t)block_size < length))
        hits++;
    hits += !what->ends && hits == blocks.of_prompt && blocks.partial != 0 && has(cache, blocks.partial);
    cache->hit_blocks += hits;
    cache->hit_tokens += hits * block_size < length ? hits * block_size : length;
    const uint32_t computed = (length + trace->output_tokens[what->position] - 1) / block_size - length / block_size;
    for (size_t o = computed; what->ends && o > blocks.count - blocks.of_prompt; o--)
        touch(cache, (uint64_t)what->position << 32 | o); /* no link is as small as this, but for chances of 2^-26 */
    if (blocks.partial != 0)
        touch(cache, blocks.partial);
    size_t count = touch_ends && !what->ends ? blocks.of_prompt : blocks.count; /* the answer is there at the end, or at once */
    while (count > 0)
        touch(cache, blocks.full[--count]);
}

/* The first `warmup` requests are in the cache and not in the counts. */
static void compare_all_pools(const struct trace *trace, uint32_t width, uint32_t block_size, enum hit_rules rules, uint32_t warmup)
{
    struct prompt_tree tree;
    struct hit_curve curve;
    struct diag diag = {0};
    cr_assert_eq(prompt_tree_build(trace, width, true, &tree, &diag), SIM_OK);
    cr_assert(prompt_tree_check(&tree, trace, width));
    prompt_tree_warm_up(&tree, warmup);
    uint64_t prompt_tokens = 0;
    for (uint32_t position = warmup; position < trace->count; position++)
        prompt_tokens += trace->input_tokens[position];
    cr_assert_eq(tree.prompt_tokens, prompt_tokens);
    cr_assert_eq(hit_curve_make(&tree, block_size, rules, &curve, &diag), SIM_OK);
    for (uint64_t pool = 0; pool <= hit_curve_most(&curve).pool_blocks + 2; pool++) {
        struct naive cache = {.pool = pool};
        for (uint32_t position = 0; position < trace->count; position++) {
            if (position == warmup)
                cache.hit_blocks = cache.hit_tokens = 0;
            use(&cache, trace, width, block_size, rules, &(struct cache_use){.position = position}, false);
        }
        struct curve_point point = hit_curve_at(&curve, pool);
        cr_assert_eq(point.hit_blocks, cache.hit_blocks, "T %u B %u rules %d pool %llu: %llu blocks hit, want %llu", width, block_size,
                     rules, (unsigned long long)pool, (unsigned long long)point.hit_blocks, (unsigned long long)cache.hit_blocks);
        cr_assert_eq(point.hit_tokens, cache.hit_tokens);
    }
    if (rules != HITS_LAST_TOKEN) /* which misses some for another reason */
        cr_assert_eq(curve.references - hit_curve_most(&curve).hit_blocks, curve.distinct);
    /* The last corner is the smallest pool that loses nothing. */
    struct curve_point most = hit_curve_most(&curve);
    cr_assert_eq(most.hit_blocks, hit_curve_at(&curve, UINT64_MAX).hit_blocks);
    cr_assert(most.pool_blocks == 0 || hit_curve_at(&curve, most.pool_blocks - 1).hit_tokens < most.hit_tokens);
    cr_assert_eq(hit_curve_pool_for(&curve, 1.0), most.pool_blocks);
    hit_curve_free(&curve);
    prompt_tree_free(&tree);
}

Test(hit_curve, is_a_naive_cache_at_every_pool_size)
{
    uint64_t seed = 11;
    for (int round = 0; round < 120; round++) {
        uint32_t width = 1 + random_below(&seed, 8);
        struct trace *trace = random_prompts(&seed, width, REQUESTS);
        for (int i = 0; i < 3; i++)
            for (enum hit_rules rules = HITS_PLAIN; rules <= HITS_LAST_TOKEN; rules++)
                compare_all_pools(trace, width, i == 0 ? width : 1 + random_below(&seed, 12), rules,
                                  round % 3 ? 0 : random_below(&seed, REQUESTS));
        trace_destroy(trace);
    }
}

/* Admissions in any order, ends after them, some never. */
static size_t random_uses(uint64_t *seed, struct cache_use *uses)
{
    size_t count = 0;
    bool in[REQUESTS] = {false}, out[REQUESTS] = {false};
    for (int i = 0; i < USES; i++) {
        uint32_t position = random_below(seed, REQUESTS);
        if (out[position])
            continue;
        out[position] = in[position];
        uses[count++] = (struct cache_use){.position = position, .ends = in[position]};
        in[position] = true;
    }
    return count;
}

Test(hit_curve, follows_a_schedulers_order)
{
    uint64_t seed = 5;
    for (int round = 0; round < 200; round++) {
        uint32_t width = 1 + random_below(&seed, 8), block_size = 1 + random_below(&seed, 10);
        struct trace *trace = random_prompts(&seed, width, REQUESTS);
        struct cache_use uses[USES];
        size_t count = random_uses(&seed, uses);
        struct prompt_tree tree;
        struct diag diag = {0};
        cr_assert_eq(prompt_tree_build(trace, width, true, &tree, &diag), SIM_OK);
        for (uint64_t pool = 0; pool < 60; pool += 1 + pool / 8)
            for (int ends = 0; ends < 2; ends++) {
                struct naive cache = {.pool = pool};
                uint64_t tokens;
                for (size_t i = 0; i < count; i++)
                    use(&cache, trace, width, block_size, HITS_LAST_TOKEN, &uses[i], ends);
                cr_assert_eq(hit_tokens_in_order(&tree, trace, block_size, uses, count, ends, pool, &tokens, &diag), SIM_OK);
                cr_assert_eq(tokens, cache.hit_tokens, "round %d pool %llu ends %d: %llu, want %llu", round, (unsigned long long)pool, ends,
                             (unsigned long long)tokens, (unsigned long long)cache.hit_tokens);
            }
        prompt_tree_free(&tree);
        trace_destroy(trace);
    }
}

Test(hit_curve, samples_share_their_prompt_though_it_has_no_ids)
{
    const struct tiny_request requests[] = {{.input = 40, .output = 5, .samples = 3}, {.input = 40, .output = 5}};
    struct trace *trace = tiny_trace(requests, 2), *expanded;
    struct prompt_tree tree;
    struct hit_curve curve;
    struct diag diag = {0};
    cr_assert_eq(trace_expand_samples(trace, &expanded, &diag), SIM_OK);
    cr_assert_eq(prompt_tree_build(expanded, 16, true, &tree, &diag), SIM_OK);
    cr_assert_eq(hit_curve_make(&tree, 16, HITS_PLAIN, &curve, &diag), SIM_OK);
    cr_expect_eq(curve.references, 12);
    cr_expect_eq(curve.distinct, 6);
    cr_expect_eq(hit_curve_most(&curve).hit_tokens, 80); /* two more samples of 40 tokens, 16 + 16 + 8 */
    cr_expect_eq(hit_curve_most(&curve).pool_blocks, 3);
    hit_curve_free(&curve);
    prompt_tree_free(&tree);
    trace_destroy(expanded);
    trace_destroy(trace);
}

/* --- known answers, worked out apart from this program (doc/guide.md lists them) ---------------------------------------------------- */

Test(hit_curve, gives_the_known_answers_of_mooncake)
{
    static const struct {
        uint64_t pool, hit_blocks;
        double blocks, tokens, digits;
    } known[] = {{1000, 12847, .045, .045, 1e3},         {5859, 39258, .136, .139, 1e3},   {10000, 61046, .212, .216, 1e3},
                 {30000, 93978, .326, .332, 1e3},        {50000, 102290, .355, .362, 1e3}, {100000, 104924, .364, .371, 1e3},
                 {UINT64_MAX, 105710, .3664, .3736, 1e4}};
    struct trace *trace;
    struct prompt_tree tree;
    struct hit_curve curve;
    struct diag diag = {0};
    const struct trace_selection all = trace_select_all();
    need_shared(MOONCAKE);
    cr_assert_eq(trace_load(MOONCAKE, &all, &trace, &diag), SIM_OK);
    cr_assert_eq(prompt_tree_build(trace, 512, true, &tree, &diag), SIM_OK);
    cr_assert_eq(hit_curve_make(&tree, 512, HITS_PLAIN, &curve, &diag), SIM_OK);
    cr_expect_eq(curve.references, 288500);
    cr_expect_eq(curve.distinct, 182790);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct curve_point point = hit_curve_at(&curve, known[i].pool);
        double blocks = (double)point.hit_blocks / (double)curve.references,
               tokens = (double)point.hit_tokens / (double)curve.prompt_tokens;
        cr_expect_eq(point.hit_blocks, known[i].hit_blocks);
        cr_expect_eq(round(blocks * known[i].digits), round(known[i].blocks * known[i].digits));
        cr_expect_eq(round(tokens * known[i].digits), round(known[i].tokens * known[i].digits));
    }
    hit_curve_free(&curve);
    prompt_tree_free(&tree);
    trace_destroy(trace);
}

/* --- the study ------------------------------------------------------------------------------------------------------------------- */

Test(hit_curve, steps_to_the_replay_add_up_and_a_roomy_pool_has_only_the_last_token_rule)
{
    uint64_t seed = 3;
    struct trace *trace = random_hash_prompts(&seed, 16, REQUESTS);
    struct config config = tiny_config_v1(16, 0);
    const uint32_t sizes[] = {16, 4, 24};
    const uint64_t pools[] = {40, 20000};
    const struct curve_plan plan = {.block_sizes = sizes, .block_size_count = 3, .pools = pools, .pool_count = 2, .replay = true};
    struct curve_study study;
    struct diag diag = {0};
    cr_assert_eq(curve_study_make(trace, &config, &plan, &study, &diag), SIM_OK, "%s", diag.text);
    for (size_t i = 0; i < study.size_count; i++) {
        cr_assert_eq(study.sizes[i].sight_count, 2);
        const struct hit_gap *roomy = &study.sizes[i].sights[1].gap;
        cr_expect_eq(roomy->dropped, 0);
        /* Nothing is evicted: what is left of the curve is what full blocks and the last token allow. */
        cr_expect_eq(roomy->hit_tokens[HIT_REPLAY], roomy->hit_tokens[HIT_LAST_TOKEN], "B %u: %llu, %llu", study.sizes[i].block_size,
                     (unsigned long long)roomy->hit_tokens[HIT_REPLAY], (unsigned long long)roomy->hit_tokens[HIT_LAST_TOKEN]);
        cr_expect_eq(roomy->hit_tokens[HIT_ORDER], roomy->hit_tokens[HIT_LAST_TOKEN]);
        cr_expect_eq(roomy->hit_tokens[HIT_ENDS], roomy->hit_tokens[HIT_LAST_TOKEN]);
        cr_expect_leq(roomy->hit_tokens[HIT_PARTIAL], roomy->hit_tokens[HIT_CURVE]);
        cr_expect_gt(roomy->hit_tokens[HIT_REPLAY], 0);
    }
    curve_study_free(&study);
    trace_destroy(trace);
}

Test(hit_curve, a_pool_counts_the_blocks_that_can_be_used)
{
    /* 48 tokens are 3 blocks; V1's null block comes on top of the pool. */
    const struct tiny_request requests[] = {{.input = 40, .output = 8}};
    struct trace *trace = tiny_trace(requests, 1);
    struct config config = tiny_config_v1(16, 0);
    const uint32_t size = 16;
    const uint64_t pools[] = {2, 3};
    const struct curve_plan plan = {.block_sizes = &size, .block_size_count = 1, .pools = pools, .pool_count = 2, .replay = true};
    struct curve_study study;
    struct diag diag = {0};
    cr_assert_eq(curve_study_make(trace, &config, &plan, &study, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(study.sizes[0].sights[0].gap.dropped, 1);
    cr_expect_eq(study.sizes[0].sights[1].gap.dropped, 0);
    curve_study_free(&study);
    trace_destroy(trace);
}
