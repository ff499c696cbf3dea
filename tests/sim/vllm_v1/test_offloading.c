/* test_offloading.c - K and V in the host's memory (doc/vllm_v1.md, section 15.2): small cases with times by hand, and what must hold whatever
 * happens. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "config/sizing.h"
#include "observe/metrics.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

#define SECOND INT64_C(1000000000)

/* Blocks of 16 tokens and 64 KiB, each 65.536 ms on its way. */
static struct config offloads(uint32_t blocks, uint32_t host_blocks)
{
    struct config config = tiny_config_v1(16, blocks);
    config.trace_block_size = 16;
    config.async_scheduling = false;
    config.kv = (struct kv_config){.num_layers = 2, .num_kv_heads = 4, .head_dim = 64, .dtype = KV_DTYPE_FLOAT32};
    config.kv_offloading_size = (double)(host_blocks * config_block_bytes(&config)) / 0x1p30;
    config.kv_offloading_gb_per_s = 0.001;
    config.kv_offloading_latency_us = 1000;
    return config;
}

/* With every invariant walked after each step. */
static struct metrics *replay(const struct trace *trace, const struct config *config)
{
    static struct metrics metrics;
    struct step_time_model *model;
    struct diag diag = {0};
    struct replay_facts facts;
    struct replay_options options = {.reference = true, .check = true};
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    struct observer observer = metrics_observer(&metrics);
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    cr_assert_eq(replay_run(trace, config, model, &observer, 1, &options, &facts, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(facts.end.unfinished, 0);
    cr_assert_not(facts.end.stalled);
    step_time_destroy(model);
    return &metrics;
}

Test(offloading, what_left_the_gpu_is_loaded_while_its_request_waits)
{
    /* Five usable blocks. Request 1 takes four: the three that are free and the second one of request 0. */
    const struct tiny_request requests[] = {
        {0, 32, 1, .hash_count = 2, .hash_ids = {0, 1}}, {1 * SECOND, 63, 1}, {2 * SECOND, 40, 1, .hash_count = 2, .hash_ids = {0, 1}}};
    struct trace *trace = tiny_trace(requests, 3);
    const struct config config = offloads(6, 100);
    struct metrics *metrics = replay(trace, &config);
    cr_expect_eq(metrics->cached_tokens, 16);
    cr_expect_eq(metrics->external_tokens, 16);
    const int64_t loaded_ns = 2 * SECOND + 1000000 + 65536000;
    cr_expect_eq(metrics_story(metrics, 2).first_scheduled_ns, loaded_ns);
    cr_expect_eq(metrics_story(metrics, 2).first_token_ns, loaded_ns + 5000000 + INT64_C(8) * 50000 + INT64_C(40) * 20,
                 "8 tokens are left");
    cr_expect_eq(metrics->end.offloads.loads, 1);
    cr_expect_eq(metrics->end.offloads.loaded_blocks, 1);
    cr_expect_eq(metrics->end.offloads.stored_blocks, 2 + 3, "full blocks, each once");
    cr_expect_eq((int64_t)metrics->end.offloads.load_ns, 66536000);
    metrics_deinit(metrics);
    trace_destroy(trace);
}

Test(offloading, of_a_prompt_that_is_loaded_whole_the_last_token_is_computed)
{
    const struct tiny_request requests[] = {
        {0, 32, 1, .hash_count = 2, .hash_ids = {0, 1}}, {1 * SECOND, 63, 1}, {2 * SECOND, 32, 1, .hash_count = 2, .hash_ids = {0, 1}}};
    struct trace *trace = tiny_trace(requests, 3);
    const struct config config = offloads(6, 100);
    struct metrics *metrics = replay(trace, &config);
    cr_expect_eq(metrics->cached_tokens, 16);
    cr_expect_eq(metrics->external_tokens, 15);
    cr_expect_eq(metrics_story(metrics, 2).first_token_ns, 2 * SECOND + 66536000 + 5000000 + 50000 + INT64_C(32) * 20);
    metrics_deinit(metrics);
    trace_destroy(trace);
}

Test(offloading, blocks_stay_until_they_are_stored)
{
    /* Request 0 ends after 32 tokens in 6.60064 ms and holds two of five blocks until both are stored. */
    const struct tiny_request requests[] = {{0, 32, 1}, {10000000, 63, 1}};
    struct trace *trace = tiny_trace(requests, 2);
    const struct config config = offloads(6, 100);
    struct metrics *metrics = replay(trace, &config);
    cr_expect_eq(metrics_story(metrics, 1).first_scheduled_ns, 6600640 + 1000000 + INT64_C(2) * 65536000);
    metrics_deinit(metrics);
    trace_destroy(trace);
}

Test(offloading, who_needs_what_another_one_loads_waits_for_it)
{
    /* Requests 2 and 3 want the same two blocks: one load, and then the second one hits them on the GPU. */
    const struct tiny_request requests[] = {{0, 32, 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {1 * SECOND, 79, 1},
                                            {3 * SECOND, 33, 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {3 * SECOND, 33, 1, .hash_count = 2, .hash_ids = {0, 1}}};
    struct trace *trace = tiny_trace(requests, 4);
    const struct config config = offloads(6, 100);
    struct metrics *metrics = replay(trace, &config);
    cr_expect_eq(metrics->end.offloads.loads, 1);
    cr_expect_eq(metrics->external_tokens, 32);
    cr_expect_eq(metrics->cached_tokens, 32);
    cr_expect_eq(metrics_story(metrics, 3).first_scheduled_ns, metrics_story(metrics, 2).first_scheduled_ns);
    metrics_deinit(metrics);
    trace_destroy(trace);
}

Test(offloading, others_go_on_while_one_waits)
{
    const struct tiny_request requests[] = {{0, 32, 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {1 * SECOND, 79, 1},
                                            {3 * SECOND, 33, 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {3 * SECOND, 15, 1}};
    struct trace *trace = tiny_trace(requests, 4);
    const struct config config = offloads(6, 100);
    struct metrics *metrics = replay(trace, &config);
    cr_expect_eq(metrics_story(metrics, 3).first_scheduled_ns, 3 * SECOND);
    cr_expect_gt(metrics_story(metrics, 2).first_scheduled_ns, 3 * SECOND + INT64_C(2) * 65536000);
    metrics_deinit(metrics);
    trace_destroy(trace);
}

Test(offloading, the_host_forgets_what_was_used_least_recently)
{
    /* Three places in the host. The first prompt's blocks went before that of the third could come back. */
    const struct tiny_request requests[] = {
        {0, 32, 1, .hash_count = 2, .hash_ids = {0, 1}}, {1 * SECOND, 79, 1}, {3 * SECOND, 40, 1, .hash_count = 2, .hash_ids = {0, 1}}};
    struct trace *trace = tiny_trace(requests, 3);
    struct config config = offloads(6, 3);
    struct metrics *metrics = replay(trace, &config);
    cr_expect_eq(metrics->external_tokens, 32, "four full blocks find no room at once, and then nothing is stored");
    cr_expect_eq(metrics->end.offloads.refused_stores, 1);
    metrics_deinit(metrics);
    config = offloads(6, 4);
    metrics = replay(trace, &config);
    cr_expect_eq(metrics->external_tokens, 0);
    cr_expect_eq(metrics->end.offloads.refused_stores, 0);
    metrics_deinit(metrics);
    trace_destroy(trace);
}

Test(offloading, loads_that_hold_up_each_other_are_given_up)
{
    /* Without the gate requests 3 and 4 load two blocks each, of five, and both need two more: the later one gives its blocks back. */
    const struct tiny_request requests[] = {{0, 32, 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {1 * SECOND, 32, 1, .hash_count = 2, .hash_ids = {5, 6}},
                                            {2 * SECOND, 79, 1},
                                            {4 * SECOND, 64, 1, .hash_count = 2, .hash_ids = {0, 1}},
                                            {4 * SECOND, 64, 1, .hash_count = 2, .hash_ids = {5, 6}}};
    struct trace *trace = tiny_trace(requests, 5);
    struct config config = offloads(6, 100);
    config.scheduler_reserve_full_isl = false;
    struct metrics *metrics = replay(trace, &config);
    cr_expect_eq(metrics->end.offloads.loads, 3);
    cr_expect_eq(metrics->external_tokens, 64);
    cr_expect_lt(metrics_story(metrics, 3).finish_ns, metrics_story(metrics, 4).finish_ns);
    metrics_deinit(metrics);
    trace_destroy(trace);
}

/* Any size and any speed, with preemptions: blocks and tokens are conserved after every step, and everybody ends. */
Test(offloading, every_invariant_holds_after_every_step_of_random_replays)
{
    static const double speeds[] = {0.001, 0.01, 0.1, 25, INFINITY};
    uint64_t preemptions = 0, loads = 0, again = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        uint64_t random = seed;
        struct config config = random_case_config(&random, false);
        if (strcmp(config.scheduling_policy, "priority") != 0)
            tiny_name(config.scheduling_policy, "fcfs");
        config.scheduler_reserve_full_isl = true; /* else equal priorities can preempt each other for ever */
        config.enable_prefix_caching = true;
        config.async_scheduling = random_below(&random, 2);
        config.kv_offloading_size = (double)((1 + random_below(&random, 200)) * config_block_bytes(&config)) / 0x1p30;
        config.kv_offloading_gb_per_s = speeds[random_below(&random, 5)];
        config.kv_offloading_latency_us = random_below(&random, 3) * 1000;
        struct trace *trace = random_case_trace(&random, &config);
        struct metrics *metrics = replay(trace, &config);
        preemptions += metrics->preempt_recompute;
        loads += metrics->end.offloads.loads;
        again += metrics->external_tokens_all - metrics->external_tokens;
        metrics_deinit(metrics);
        trace_destroy(trace);
    }
    cr_expect_gt(preemptions, 100);
    cr_expect_gt(loads, 100);
    cr_expect_gt(again, 0, "a preempted request loads what it had");
}

/* One after the other, so that all that was computed once is there: on a GPU that forgets nothing, or in a host that does not. */
Test(offloading, a_host_that_forgets_nothing_is_as_good_as_such_a_gpu)
{
    uint64_t from_host = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct tiny_request requests[20] = {0};
        uint64_t random = seed;
        struct config config = offloads(20, 100000);
        for (uint32_t i = 0; i < 20; i++) {
            requests[i] = (struct tiny_request){.arrival_ns = 100 * SECOND * i, .output = 1 + random_below(&random, 20)};
            requests[i].input = 16 * random_below(&random, 14) + 1 + random_below(&random, 15); /* whole blocks end differently */
            random_case_chain(&random, &requests[i], &config, 2);
        }
        struct trace *trace = tiny_trace(requests, 20);
        config.async_scheduling = seed % 2;
        config.kv_offloading_gb_per_s = INFINITY;
        config.kv_offloading_latency_us = 0;
        const struct metrics *metrics = replay(trace, &config);
        const uint64_t cached = metrics->cached_tokens, loaded = metrics->external_tokens;
        metrics_deinit((struct metrics *)metrics);
        config.kv_offloading_size = 0;
        config.num_gpu_blocks = 100000;
        metrics = replay(trace, &config);
        cr_expect_eq(cached + loaded, metrics->cached_tokens, "seed %d: %d and %d against %d", (int)seed, (int)cached, (int)loaded,
                     (int)metrics->cached_tokens);
        metrics_deinit((struct metrics *)metrics);
        from_host += loaded;
        trace_destroy(trace);
    }
    cr_expect_gt(from_host, 1000);
}
