/* test_event_replay.c - the event replay says, tally for tally and event for event, what the plain scheduler says. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/random.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"
#include "support/two_ways.h"
#include "vllm_v1_fast/event_replay.h"

/* Real traces, which are no part of the project. */
#define SHARED_TRACES "../shared/traces/"

enum { REQUESTS_MAX = 24, CASES = 6000 };

/* What the random cases reached, so that a change of the generator cannot make the test empty. */
static struct two_ways reached;

static bool same(const struct trace *trace, const struct config *config, char *text, size_t size)
{
    const bool equal = two_ways_equal(trace, config, &reached, text, size);
    if (equal && !reached.by_events)
        snprintf(text, size, "the event replay did not take the case");
    return equal && reached.by_events;
}

/* A random case, and what the event replay covers beyond that. */
static struct config random_config(uint64_t *seed)
{
    static const char *const policies[] = {"fcfs", "fcfs", "priority", "sjf", "sjf-oracle", "lpm", "srpt", "mlfq", "edf", "vtc", "vtc"};
    struct config config = random_case_config(seed, false);
    config.num_gpu_blocks -= random_below(seed, 2); /* down to two that can be used */
    config.scheduler_reserve_full_isl = random_below(seed, 3) != 0;
    tiny_name(config.scheduling_policy, policies[random_below(seed, sizeof policies / sizeof *policies)]);
    if (random_below(seed, 2) == 0)
        tiny_name(config.eviction_policy, random_below(seed, 2) ? "lru" : "lfu");
    if (random_below(seed, 4) == 0)
        tiny_name(config.preemption_victim, random_below(seed, 2) ? "cheapest-recompute" : "lowest-progress");
    if (random_below(seed, 4) == 0)
        config.max_num_active_seqs = 1 + random_below(seed, config.max_num_seqs);
    if (random_below(seed, 4) == 0)
        config.max_num_scheduled_tokens = 1 + random_below(seed, config.max_num_batched_tokens);
    config.long_prefill_token_threshold_adaptive = random_below(seed, 2);
    config.seed = random_below(seed, 6);
    if (random_below(seed, 4) == 0) { /* from shorter than every step to longer than most */
        config.step_time.host_ns = 1000 << random_below(seed, 16);
        config.step_time.host_ns_per_sequence = random_below(seed, 2) ? 300000 : 0;
    }
    if (random_below(seed, 6) == 0)
        config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .token_ns = random_below(seed, 2)};
    else if (random_below(seed, 16) == 0) /* seconds to an hour a step: progressions end by their length in time */
        config.step_time = (struct step_time_config){
            .model = STEP_TIME_LINEAR, .base_ns = INT64_C(1) << (30 + random_below(seed, 13)), .kv_ns = random_below(seed, 300000)};
    if (random_below(seed, 2) == 0)
        config.length_prediction_sigma = 0.25 * random_below(seed, 8);
    if (random_below(seed, 2) == 0) /* from deadlines by arrival to deadlines by class */
        config.slo_ttft_ms[random_below(seed, 3)] = random_below(seed, 200);
    if (random_below(seed, 2) == 0)
        config.fair_output_weight = 0.5 * random_below(seed, 8);
    if (random_below(seed, 4) == 0)
        config.max_num_queued_reqs = 1 + random_below(seed, 12);
    config.kv_role = random_below(seed, 4) == 0 ? KV_ROLE_CONSUMER : KV_ROLE_NONE;
    if (random_below(seed, 4) == 0)
        config.max_num_queued_tokens = 1 + random_below(seed, 3 * config.max_model_len);
    return config;
}

/* One to three kinds of layers, mostly with a full one: windows around multiples of a block, and now and then longer than everything. */
static void add_groups(uint64_t *seed, struct config *config)
{
    static const char *const policies[] = {"fcfs", "fcfs", "priority"};
    const uint32_t kinds = 1 + random_below(seed, 3), full = random_below(seed, kinds + 1), size = config->block_size;
    for (uint32_t i = 0; i < kinds; i++) {
        struct kv_layers *layers = &config->kv_cache_groups[config->kv_cache_groups_count++];
        layers->layers = 1 + random_below(seed, 4);
        layers->kind = i == full ? KV_KIND_FULL : KV_KIND_SLIDING_WINDOW;
        const uint32_t reach = size * random_below(seed, 6) + random_below(seed, 4);
        layers->reach = i == full ? 0 : random_below(seed, 12) == 0 ? 1000 : reach > 1 ? reach - 1 : 1;
    }
    if (random_below(seed, 2))
        tiny_name(config->scheduling_policy, policies[random_below(seed, 3)]);
    tiny_name(config->eviction_policy, "vllm");
    config->kv_role = KV_ROLE_NONE; /* one group only */
    config->num_gpu_blocks = 4 + random_below(seed, 12) * (1 + random_below(seed, random_below(seed, 2) ? 4 : 16));
    if (random_below(seed, 3) == 0)
        config->prefix_cache_retention_interval = RETENTION_DENSE;
    else if (kinds + full > 1 && random_below(seed, 2)) /* there is a window */
        config->prefix_cache_retention_interval = (int64_t)size * (1 + random_below(seed, 8));
}

/* Drafts, under policies that need not be told of every step; mostly with room for some in a step. */
static void add_drafts(uint64_t *seed, struct config *config)
{
    static const char *const policies[] = {"fcfs", "fcfs", "priority", "sjf", "lpm", "srpt", "edf"};
    config->kv_role = KV_ROLE_NONE; /* not modelled together */
    tiny_name(config->scheduling_policy, policies[random_below(seed, 7)]);
    if (random_below(seed, 4) != 0) {
        config->max_num_batched_tokens += random_below(seed, 5 * config->max_num_seqs);
        if (config->long_prefill_token_threshold > 0)
            config->long_prefill_token_threshold += 4;
    }
    random_case_drafts(seed, config);
    if (config->kv_cache_groups_count > 0) /* the event replay does not drop blocks then */
        config->speculative.disable_lookahead_block_hashes = false;
    if (random_below(seed, 4) == 0) /* some or all are sure */
        for (uint32_t i = 0; i < config->speculative.num_speculative_tokens && random_below(seed, 4) != 0; i++)
            config->speculative.acceptance_rates[i] = 1;
}

/* Rows of which some say how they end, and some do not. */
static void say_finish_reasons(uint64_t *seed, struct trace *trace)
{
    trace->finish_reason = calloc(trace->count, sizeof *trace->finish_reason);
    for (uint32_t i = 0; trace->finish_reason && i < trace->count; i++)
        trace->finish_reason[i] = random_below(seed, 3);
}

static struct trace *random_trace(uint64_t *seed, const struct config *config)
{
    struct tiny_request requests[REQUESTS_MAX] = {0};
    uint32_t count = 1 + random_below(seed, REQUESTS_MAX), spread = 1 + random_below(seed, 40);
    uint32_t most = 1 + random_below(seed, config->max_model_len), alphabet = 1 + random_below(seed, 6);
    uint32_t tenants = random_below(seed, 5);
    bool priorities = random_below(seed, 2), equal = random_below(seed, 4) == 0; /* equal lengths: ties of sjf, also in pairs */
    uint32_t input = 1 + random_below(seed, most), output = 1 + random_below(seed, 30);
    int64_t now = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tiny_request *request = &requests[i];
        now += (int64_t)random_below(seed, spread) * 1000000;
        request->arrival_ns = now;
        request->input = 1 + random_below(seed, most);
        request->output = 1 + random_below(seed, random_below(seed, 3) ? 30 : 5);
        if (equal) {
            request->input = input;
            request->output = output;
        }
        request->priority = priorities ? (int32_t)random_below(seed, 4) : 0;
        request->tenant = random_below(seed, tenants + 1);
        random_case_chain(seed, request, config, alphabet);
    }
    struct trace *trace = tiny_trace(requests, count);
    if (random_below(seed, 2))
        say_finish_reasons(seed, trace);
    return trace;
}

static void describe_groups(const struct config *config)
{
    for (uint32_t i = 0; i < config->kv_cache_groups_count; i++)
        fprintf(stderr, "  %u layers: %s %u\n", config->kv_cache_groups[i].layers,
                config->kv_cache_groups[i].kind == KV_KIND_FULL ? "full" : "window", config->kv_cache_groups[i].reach);
    fprintf(stderr, "  retention %lld\n", (long long)config->prefix_cache_retention_interval);
}

static void describe(const struct trace *trace, const struct config *config)
{
    fprintf(stderr,
            "block %u pool %u seqs %u tokens %u len %u %s pc %d cp %d isl %d threshold %u watermark %g T %u conc %u door %u %u victim %s "
            "eviction %s async %d finish %d host %lld + %lld\n",
            config->block_size, config->num_gpu_blocks, config->max_num_seqs, config->max_num_batched_tokens, config->max_model_len,
            config->scheduling_policy, config->enable_prefix_caching, config->enable_chunked_prefill, config->scheduler_reserve_full_isl,
            config->long_prefill_token_threshold, config->watermark, config->trace_block_size, config->max_concurrency,
            config->max_num_queued_reqs, config->max_num_queued_tokens, config->preemption_victim, config->eviction_policy,
            config->async_scheduling, config->finish_reason, (long long)config->step_time.host_ns,
            (long long)config->step_time.host_ns_per_sequence);
    if (config->speculative.method != SPECULATIVE_NONE)
        fprintf(stderr, "  method %d drafts %u first %g seed %llu hashes %d drop %d\n", config->speculative.method,
                config->speculative.num_speculative_tokens, config->speculative.acceptance_rates[0],
                (unsigned long long)config->speculative.acceptance_seed, !config->speculative.disable_lookahead_block_hashes,
                !config->speculative.disable_eagle_block_drop);
    describe_groups(config);
    for (uint32_t i = 0; i < trace->count; i++)
        fprintf(stderr, "  %u: at %lld in %u out %u prio %d hashes %llu\n", i, (long long)trace->arrival_ns[i], trace->input_tokens[i],
                trace->output_tokens[i], trace->priority[i], (unsigned long long)trace_hash_count(trace, i));
}

enum kind { PLAIN = 0, GROUPS = 1, DRAFTS = 2 };

/* Cases from EVENT_REPLAY_SEED on, EVENT_REPLAY_CASES of them. How many that were. */
static uint64_t compare_random(enum kind kind)
{
    char text[256];
    const char *first = getenv("EVENT_REPLAY_SEED");
    uint64_t from = first ? strtoull(first, NULL, 10) : 1;
    const char *count = getenv("EVENT_REPLAY_CASES");
    uint64_t cases = count ? strtoull(count, NULL, 10) : CASES;
    for (uint64_t number = from; number < from + cases; number++) {
        uint64_t seed = number;
        struct config config = random_config(&seed);
        const bool samples = kind != PLAIN && random_below(&seed, 4) == 0;
        struct trace *trace = samples ? random_case_trace(&seed, &config) : random_trace(&seed, &config);
        if (kind & GROUPS)
            add_groups(&seed, &config);
        if (kind & DRAFTS)
            add_drafts(&seed, &config);
        bool equal = same(trace, &config, text, sizeof text);
        if (!equal)
            describe(trace, &config);
        trace_destroy(trace);
        cr_assert(equal, "case %llu: %s", (unsigned long long)number, text);
    }
    cr_log_info("%llu steps, %llu preemptions, %llu gaps, %llu readmissions with hits, %llu finishes\n", (unsigned long long)reached.steps,
                (unsigned long long)reached.preemptions, (unsigned long long)reached.gaps,
                (unsigned long long)reached.readmissions_with_hits, (unsigned long long)reached.finishes);
    return cases;
}

Test(event_replay, says_what_the_plain_scheduler_says_on_random_small_cases)
{
    const uint64_t cases = compare_random(PLAIN);
    if (cases < CASES)
        return;
    cr_expect_gt(reached.steps, 20 * cases);
    cr_expect_gt(reached.preemptions, cases / 2);
    cr_expect_gt(reached.gaps, cases / 2);
    cr_expect_gt(reached.readmissions_with_hits, cases / 10);
    cr_expect_gt(reached.drops, reached.rejections);
    cr_expect_gt(reached.rejections, cases / 4);
    cr_expect_gt(reached.finishes, cases);
    cr_expect_gt(reached.long_runs, cases / 20);
    cr_expect_gt(reached.vain_tokens, cases / 2);
    cr_expect_gt(reached.ended_waiting, cases / 100);
}

Test(event_replay, says_what_the_plain_scheduler_says_of_groups_of_layers)
{
    const uint64_t cases = compare_random(GROUPS);
    if (cases != CASES)
        return;
    cr_expect_gt(reached.steps, 20 * cases);
    cr_expect_gt(reached.preemptions, cases / 3);
    cr_expect_gt(reached.readmissions_with_hits, cases / 10);
    cr_expect_gt(reached.long_runs, cases / 20);
    cr_expect_gt(reached.vain_tokens, cases / 3);
}

Test(event_replay, says_what_the_plain_scheduler_says_of_drafts)
{
    const uint64_t cases = compare_random(DRAFTS);
    if (cases != CASES)
        return;
    cr_expect_gt(reached.steps, 15 * cases);
    cr_expect_gt(reached.preemptions, cases / 3);
    cr_expect_gt(reached.readmissions_with_hits, cases / 10);
    cr_expect_gt(reached.vain_tokens, cases / 3);
    cr_expect_gt(reached.drafts, 5 * cases);
}

Test(event_replay, says_what_the_plain_scheduler_says_of_groups_of_layers_with_drafts)
{
    const uint64_t cases = compare_random(GROUPS | DRAFTS);
    if (cases != CASES)
        return;
    cr_expect_gt(reached.steps, 15 * cases);
    cr_expect_gt(reached.preemptions, cases / 3);
    cr_expect_gt(reached.readmissions_with_hits, cases / 20);
    cr_expect_gt(reached.vain_tokens, cases / 3);
    cr_expect_gt(reached.drafts, 5 * cases);
}

/* The configuration of the published figures. */
static struct config published(uint32_t pool, uint32_t block_size, uint32_t threshold)
{
    struct config config = tiny_config_v1(block_size, pool);
    config.max_num_seqs = 256;
    config.max_num_batched_tokens = 8192;
    config.max_model_len = 200000;
    config.trace_block_size = 512;
    config.long_prefill_token_threshold = threshold;
    return config;
}

/* Layers of a sliding window first, as models have them, and full ones. */
static struct config with_window(struct config config, uint32_t window, uint32_t layers, uint32_t full_layers)
{
    config.kv_cache_groups[0] = (struct kv_layers){.kind = KV_KIND_SLIDING_WINDOW, .reach = window, .layers = layers};
    config.kv_cache_groups[1] = (struct kv_layers){.kind = KV_KIND_FULL, .layers = full_layers};
    config.kv_cache_groups_count = 2;
    config.async_scheduling = true;
    return config;
}

/* A real trace cut to its first `limit` requests. */
static void compare_shared(const char *name, uint64_t limit, struct config config)
{
    char path[256], text[256];
    struct diag diag = {0};
    struct trace_selection selection = trace_select_all();
    struct trace *trace;
    snprintf(path, sizeof path, SHARED_TRACES "%s", name);
    if (access(path, R_OK) != 0) {
        cr_assert_null(getenv("CI"), "%s is missing", path);
        cr_skip("%s is missing\n", path);
    }
    selection.limit = limit;
    cr_assert_eq(trace_load(path, &selection, &trace, &diag), SIM_OK, "%s", diag.text);
    bool equal = same(trace, &config, text, sizeof text);
    trace_destroy(trace);
    cr_assert(equal, "%s, pool %u: %s", name, config.num_gpu_blocks, text);
}

Test(event_replay, says_what_the_plain_scheduler_says_on_real_traces)
{
    compare_shared("azure2023_code.csv", 2000, published(1200, 16, 0));
    compare_shared("azure2023_conv.csv", 2000, published(1200, 16, 0));
    compare_shared("azure2023_conv.csv", 3000, published(100000, 48, 512));
    compare_shared("mooncake_conversation.jsonl", 1000, published(50000, 16, 0));
    compare_shared("mooncake_conversation.jsonl", 1000, published(20000, 64, 2048));
}

/* gpt-oss-120b, and Gemma-3-27b with dense windows. */
Test(event_replay, says_what_the_plain_scheduler_says_of_windows_on_real_traces)
{
    struct config dense = with_window(published(60000, 16, 0), 1024, 52, 10);
    dense.prefix_cache_retention_interval = RETENTION_DENSE;
    compare_shared("azure2023_conv.csv", 1500, with_window(published(1200, 16, 0), 128, 18, 18));
    compare_shared("azure2023_code.csv", 1500, with_window(published(30000, 16, 0), 128, 18, 18));
    compare_shared("mooncake_conversation.jsonl", 500, with_window(published(40000, 16, 0), 128, 18, 18));
    compare_shared("mooncake_conversation.jsonl", 400, dense);
}

static struct config with_drafts(struct config config, enum speculative_method method, bool async)
{
    config.async_scheduling = async;
    config.speculative = (struct speculative_config){.method = method, .num_speculative_tokens = 3, .acceptance_rates = {0.7, 0.5, 0.2}};
    return config;
}

/* With a head a block's name reaches into the next trace block. */
Test(event_replay, says_what_the_plain_scheduler_says_of_drafts_on_real_traces)
{
    struct config dropping = with_drafts(published(40000, 16, 0), SPECULATIVE_EAGLE3, true);
    dropping.speculative.disable_lookahead_block_hashes = true;
    compare_shared("azure2023_conv.csv", 2000, with_drafts(published(1200, 16, 0), SPECULATIVE_EAGLE, true));
    compare_shared("azure2023_code.csv", 2000, with_drafts(published(1200, 16, 0), SPECULATIVE_MTP, false));
    compare_shared("mooncake_conversation.jsonl", 800, with_drafts(published(40000, 16, 0), SPECULATIVE_EAGLE, true));
    compare_shared("mooncake_conversation.jsonl", 500, with_drafts(published(20000, 48, 2048), SPECULATIVE_MTP, true));
    compare_shared("mooncake_conversation.jsonl", 500, with_drafts(published(20000, 64, 0), SPECULATIVE_DRAFT_MODEL, false));
    compare_shared("mooncake_conversation.jsonl", 500, dropping);
    compare_shared("mooncake_conversation.jsonl", 400,
                   with_drafts(with_window(published(40000, 16, 0), 128, 18, 18), SPECULATIVE_EAGLE, true));
}
