/* random_case.c - draws configurations and traces so that pools are small, prefixes part inside blocks, and everything meets everything. */
#include "support/random_case.h"

#include <stdlib.h>
#include <string.h>

#include "config/kv_groups.h"
#include "support/random.h"

enum { REQUESTS_MOST = 20 };

static void make_v0(struct config *config, uint64_t *seed)
{
    config->scheduler = SCHEDULER_VLLM_V0;
    config->num_cpu_blocks = random_below(seed, 3) ? 200 : 0;
    config->preemption_mode = (enum preemption_mode)random_below(seed, 3);
    config->enable_prefix_caching = random_below(seed, 2);
    config->enable_chunked_prefill = random_below(seed, 2);
    config->watermark = random_below(seed, 2) ? 0.01 : 0.1;
    strcpy(config->scheduling_policy, "fcfs");
    config->long_prefill_token_threshold = 0;
    if (!config->enable_chunked_prefill && config->max_num_batched_tokens < config->max_model_len)
        config->max_num_batched_tokens = config->max_model_len;
    if (config->enable_chunked_prefill && config->enable_prefix_caching) /* vLLM wants whole blocks there */
        config->max_num_batched_tokens = (config->max_num_batched_tokens / config->block_size + 1) * config->block_size;
}

struct config random_case_config(uint64_t *seed, bool v0)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 8, 16};
    uint32_t block_size = sizes[random_below(seed, 6)];
    struct config config = tiny_config_v1(block_size, 4 + random_below(seed, random_below(seed, 2) ? 24 : 100));
    config.max_num_seqs = 1 + random_below(seed, 8);
    config.max_num_batched_tokens = config.max_num_seqs + random_below(seed, 60);
    config.max_model_len = 20 + random_below(seed, 120);
    config.enable_prefix_caching = random_below(seed, 4) != 0;
    config.enable_chunked_prefill = random_below(seed, 4) != 0;
    if (!config.enable_chunked_prefill && config.max_num_batched_tokens < config.max_model_len)
        config.max_num_batched_tokens = config.max_model_len;
    if (random_below(seed, 3) == 0)
        config.long_prefill_token_threshold = 1 + random_below(seed, 20);
    if (random_below(seed, 3) == 0)
        config.watermark = 0.01 * random_below(seed, 30);
    if (random_below(seed, 3) == 0)
        strcpy(config.scheduling_policy, "priority");
    if (random_below(seed, 5) == 0)
        config.max_concurrency = 1 + random_below(seed, 6);
    config.trace_block_size = random_below(seed, 2) ? 2 * block_size : 1 + random_below(seed, 20);
    if (v0) {
        make_v0(&config, seed);
        return config;
    }
    config.async_scheduling = random_below(seed, 3) != 0;
    config.finish_reason = random_below(seed, 2) ? FINISH_STOP : FINISH_LENGTH;
    return config;
}

static struct kv_layers some_layers(uint64_t *seed, const struct config *config)
{
    struct kv_layers layers = {.kind = (enum kv_kind)random_below(seed, 3), .layers = 1 + random_below(seed, 5)};
    if (layers.kind == KV_KIND_SLIDING_WINDOW)
        layers.reach = 1 + random_below(seed, 50);
    if (layers.kind == KV_KIND_CHUNKED_LOCAL)
        layers.reach = config->block_size * (1 + random_below(seed, 6));
    if (random_below(seed, 4) == 0)
        layers.block_size = config->block_size * (1 + random_below(seed, 3));
    return layers;
}

/* Falling rates, of a method whose drafts fit a step. */
void random_case_drafts(uint64_t *seed, struct config *config)
{
    struct speculative_config *speculative = &config->speculative;
    const uint32_t most = 1 + random_below(seed, 4);
    double rate = 1;
    if (config->max_num_batched_tokens <= most + 1 ||
        (config->long_prefill_token_threshold > 0 && config->long_prefill_token_threshold <= most))
        return;
    *speculative = (struct speculative_config){.method = (enum speculative_method)(1 + random_below(seed, SPECULATIVE_DFLASH)),
                                               .num_speculative_tokens = most,
                                               .acceptance_seed = random_below(seed, 1000),
                                               .disable_lookahead_block_hashes = random_below(seed, 4) == 0,
                                               .disable_eagle_block_drop = random_below(seed, 8) == 0};
    for (uint32_t i = 0; i < most; i++)
        speculative->acceptance_rates[i] = rate *= 0.01 * random_below(seed, 101);
}

/* What vLLM would refuse is drawn again. */
void random_case_layers(uint64_t *seed, struct config *config)
{
    struct kv_groups groups;
    struct diag diag = {0};
    const uint32_t what = random_below(seed, 4);
    if (what != 0)
        random_case_drafts(seed, config);
    do {
        diag_clear(&diag);
        config->kv_cache_groups_count = what == 1 ? 0 : 1 + random_below(seed, 3);
        for (uint32_t i = 0; i < config->kv_cache_groups_count; i++)
            config->kv_cache_groups[i] = some_layers(seed, config);
        config->prefix_cache_retention_interval = random_below(seed, 2) ? RETENTION_DENSE : 0;
    } while (kv_groups_make(config, "a random case", &groups, &diag) != SIM_OK);
}

void random_case_chain(uint64_t *seed, struct tiny_request *request, const struct config *config, uint32_t others)
{
    uint32_t whole = request->input / config->trace_block_size + 1;
    request->hash_count = random_below(seed, (whole < 16 ? whole : 16) + 1);
    for (uint32_t k = 0; k < request->hash_count; k++)
        request->hash_ids[k] = random_below(seed, 4) ? k : k + 16 * (1 + random_below(seed, others));
}

struct trace *random_case_trace(uint64_t *seed, const struct config *config)
{
    struct tiny_request requests[REQUESTS_MOST] = {0};
    uint32_t count = 1 + random_below(seed, REQUESTS_MOST), spread = 1 + random_below(seed, 40);
    uint32_t most = 1 + random_below(seed, config->max_model_len), samples = random_below(seed, 3);
    bool v0 = config->scheduler == SCHEDULER_VLLM_V0, priorities = random_below(seed, 2);
    int64_t now = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tiny_request *request = &requests[i];
        now += (int64_t)random_below(seed, spread) * 1000000;
        request->arrival_ns = now;
        request->input = 1 + random_below(seed, most);
        request->output = 1 + random_below(seed, random_below(seed, 3) ? 30 : 5);
        request->priority = priorities ? (int32_t)random_below(seed, 4) : 0;
        if (samples == 0 && random_below(seed, 2))
            request->samples = 2 + random_below(seed, 3);
        if (samples == 1 && v0 && random_below(seed, 2))
            request->beam_width = 2 + random_below(seed, 2);
        random_case_chain(seed, request, config, 5);
    }
    struct trace *trace = tiny_trace(requests, count), *expanded;
    struct diag diag = {0};
    if (v0)
        return trace;
    if (trace_expand_samples(trace, &expanded, &diag) != SIM_OK)
        abort();
    trace_destroy(trace);
    return expanded;
}
