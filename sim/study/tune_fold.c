/* tune_fold.c - tune_fold.h says what is used; here it is written down as a fingerprint of all keys but those that may fold, with these set
 * to a fixed value where they do. */
#include "study/tune_fold.h"

#include "base/fingerprint.h"
#include "base/integers.h"
#include "base/json.h"
#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "config/kv_groups.h"
#include "config/speculation.h"
#include "vllm_v1/v1_rules.h"

static bool prompts_share(const struct trace *trace)
{
    for (uint32_t position = 0; trace->sample && position < trace->count; position++)
        if (trace->sample[position] > 0)
            return true;
    return trace->session || (trace->hash_start && trace->hash_start[trace->count] > 0);
}

struct tune_requests tune_requests_of(const struct trace *trace)
{
    struct tune_requests requests = {.share = prompts_share(trace)};
    for (uint32_t position = 0; position < trace->count; position++) {
        const uint32_t said = trace->finish_reason ? trace->finish_reason[position] : TRACE_FINISH_NOT_SAID;
        requests.longest = max_u64(requests.longest, v1_all_tokens(trace, position));
        requests.unsaid |= said == TRACE_FINISH_NOT_SAID;
        requests.stops |= said == TRACE_FINISH_SAID(FINISH_STOP);
    }
    return requests;
}

/* Tokens at which the last request ends for all that a scheduler knows beforehand; one that stops may go on to the model's length. */
static uint32_t longest_tokens(const struct tune_requests *requests, const struct config *config)
{
    const bool stops = requests->stops || (requests->unsaid && config->finish_reason == FINISH_STOP);
    const uint64_t longest = max_u64(requests->longest, 1);
    return stops || longest > config->max_model_len ? config->max_model_len : (uint32_t)longest;
}

/* A file and an option that say the same make the same fingerprint, as do a value that was given and a default. */
static enum status fingerprint(const struct config *config, uint64_t *out, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, false);
    config_write(config, &json);
    enum status status = json_text_status(&json, diag);
    if (status == SIM_OK)
        *out = fingerprint_bytes(FINGERPRINT_START, json.text, json.length);
    json_text_deinit(&json);
    return status;
}

/* An adaptive threshold is a share of the budget, and without chunks a prompt that does not fit the rest of it waits. How much of a window
 * the gate counts goes by the budget, too, and drafts pass what the longest request could need. */
enum status tune_facts_of(const struct config *config, const struct tune_requests *requests, bool of_pool, struct tune_facts *out,
                          struct diag *diag)
{
    struct config rest = *config;
    *out = (struct tune_facts){.seats = v1_seats(config), .budget = v1_budget(config)};
    if (config->scheduler == SCHEDULER_VLLM_V1 && !config_has_fleet(config)) { /* what several servers reached is not known */
        const uint32_t longest = longest_tokens(requests, config);
        const bool plain = kv_groups_plain(config);
        const struct kv_groups groups = kv_groups_of(config);
        rest.max_num_seqs = rest.max_num_active_seqs = 1;
        if (plain && !rest.long_prefill_token_threshold_adaptive && rest.long_prefill_token_threshold >= min_u32(out->budget, longest))
            rest.long_prefill_token_threshold = 0;
        if (plain && config->enable_chunked_prefill && !config->long_prefill_token_threshold_adaptive)
            rest.max_num_batched_tokens = rest.max_num_scheduled_tokens = 1;
        if (!of_pool && !(config->enable_prefix_caching && requests->share)) {
            out->free_blocks = config->num_gpu_blocks - (engine_facts_of(config)->has_null_block && config->num_gpu_blocks > 0);
            /* One more each for the output that is being computed, as asynchronous scheduling looks ahead. */
            out->reserve_blocks = kv_groups_blocks(&groups, (uint64_t)longest + speculation_places(config)) + 2 * (uint64_t)groups.count +
                                  config_watermark_blocks(config);
            rest.num_gpu_blocks = 1;
            rest.watermark = rest.gpu_memory_utilization = 0;
            rest.kv_cache_memory_bytes = rest.overhead_bytes = 0;
        }
    }
    return fingerprint(&rest, &out->rest, diag);
}

static bool has_room(const struct tune_facts *facts, const struct binding_limits *seen)
{
    return facts->free_blocks >= seen->peak_used_blocks + facts->reserve_blocks;
}

/* Where budgets or pools may not fold they are part of the rest, and facts of both are equal. */
bool tune_folds(const struct tune_facts *a, const struct binding_limits *seen, const struct tune_facts *b)
{
    if (a->rest != b->rest)
        return false;
    if (a->seats != b->seats && seen->peak_running >= min_u32(a->seats, b->seats))
        return false;
    if (a->budget != b->budget && seen->peak_step_tokens >= min_u32(a->budget, b->budget))
        return false;
    const bool same_pool = a->free_blocks == b->free_blocks && a->reserve_blocks == b->reserve_blocks;
    return same_pool || (seen->preemptions == 0 && has_room(a, seen) && has_room(b, seen));
}
