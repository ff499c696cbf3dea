/* test_curve_study.c - hit rates of another simulator, digit by digit: kvcache-simulator 0.1.3 on Mooncake's conversations, 512-token blocks, counted
 * after half of the requests. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "study/curve_study.h"
#include "support/shared.h"
#include "support/tiny_trace.h"

#define MOONCAKE "../shared/traces/mooncake_conversation.jsonl"
#define ORACLE   "../shared/groundtruth/curve_oracle/mooncake_conversation_llama8b.json"

enum { POINTS_MOST = 32 };

/* Bytes of K and V of a token of Llama 3.1 8B: 2 * 32 layers * 8 heads * 128 * 2 bytes. */
#define BYTES_A_BLOCK (131072.0 * 512)

/* The oracle's points are held against the study while the document is open. */
struct job {
    struct trace *trace;
    size_t points;
};

static double number(const cJSON *object, const char *name)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(object, name);
    cr_assert(cJSON_IsNumber(node), "%s", name);
    return node->valuedouble;
}

/* Its hit rates, and the speed-up that it makes of them: all prompt tokens by those that are computed. */
static void expect_same(const cJSON *results, const char *policy, uint64_t pool, uint64_t hit_tokens, uint64_t prompt_tokens)
{
    const cJSON *said = cJSON_GetObjectItemCaseSensitive(results, policy);
    cr_expect_eq((double)hit_tokens, number(said, "hitTokens"), "%s, %llu blocks: %llu tokens hit, want %.0f", policy,
                 (unsigned long long)pool, (unsigned long long)hit_tokens, number(said, "hitTokens"));
    cr_expect_eq((double)prompt_tokens, number(said, "totalTokens"));
    cr_expect_float_eq((double)hit_tokens / (double)prompt_tokens, number(said, "hitRate"), 1e-15);
    cr_expect_float_eq((double)prompt_tokens / (double)(prompt_tokens - hit_tokens), number(said, "idealPrefillSpeedup"), 1e-14);
}

static enum status compare(const struct json_document *document, void *self, struct diag *diag)
{
    struct job *job = self;
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(document->root, "points"), *point;
    const uint32_t size = 512;
    uint64_t pools[POINTS_MOST];
    size_t count = 0;
    struct curve_study study;
    struct config config = tiny_config_v1(512, 0);
    cJSON_ArrayForEach(point, points)
    {
        cr_assert_lt(count, POINTS_MOST);
        pools[count] = (uint64_t)floor(number(point, "gib") * 0x1p30 / BYTES_A_BLOCK);
        cr_expect_eq((double)pools[count++], number(point, "cacheBlocks"));
    }
    config.trace_block_size = 512;
    const struct curve_plan plan = {
        .block_sizes = &size, .block_size_count = 1, .pools = pools, .pool_count = count, .warmup_share = 0.5, .evictions = true};
    cr_assert_eq(curve_study_make(job->trace, &config, &plan, &study, diag), SIM_OK, "%s", diag->text);
    const cJSON *facts = cJSON_GetObjectItemCaseSensitive(document->root, "metadata");
    cr_expect_eq((double)study.warmup, number(facts, "warmupRequests"));
    cr_expect_eq((double)(study.warmup + study.prompts), number(facts, "requestCount"));
    cr_expect_eq((double)hit_curve_most(curve_plain(&study.sizes[0])).hit_tokens,
                 number(cJSON_GetObjectItemCaseSensitive(document->root, "ceiling"), "hitTokens"));
    cJSON_ArrayForEach(point, points)
    {
        const cJSON *results = cJSON_GetObjectItemCaseSensitive(point, "results");
        const uint64_t pool = pools[job->points++];
        const struct eviction_sight *others = curve_eviction(&study.sizes[0], pool);
        cr_assert(others);
        expect_same(results, "lru", pool, hit_curve_at(curve_plain(&study.sizes[0]), pool).hit_tokens, study.prompt_tokens);
        expect_same(results, "fifo", pool, others->of[EVICTION_FIFO].hit_tokens, study.prompt_tokens);
        expect_same(results, "optimal", pool, others->of[EVICTION_OPTIMAL].hit_tokens, study.prompt_tokens);
    }
    curve_study_free(&study);
    return SIM_OK;
}

Test(curve_study, agrees_with_another_simulator_in_every_digit)
{
    struct job job = {0};
    struct diag diag = {0};
    const struct trace_selection all = trace_select_all();
    need_shared(MOONCAKE);
    need_shared(ORACLE);
    cr_assert_eq(trace_load(MOONCAKE, &all, &job.trace, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(json_read_file(ORACLE, compare, &job, &diag), SIM_OK, "%s", diag.text);
    cr_expect_geq(job.points, 13);
    trace_destroy(job.trace);
}

/* Three prompts of one block, the second and third hit; counted after a share of them, rounded down. */
Test(curve_study, a_warm_up_is_not_counted)
{
    static const struct {
        double share;
        uint64_t prompts, hit_tokens;
    } cases[] = {{0, 3, 32}, {0.3, 3, 32}, {0.34, 2, 32}, {0.67, 1, 16}, {0.99, 1, 16}};
    const uint32_t size = 16;
    const uint64_t pools[] = {1};
    struct tiny_request requests[3];
    for (int i = 0; i < 3; i++)
        requests[i] = (struct tiny_request){.arrival_ns = i, .input = 16, .output = 1, .hash_count = 1, .hash_ids = {7}};
    struct trace *trace = tiny_trace(requests, 3);
    struct config config = tiny_config_v1(16, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct curve_plan plan = {.block_sizes = &size,
                                        .block_size_count = 1,
                                        .pools = pools,
                                        .pool_count = 1,
                                        .warmup_share = cases[i].share,
                                        .evictions = true};
        struct curve_study study;
        struct diag diag = {0};
        cr_assert_eq(curve_study_make(trace, &config, &plan, &study, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(study.prompts, cases[i].prompts);
        cr_expect_eq(study.warmup + study.prompts, 3);
        cr_expect_eq(study.prompt_tokens, 16 * cases[i].prompts);
        cr_expect_eq(curve_plain(&study.sizes[0])->references, cases[i].prompts);
        cr_expect_eq(study.sizes[0].sights[0].point.hit_tokens, cases[i].hit_tokens);
        for (int eviction = 0; eviction < EVICTIONS; eviction++)
            cr_expect_eq(curve_eviction(&study.sizes[0], 1)->of[eviction].hit_tokens, cases[i].hit_tokens);
        curve_study_free(&study);
    }
    trace_destroy(trace);
}
