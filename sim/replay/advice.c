/* advice.c - one function a kind of advice, and the table of them at the end. Read advice.h first. A function writes its sentence, or leaves
 * the text empty. */
#include "replay/advice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/integers.h"
#include "base/line.h"
#include "base/units.h"
#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "config/kv_groups.h"
#include "vllm_v1/v1_rules.h"

typedef void advise(const struct config *config, const struct trace *trace, char *text);

/* vLLM compares max_model_len with all blocks, and does not count that V1's null block is never given to anybody; a pool between the two
 * starts, and a request of full length waits in it for ever. The length is only held against a pool if somebody chose it, or if the pool
 * is that of a GPU: our default is no model's. With windows and chunks vLLM counts the most blocks that such a request can hold at once. */
static void advise_pool(const struct config *config, const struct trace *trace, char *text)
{
    (void)trace;
    char room[UNIT_TEXT], length[UNIT_TEXT], blocks[UNIT_TEXT], pool[UNIT_TEXT];
    const uint32_t null_blocks = engine_facts_of(config)->has_null_block ? 1 : 0;
    const struct kv_groups groups = kv_groups_of(config);
    const uint64_t needed = kv_groups_longest_blocks(&groups, v1_tokens_in_flight(config), config->max_model_len);
    if (config->num_gpu_blocks == 0 || config->num_gpu_blocks >= needed + null_blocks)
        return;
    if (!config->sized && !config_gives(config, "max_model_len"))
        return;
    if (groups.count > 1 || groups.list[0].kind != KV_KIND_FULL) {
        snprintf(text, ADVICE_SIZE,
                 "one request of max_model_len %s takes up to %s blocks in its %u group%s of layers, more than the %s of the pool: vLLM "
                 "refuses to start; lower max_model_len or take num_gpu_blocks %s",
                 unit_count(config->max_model_len, length), unit_count(needed, room), groups.count, groups.count == 1 ? "" : "s",
                 unit_count(config->num_gpu_blocks - null_blocks, pool), unit_count(needed + null_blocks, blocks));
        return;
    }
    snprintf(
        text, ADVICE_SIZE,
        "the pool holds %s tokens, less than one request of max_model_len %s, which takes num_gpu_blocks %s: %s; lower max_model_len or "
        "take a larger pool",
        unit_count((uint64_t)(config->num_gpu_blocks - null_blocks) * groups.list[0].block_size, room),
        unit_count(config->max_model_len, length), unit_count(needed + null_blocks, blocks),
        config->num_gpu_blocks < needed ? "vLLM refuses to start" : "in vLLM such a request waits for ever");
}

/* The variable in its message is vLLM's own way around. */
static void advise_length(const struct config *config, const struct trace *trace, char *text)
{
    (void)trace;
    char length[UNIT_TEXT], positions[UNIT_TEXT];
    if (config->model_positions > 0 && config->max_model_len > config->model_positions && config_gives(config, "max_model_len"))
        snprintf(text, ADVICE_SIZE,
                 "max_model_len %s is above the model's max_position_embeddings %s: vLLM refuses to start unless "
                 "VLLM_ALLOW_LONG_MAX_MODEL_LEN=1",
                 unit_count(config->max_model_len, length), unit_count(config->model_positions, positions));
}

/* The keys that size a pool from a GPU, as far as they were given. */
static void put_given(const struct config *config, const char *const *names, size_t count, struct line *line)
{
    for (size_t i = 0; i < count; i++)
        if (config_gives(config, names[i]))
            line_put(line, "%s%s", line->length ? ", " : "", names[i]);
}

static void advise_pool_source(const struct config *config, const struct trace *trace, char *text)
{
    static const char *const by_blocks[] = {"gpu_memory_utilization", "kv_cache_memory_bytes", "overhead_bytes"};
    static const char *const by_bytes[] = {"gpu_memory_utilization", "overhead_bytes"};
    (void)trace;
    struct line line = {0};
    const bool blocks = !config->sized && config_gives(config, "num_gpu_blocks"), bytes = config->kv_cache_memory_bytes > 0;
    if (blocks)
        put_given(config, by_blocks, sizeof by_blocks / sizeof *by_blocks, &line);
    else if (bytes)
        put_given(config, by_bytes, sizeof by_bytes / sizeof *by_bytes, &line);
    if (line.length > 0)
        snprintf(text, ADVICE_SIZE, "no effect: %.200s, as %s says how large the pool is", line.text,
                 blocks ? "num_gpu_blocks" : "kv_cache_memory_bytes");
}

/* A GPU is read for the size of the pool, by the roofline model, and for what serve would choose on it; what is shared among GPUs is a model. */
static void advise_model(const struct config *config, const struct trace *trace, char *text)
{
    (void)trace;
    const bool read = config->step_time.model == STEP_TIME_ROOFLINE || config->by_serve || config->by_model;
    if (config->gpu[0] && !read && !(config->sized && config->kv_cache_memory_bytes == 0))
        snprintf(text, ADVICE_SIZE,
                 "no effect: gpu, as the pool and the scheduler's limits are given and the roofline model is not asked for");
    else if (!config->model[0] && config_gives(config, "tensor_parallel_size") && config->tensor_parallel_size > 1)
        snprintf(text, ADVICE_SIZE, "no effect: tensor_parallel_size, as no model is given that could be shared");
}

static void advise_priority(const struct config *config, const struct trace *trace, char *text)
{
    if (strcmp(config->scheduling_policy, "priority") == 0 && !trace->priority)
        snprintf(text, ADVICE_SIZE, "no effect: scheduling_policy priority, as the trace gives no priorities: the order is that of fcfs");
    else if (strcmp(config->scheduling_policy, "edf") == 0 && !trace->priority)
        snprintf(text, ADVICE_SIZE, "no effect: scheduling_policy edf, as the trace gives no priorities, and one class goes by arrival");
    else if (strcmp(config->scheduling_policy, "vtc") == 0 && !trace_tenants(trace))
        snprintf(text, ADVICE_SIZE, "no effect: scheduling_policy vtc, as the trace names neither tenants nor sessions");
}

/* Keys for policies that are not in use; the first is enough. */
static void advise_policy_keys(const struct config *config, char *text)
{
    for (size_t i = 0; i < config_key_count && !*text; i++)
        if (config_keys[i].readers && config_key_given(&config_keys[i], config) && !config_key_matters(&config_keys[i], config))
            snprintf(text, ADVICE_SIZE, "no effect: %s, which is for the policy %s", config_keys[i].name, config_keys[i].readers[0]);
}

static void advise_scheduling(const struct config *config, const struct trace *trace, char *text)
{
    (void)trace;
    if (config->prefill_schedule_interval > 1)
        snprintf(text, ADVICE_SIZE, "no effect: prefill_schedule_interval, which vLLM heeds with data parallelism alone");
    else if (config->long_prefill_token_threshold_adaptive && config->long_prefill_token_threshold == 0)
        snprintf(text, ADVICE_SIZE, "no effect: long_prefill_token_threshold_adaptive, as long_prefill_token_threshold is 0");
    else if (!config->async_scheduling && config_gives(config, "finish_reason"))
        snprintf(text, ADVICE_SIZE, "no effect: finish_reason, as a synchronous scheduler decides the same either way");
    else
        advise_policy_keys(config, text);
}

static void advise_eviction(const struct config *config, const struct trace *trace, char *text)
{
    (void)trace;
    if (!config->enable_prefix_caching && strcmp(config->eviction_policy, "vllm") != 0)
        snprintf(text, ADVICE_SIZE, "no effect: eviction_policy %s, as prefix caching is off", config->eviction_policy);
}

static void advise_contents(const struct config *config, const struct trace *trace, char *text)
{
    if (config_gives(config, "trace_block_size") && !trace->hash_start)
        snprintf(text, ADVICE_SIZE, "no effect: trace_block_size, as the trace names no contents (hash_ids)");
}

/* Times that are all the same can come from a file without any, or from the random data set. */
static void advise_arrivals(const struct config *config, const struct trace *trace, char *text)
{
    const bool ramps = config->ramp_up_strategy[0] != '\0', rate = config->request_rate > 0 && isfinite(config->request_rate);
    const bool same = trace->count == 0 || trace->arrival_ns[0] == trace->arrival_ns[trace->count - 1];
    if (config->arrival_speedup_ratio != 1 && same)
        snprintf(text, ADVICE_SIZE, "no effect: arrival_speedup_ratio, as all requests arrive at the same time");
    else if (config_gives(config, "burstiness") && config->burstiness != 1 && !ramps && !rate)
        snprintf(text, ADVICE_SIZE, "no effect: burstiness, as no arrivals are drawn (request_rate)");
}

/* What a file leaves to be drawn, its reader notes; what comes from no file is drawn. */
static void advise_seed(const struct config *config, const struct trace *trace, char *text)
{
    const bool rate = config->request_rate > 0 && isfinite(config->request_rate);
    const bool drawn =
        ((rate || config->ramp_up_strategy[0] != '\0') && isfinite(config->burstiness)) || config->length_prediction_sigma > 0;
    if (config_gives(config, "seed") && trace->format && !drawn && !trace->notes[0] && !trace->beam_width)
        snprintf(text, ADVICE_SIZE, "no effect: seed, as nothing is drawn");
}

/* What a key has no effect without. One server that is said to be one is no surprise. NULL: nothing to tell. */
static const char *what_is_missing(const struct config_key *key, const struct config *config)
{
    if (config_key_of_fleet(key) && !config_has_fleet(config))
        return strcmp(key->name, "replicas") == 0 || strcmp(key->name, "data_parallel_size") == 0 ? NULL : "there is one server (replicas)";
    if (config_key_of_fleet(key))
        return strncmp(key->name, "kv_transfer", strlen("kv_transfer")) == 0 ? "all servers do both (prefill_replicas)" : NULL;
    if (strcmp(key->name, "kv_role") == 0)
        return NULL;
    return strcmp(key->name, "acceptance_seed") == 0 ? "nothing is drafted (speculative_config)" : "all layers are full (kv_cache_groups)";
}

/* What is said about nothing, and drafts that nobody has measured: all of them right is more than any drafter does. */
static void advise_drafts(const struct config *config, const struct trace *trace, char *text)
{
    (void)trace;
    const double *rates = config->speculative.acceptance_rates;
    const uint32_t drafts = speculation_drafts(config);
    for (size_t i = 0; i < config_key_count && !*text; i++) {
        const struct config_key *key = &config_keys[i];
        const bool idle = key->heeded && config_key_given(key, config) && !key->heeded(config);
        const char *missing = idle ? what_is_missing(key, config) : NULL;
        if (missing)
            snprintf(text, ADVICE_SIZE, "no effect: %s, as %s", key->name, missing);
    }
    if (!*text && drafts > 0 && rates[drafts - 1] >= 1)
        snprintf(
            text, ADVICE_SIZE,
            "all drafts are right, which no drafter reaches: give speculative_config the synthetic_acceptance_rates that were measured");
}

static void advise_step_time(const struct config *config, const struct trace *trace, char *text)
{
    (void)trace;
    struct line line = {0};
    for (size_t i = 0; i < config_key_count; i++)
        if (config_keys[i].group == KEY_STEP_TIME && config_key_given(&config_keys[i], config) &&
            !(config_keys[i].models >> config->step_time.model & 1))
            line_put(&line, "%sstep_time.%s", line.length ? ", " : "", config_keys[i].name);
    if (line.length > 0)
        snprintf(text, ADVICE_SIZE, "no effect: %.200s, which the step-time model in use does not read", line.text);
}

void advice_collect(const struct config *config, const struct trace *trace, unsigned kinds, struct advice *out)
{
    static advise *const all[ADVICE_KINDS] = {
        [ADVICE_POOL] = advise_pool,         [ADVICE_LENGTH] = advise_length,     [ADVICE_POOL_SOURCE] = advise_pool_source,
        [ADVICE_MODEL] = advise_model,       [ADVICE_PRIORITY] = advise_priority, [ADVICE_SCHEDULING] = advise_scheduling,
        [ADVICE_EVICTION] = advise_eviction, [ADVICE_CONTENTS] = advise_contents, [ADVICE_ARRIVALS] = advise_arrivals,
        [ADVICE_SEED] = advise_seed,         [ADVICE_DRAFTS] = advise_drafts,     [ADVICE_STEP_TIME] = advise_step_time,
    };
    for (int kind = 0; kind < ADVICE_KINDS; kind++) {
        out->text[kind][0] = '\0';
        if (kinds >> kind & 1)
            all[kind](config, trace, out->text[kind]);
    }
}

void advice_split(struct advice *each, size_t count, struct advice *all)
{
    *all = (struct advice){0};
    for (int kind = 0; kind < ADVICE_KINDS; kind++) {
        size_t alike = 1;
        while (alike < count && strcmp(each[0].text[kind], each[alike].text[kind]) == 0)
            alike++;
        if (alike < count)
            continue;
        memcpy(all->text[kind], each[0].text[kind], ADVICE_SIZE);
        for (size_t i = 0; i < count; i++)
            each[i].text[kind][0] = '\0';
    }
}

void advice_gather(const struct advice *advice, struct advice_of_runs *all)
{
    for (int kind = 0; kind < ADVICE_KINDS; kind++) {
        if (!advice->text[kind][0])
            continue;
        if (all->runs[kind]++ == 0)
            memcpy(all->first.text[kind], advice->text[kind], ADVICE_SIZE);
    }
}

void advice_count(struct advice_of_runs *all, size_t runs)
{
    for (int kind = 0; kind < ADVICE_KINDS; kind++) {
        char *text = all->first.text[kind];
        const size_t length = strlen(text);
        if (all->runs[kind] > 0 && all->runs[kind] < runs)
            snprintf(text + length, ADVICE_SIZE - length, " (in %zu of %zu runs)", all->runs[kind], runs);
    }
}
