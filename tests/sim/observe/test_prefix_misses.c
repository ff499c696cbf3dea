/* test_prefix_misses.c - each class of miss on a trace made for it; sums that add up on random ones. */
#include <criterion/criterion.h>
#include <string.h>

#include "observe/prefix_misses.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/text_trace.h"
#include "support/tiny_trace.h"

#define STEP_NS INT64_C(1000)

static void replay(const struct trace *trace, const struct config *config, bool reference, struct prefix_misses *misses)
{
    struct diag diag = {0};
    struct step_time_model *model;
    struct replay_facts facts;
    struct replay_options options = {.reference = reference};
    cr_assert_eq(prefix_misses_init(misses, trace, config, &diag), SIM_OK);
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    const struct observer observer = prefix_misses_observer(misses);
    cr_assert_eq(replay_run(trace, config, model, &observer, 1, &options, &facts, &diag), SIM_OK, "%s", diag.text);
    step_time_destroy(model);
}

/* Blocks of 4, trace blocks of 8, every step takes STEP_NS. */
static struct config small_config(uint32_t pool)
{
    struct config config = tiny_config_v1(4, pool);
    config.trace_block_size = 8;
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = STEP_NS};
    return config;
}

/* Classes of one request's first admission, in the order of enum miss_class. */
static void expect_classes(const struct prefix_misses *misses, uint32_t position, const uint32_t wanted[MISS_CLASSES])
{
    for (int class = 0; class < MISS_CLASSES; class ++)
        cr_expect_eq(misses->of_request[position][class], wanted[class], "request %u, %s: %u, want %u", position, miss_class_names[class],
                     misses->of_request[position][class], wanted[class]);
}

static void expect_case(const struct tiny_request *requests, uint32_t count, const struct config *config, uint32_t position,
                        uint32_t cached, const uint32_t wanted[MISS_CLASSES])
{
    struct trace *trace = tiny_trace(requests, count);
    for (int reference = 0; reference < 2; reference++) {
        struct prefix_misses misses;
        replay(trace, config, reference, &misses);
        cr_expect(prefix_misses_check(&misses));
        expect_classes(&misses, position, wanted);
        uint32_t all = cached;
        for (int class = 0; class < MISS_CLASSES; class ++)
            all += wanted[class];
        cr_expect_eq(all, trace->input_tokens[position], "the test's own sum");
        prefix_misses_deinit(&misses);
    }
    trace_destroy(trace);
}

Test(prefix_misses, content_that_nobody_computed_is_compulsory)
{
    const struct tiny_request requests[] = {{.input = 16, .output = 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {.arrival_ns = STEP_NS, .input = 24, .output = 1, .hash_count = 3, .hash_ids = {0, 2, 1}}};
    struct config config = small_config(40);
    expect_case(requests, 2, &config, 0, 0, (const uint32_t[MISS_CLASSES]){[MISS_COMPULSORY] = 16});
    expect_case(requests, 2, &config, 1, 8, (const uint32_t[MISS_CLASSES]){[MISS_COMPULSORY] = 16});
}

Test(prefix_misses, tokens_shared_in_a_block_whose_end_differs_are_granularity)
{
    /* Trace blocks of 6, blocks of 4: 6 shared tokens are one whole block and 2 more. */
    const struct tiny_request requests[] = {{.input = 12, .output = 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {.arrival_ns = STEP_NS, .input = 12, .output = 1, .hash_count = 2, .hash_ids = {0, 2}}};
    struct config config = small_config(40);
    config.trace_block_size = 6;
    expect_case(requests, 2, &config, 1, 4, (const uint32_t[MISS_CLASSES]){[MISS_COMPULSORY] = 6, [MISS_GRANULARITY] = 2});
}

Test(prefix_misses, a_whole_prompt_that_is_cached_loses_its_last_block)
{
    const struct tiny_request requests[] = {{.input = 16, .output = 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {.arrival_ns = STEP_NS, .input = 16, .output = 1, .hash_count = 2, .hash_ids = {0, 1}}};
    struct config config = small_config(40);
    expect_case(requests, 2, &config, 1, 12, (const uint32_t[MISS_CLASSES]){[MISS_LAST_TOKEN] = 4});
}

Test(prefix_misses, evicted_content_is_capacity_and_a_larger_pool_has_none)
{
    /* 32 tokens fill all 8 usable blocks; 1's other 32 evict them; then 0's come again. */
    const struct tiny_request requests[] = {
        {.input = 31, .output = 1, .hash_count = 4, .hash_ids = {0, 1, 2, 3}},
        {.arrival_ns = STEP_NS, .input = 31, .output = 1, .hash_count = 4, .hash_ids = {4, 5, 6, 7}},
        {.arrival_ns = 2 * STEP_NS, .input = 31, .output = 1, .hash_count = 4, .hash_ids = {0, 1, 2, 3}}};
    struct config small = small_config(9), large = small_config(40);
    expect_case(requests, 3, &small, 2, 0, (const uint32_t[MISS_CLASSES]){[MISS_CAPACITY] = 28, [MISS_GRANULARITY] = 3});
    expect_case(requests, 3, &large, 2, 28, (const uint32_t[MISS_CLASSES]){[MISS_GRANULARITY] = 3});
}

Test(prefix_misses, what_a_running_request_has_yet_to_compute_is_in_flight)
{
    /* Both arrive together; the threshold gives each 8 tokens a step, so request 1 finds 8 of request 0's 24. */
    const struct tiny_request requests[] = {{.input = 24, .output = 1, .hash_count = 3, .hash_ids = {0, 1, 2}},
                                            {.input = 32, .output = 1, .hash_count = 4, .hash_ids = {0, 1, 2, 3}}};
    struct config config = small_config(40);
    config.long_prefill_token_threshold = 8;
    expect_case(requests, 2, &config, 1, 8, (const uint32_t[MISS_CLASSES]){[MISS_IN_FLIGHT] = 16, [MISS_COMPULSORY] = 8});
}

Test(prefix_misses, without_caching_everything_computed_before_is_caching_off)
{
    const struct tiny_request requests[] = {{.input = 16, .output = 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {.arrival_ns = STEP_NS, .input = 16, .output = 1, .hash_count = 2, .hash_ids = {0, 2}}};
    struct config config = small_config(40);
    config.enable_prefix_caching = false;
    expect_case(requests, 2, &config, 1, 0, (const uint32_t[MISS_CLASSES]){[MISS_CACHING_OFF] = 8, [MISS_COMPULSORY] = 8});
}

Test(prefix_misses, content_given_up_by_a_preemption_is_charged_to_it)
{
    /* 8 usable blocks, by priority. 0 and 1 fill them in step 0. In step 2, 0 needs a fifth block and 1 is preempted with 16 computed tokens;
     * by step 14, 0 has taken all of 1's blocks, deepest first. 2 waits until 0 ends, is admitted before 1 and asks for what 1 had: 8 tokens
     * of hash id 5. 1 comes back in the same step, finds these 8 (2 computes them just now), and has lost the other 8. */
    const struct tiny_request requests[] = {{.input = 15, .output = 17},
                                            {.input = 15, .output = 8, .priority = 5, .hash_count = 1, .hash_ids = {5}},
                                            {.arrival_ns = 15 * STEP_NS, .input = 12, .output = 1, .hash_count = 1, .hash_ids = {5}}};
    /* Later 1 and 2 have ended, 3 evicts everything, and 4 misses the same tokens: nobody who was preempted gave them up last. */
    const struct tiny_request more[] = {requests[0],
                                        requests[1],
                                        requests[2],
                                        {.arrival_ns = 60 * STEP_NS, .input = 31, .output = 1},
                                        {.arrival_ns = 80 * STEP_NS, .input = 12, .output = 1, .hash_count = 1, .hash_ids = {5}}};
    struct config config = small_config(9);
    struct prefix_misses misses;
    strcpy(config.scheduling_policy, "priority");
    expect_case(more, 5, &config, 4, 0, (const uint32_t[MISS_CLASSES]){[MISS_CAPACITY] = 8, [MISS_COMPULSORY] = 4});
    expect_case(requests, 3, &config, 2, 0, (const uint32_t[MISS_CLASSES]){[MISS_PREEMPTION] = 8, [MISS_COMPULSORY] = 4});
    struct trace *trace = tiny_trace(requests, 3);
    replay(trace, &config, false, &misses);
    cr_expect_eq(misses.preemptions, 1);
    cr_expect_eq(misses.again.count, 1);
    cr_expect_eq(misses.again.known_tokens, 17);
    cr_expect_eq(misses.again.cached_tokens, 8);
    cr_expect_eq(misses.again.evicted, 8);
    cr_expect_eq(misses.again.partial, 0);
    cr_expect_eq(misses.again.unfinished, 1);
    prefix_misses_deinit(&misses);
    trace_destroy(trace);
}

/* What the random cases reached. */
struct reached {
    uint64_t tokens[MISS_CLASSES], cached, evicted, partial, unfinished;
};

static void add_reached(struct reached *reached, const struct prefix_misses *misses)
{
    for (int class = 0; class < MISS_CLASSES; class ++)
        reached->tokens[class] += misses->tokens[class];
    reached->cached += misses->cached_tokens;
    reached->evicted += misses->again.evicted;
    reached->partial += misses->again.partial;
    reached->unfinished += misses->again.unfinished;
}

/* `layers`: of several kinds, or drafts. */
static void random_cases(uint64_t cases, bool v0, bool huge_pool, bool layers, struct reached *reached)
{
    for (uint64_t number = 1; number <= cases; number++) {
        uint64_t seed = number;
        struct config config = random_case_config(&seed, v0);
        if (layers)
            random_case_layers(&seed, &config);
        struct trace *trace = random_case_trace(&seed, &config);
        struct prefix_misses fast, plain;
        if (huge_pool)
            config.num_gpu_blocks = 9000;
        replay(trace, &config, false, &fast);
        replay(trace, &config, true, &plain);
        cr_assert(prefix_misses_check(&fast), "case %llu", (unsigned long long)number);
        cr_assert(memcmp(fast.tokens, plain.tokens, sizeof fast.tokens) == 0 && fast.again.evicted == plain.again.evicted,
                  "case %llu: the engines differ", (unsigned long long)number);
        if (huge_pool)
            cr_assert(fast.tokens[MISS_CAPACITY] == 0 && fast.tokens[MISS_PREEMPTION] == 0, "case %llu: %llu evicted from a huge pool",
                      (unsigned long long)number, (unsigned long long)fast.tokens[MISS_CAPACITY]);
        add_reached(reached, &fast);
        prefix_misses_deinit(&fast);
        prefix_misses_deinit(&plain);
        trace_destroy(trace);
    }
}

Test(prefix_misses, add_up_on_random_cases_of_both_engines)
{
    struct reached reached = {0};
    random_cases(2500, false, false, false, &reached);
    for (int class = 0; class < MISS_CLASSES; class ++)
        cr_expect(class == MISS_WINDOW ? reached.tokens[class] == 0 : reached.tokens[class] > 100, "%s: %llu tokens",
                  miss_class_names[class], (unsigned long long)reached.tokens[class]);
    cr_expect_gt(reached.cached, 1000);
    cr_expect_gt(reached.evicted, 1000);
    cr_expect_gt(reached.partial, 100);
    cr_expect_gt(reached.unfinished, 100);
    random_cases(2500, true, false, false, &reached);
}

/* Turn 2 begins with the 8 tokens of turn 1's prompt and the 9 of its answer, of which 8 are computed: 16 tokens, 4 blocks. Another
 * request of 8 blocks comes between them; where there is hardly room for more, it takes blocks of turn 1. */
Test(prefix_misses, a_later_turn_lacks_what_was_said_before_only_where_it_was_evicted)
{
    struct trace *trace = text_trace("{\"timestamp\":0,\"session_id\":\"s\",\"input_length\":8,\"output_length\":9}\n"
                                     "{\"timestamp\":1,\"input_length\":31,\"output_length\":1}\n"
                                     "{\"timestamp\":2,\"session_id\":\"s\",\"input_length\":20,\"output_length\":1}\n",
                                     NULL);
    for (int v0 = 0; v0 < 2; v0++)
        for (int large = 0; large < 2; large++) {
            struct config config = small_config(large ? 40 : 10);
            struct prefix_misses misses;
            if (v0) {
                config.scheduler = SCHEDULER_VLLM_V0;
                config.num_gpu_blocks = large ? 40 : 9;
            }
            replay(trace, &config, true, &misses);
            const uint32_t said = v0 ? 8 : 16, *turn = misses.of_request[2]; /* V0 finds prompts only */
            cr_expect_eq(turn[MISS_COMPULSORY], 20 - said);
            cr_expect_eq(turn[MISS_CAPACITY] > 0, !large, "v0 %d, large %d: %u tokens", v0, large, turn[MISS_CAPACITY]);
            cr_expect_eq(misses.cached_tokens + turn[MISS_CAPACITY], said);
            prefix_misses_deinit(&misses);
        }
    trace_destroy(trace);
}

/* Turns of random lengths in a huge pool: only a block's end or the last token can be missed of what was said before. */
Test(prefix_misses, sessions_in_a_huge_pool_lose_nothing)
{
    uint64_t seed = 3, cached = 0;
    for (int round = 0; round < 200; round++) {
        struct trace *trace = random_sessions(&seed, 20, 30, false);
        const struct config config = small_config(5000);
        struct prefix_misses misses;
        replay(trace, &config, true, &misses);
        cr_assert(prefix_misses_check(&misses));
        cr_assert_eq(misses.tokens[MISS_CAPACITY] + misses.tokens[MISS_PREEMPTION] + misses.tokens[MISS_IN_FLIGHT], 0, "round %d", round);
        cached += misses.cached_tokens;
        prefix_misses_deinit(&misses);
        trace_destroy(trace);
    }
    cr_expect_gt(cached, 1000);
}

Test(prefix_misses, nothing_is_evicted_from_a_huge_pool)
{
    struct reached reached = {0};
    random_cases(500, false, true, false, &reached);
    cr_expect_gt(reached.cached, 1000);
    cr_expect_gt(reached.tokens[MISS_IN_FLIGHT], 100);
}

/* In a huge pool what was computed is missed because windows do not keep it, and never because it was evicted. */
Test(prefix_misses, windows_and_drafts_are_told_from_evictions)
{
    struct reached reached = {0}, small = {0};
    random_cases(2500, false, true, true, &reached);
    cr_expect_gt(reached.cached, 1000);
    cr_expect_gt(reached.tokens[MISS_WINDOW], 1000);
    random_cases(1000, false, false, true, &small);
    cr_expect_gt(small.tokens[MISS_CAPACITY], 100);
    cr_expect_gt(small.tokens[MISS_WINDOW], 100);
}
