/* test_advice.c - which settings are spoken of: only those that were given, and only where they have no effect. Sentences are looked at in
 * tests/cli/settings_without_effect. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_keys.h"
#include "replay/advice.h"
#include "support/tiny_trace.h"

static struct trace *two_requests(void)
{
    const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 5, .output = 2}, {.arrival_ns = 9, .input = 5, .output = 2}};
    struct trace *trace = tiny_trace(requests, 2);
    free(trace->priority); /* the columns that a file without them does not have */
    free(trace->hash_start);
    trace->priority = NULL;
    trace->hash_start = NULL;
    return trace;
}

static void set(struct config *config, const char *key, const char *value)
{
    struct diag diag = {0};
    cr_assert_eq(config_set(config, key, value, &diag), SIM_OK, "%s", diag.text);
}

/* The kinds that have something to say, as bits. */
static unsigned told(const struct config *config, const struct trace *trace)
{
    struct advice advice;
    unsigned kinds = 0;
    advice_collect(config, trace, ADVICE_ALL, &advice);
    for (int kind = 0; kind < ADVICE_KINDS; kind++)
        kinds |= advice.text[kind][0] ? 1u << kind : 0;
    return kinds;
}

Test(advice, defaults_and_a_pool_of_ones_own_need_none)
{
    struct trace *trace = two_requests();
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    set(&config, "num_gpu_blocks", "100");
    cr_expect_eq(told(&config, trace), 0);
    trace_destroy(trace);
}

Test(advice, a_pool_is_held_against_the_longest_request_with_the_null_block_of_v1)
{
    static const struct {
        enum scheduler_kind engine;
        const char *blocks;
        bool told;
    } cases[] = {{SCHEDULER_VLLM_V1, "255", true}, {SCHEDULER_VLLM_V1, "256", true},  {SCHEDULER_VLLM_V1, "257", false},
                 {SCHEDULER_VLLM_V0, "255", true}, {SCHEDULER_VLLM_V0, "256", false}, {SCHEDULER_VLLM_V0, "257", false}};
    struct trace *trace = two_requests();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        config_defaults(cases[i].engine, &config);
        set(&config, "max_model_len", "4096");
        set(&config, "num_gpu_blocks", cases[i].blocks);
        cr_expect_eq(told(&config, trace), cases[i].told ? 1u << ADVICE_POOL : 0, "case %zu", i);
        struct config unsaid = config;
        unsaid.given = 0;
        cr_expect_eq(told(&unsaid, trace), 0, "nobody chose the length");
        unsaid.sized = true;
        cr_expect_eq(told(&unsaid, trace), cases[i].told ? 1u << ADVICE_POOL : 0, "the pool is a GPU's");
    }
    trace_destroy(trace);
}

/* Window 1,024, steps of 2,048 tokens: a synchronous step can see 3,071 of 4,096 tokens, 192 blocks and one more for where they begin; 256 are
 * those of the full group. With two steps in flight the window is no bound. */
Test(advice, a_pool_for_groups_is_held_against_what_the_longest_request_can_hold_of_each)
{
    static const struct {
        const char *layers, *async, *blocks;
        bool told;
    } cases[] = {
        {"[{\"kind\":\"sliding_window\",\"window\":1024},{\"kind\":\"full\"}]", "false", "449", true},
        {"[{\"kind\":\"sliding_window\",\"window\":1024},{\"kind\":\"full\"}]", "false", "450", false},
        {"[{\"kind\":\"sliding_window\",\"window\":1024},{\"kind\":\"full\"}]", "true", "512", true},
        {"[{\"kind\":\"sliding_window\",\"window\":1024},{\"kind\":\"full\"}]", "true", "513", false},
        {"[{\"kind\":\"sliding_window\",\"window\":1024}]", "false", "193", true},
        {"[{\"kind\":\"sliding_window\",\"window\":1024}]", "false", "194", false},
    };
    struct trace *trace = two_requests();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        config_defaults(SCHEDULER_VLLM_V1, &config);
        set(&config, "max_num_batched_tokens", "2048");
        set(&config, "num_gpu_blocks", cases[i].blocks);
        set(&config, "max_model_len", "4096");
        set(&config, "async_scheduling", cases[i].async);
        set(&config, "kv_cache_groups", cases[i].layers);
        cr_expect_eq(told(&config, trace), cases[i].told ? 1u << ADVICE_POOL : 0, "case %zu", i);
    }
    trace_destroy(trace);
}

Test(advice, a_key_without_effect_is_told_if_it_was_given)
{
    static const struct {
        const char *key, *value;
        enum advice_kind kind;
    } cases[] = {{"gpu_memory_utilization", "0.92", ADVICE_POOL_SOURCE},
                 {"overhead_bytes", "5", ADVICE_POOL_SOURCE},
                 {"tensor_parallel_size", "2", ADVICE_MODEL},
                 {"gpu", "h100", ADVICE_MODEL},
                 {"scheduling_policy", "priority", ADVICE_PRIORITY},
                 {"prefill_schedule_interval", "2", ADVICE_SCHEDULING},
                 {"long_prefill_token_threshold_adaptive", "true", ADVICE_SCHEDULING},
                 {"trace_block_size", "512", ADVICE_CONTENTS},
                 {"burstiness", "3", ADVICE_ARRIVALS},
                 {"prefix_cache_retention_interval", "null", ADVICE_DRAFTS},
                 {"disable_hybrid_kv_cache_manager", "true", ADVICE_DRAFTS},
                 {"acceptance_seed", "5", ADVICE_DRAFTS},
                 {"step_time.num_layers", "3", ADVICE_STEP_TIME}};
    struct trace *trace = two_requests();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config config;
        config_defaults(SCHEDULER_VLLM_V1, &config);
        set(&config, "num_gpu_blocks", "10000");
        set(&config, "max_num_batched_tokens", "1024"); /* else the GPU would say them */
        set(&config, "max_num_seqs", "64");
        set(&config, cases[i].key, cases[i].value);
        cr_expect_eq(told(&config, trace), 1u << cases[i].kind, "%s: %x", cases[i].key, told(&config, trace));
    }
    trace_destroy(trace);
}

/* Asynchronous scheduling asks why a request ends; the threshold that an adaptive one raises is there. */
/* A window of 64 and 128 tokens on their way take 13 blocks of 16, full layers 256. */
Test(advice, a_pool_of_groups_is_held_against_what_each_can_hold)
{
    struct trace *trace = two_requests();
    for (int blocks = 269; blocks <= 270; blocks++) {
        struct config config;
        char text[16];
        config_defaults(SCHEDULER_VLLM_V1, &config);
        snprintf(text, sizeof text, "%d", blocks);
        set(&config, "max_model_len", "4096");
        set(&config, "max_num_seqs", "4");
        set(&config, "max_num_batched_tokens", "64");
        set(&config, "kv_cache_groups", "[{\"kind\":\"sliding_window\",\"window\":65},{\"kind\":\"full\"}]");
        set(&config, "num_gpu_blocks", text);
        cr_expect_eq(told(&config, trace), blocks == 269 ? 1u << ADVICE_POOL : 0, "%d", blocks);
    }
    trace_destroy(trace);
}

Test(advice, drafts_that_are_all_right_are_an_assumption)
{
    struct trace *trace = two_requests();
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    set(&config, "num_gpu_blocks", "100");
    set(&config, "speculative_config", "{\"method\":\"mtp\",\"num_speculative_tokens\":2,\"synthetic_acceptance_rates\":[1,0.9]}");
    cr_expect_eq(told(&config, trace), 0);
    set(&config, "speculative_config", "{\"method\":\"mtp\",\"num_speculative_tokens\":2}");
    cr_expect_eq(told(&config, trace), 1u << ADVICE_DRAFTS);
    trace_destroy(trace);
}

Test(advice, how_requests_end_matters_to_who_looks_ahead)
{
    struct trace *trace = two_requests();
    struct config config;
    config_defaults(SCHEDULER_VLLM_V1, &config);
    set(&config, "num_gpu_blocks", "10000");
    set(&config, "finish_reason", "stop");
    cr_expect_eq(told(&config, trace), 0);
    set(&config, "long_prefill_token_threshold", "64");
    set(&config, "long_prefill_token_threshold_adaptive", "true");
    cr_expect_eq(told(&config, trace), 0);
    set(&config, "async_scheduling", "false");
    cr_expect_eq(told(&config, trace), 1u << ADVICE_SCHEDULING);
    trace_destroy(trace);
}

Test(advice, what_two_configurations_share_is_told_once_and_of_many_the_number_is_told)
{
    struct advice a = {0}, b = {0}, both;
    struct advice_of_runs all = {0};
    strcpy(a.text[ADVICE_SEED], "seed");
    strcpy(b.text[ADVICE_SEED], "seed");
    strcpy(a.text[ADVICE_POOL], "pool of 5");
    strcpy(b.text[ADVICE_POOL], "pool of 6");
    advice_gather(&a, &all);
    advice_gather(&b, &all);
    advice_gather(&(struct advice){0}, &all);
    advice_count(&all, 3);
    cr_expect_str_eq(all.first.text[ADVICE_SEED], "seed (in 2 of 3 runs)");
    cr_expect_str_eq(all.first.text[ADVICE_POOL], "pool of 5 (in 2 of 3 runs)");
    cr_expect_str_eq(all.first.text[ADVICE_MODEL], "");
    /* The third is told of the same seed, and of the pool what the first is told: that is not all of them. */
    struct advice each[] = {a, b, a};
    advice_split(each, 3, &both);
    cr_expect_str_eq(both.text[ADVICE_SEED], "seed");
    cr_expect_str_eq(both.text[ADVICE_POOL], "");
    for (int i = 0; i < 3; i++)
        cr_expect(each[i].text[ADVICE_SEED][0] == '\0' && strncmp(each[i].text[ADVICE_POOL], "pool of", 7) == 0, "%d", i);
}
