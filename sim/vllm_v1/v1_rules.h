/* v1_rules.h - rules of vLLM V1 that the readable scheduler and the event replay (vllm_v1_fast) both follow, so that each stands once. */
#ifndef PAGESIM_V1_RULES_H
#define PAGESIM_V1_RULES_H

#include "base/integers.h"
#include "config/config.h"
#include "config/speculation.h"
#include "trace/trace.h"

/* Tokens that a step may schedule. */
static inline uint32_t v1_budget(const struct config *config)
{
    return config->max_num_scheduled_tokens > 0 ? config->max_num_scheduled_tokens : config->max_num_batched_tokens;
}

/* Nobody is admitted while so many run. DFlash's draft pass needs a place for each of its tokens. */
static inline uint32_t v1_seats(const struct config *config)
{
    const uint32_t seats =
        config->max_num_active_seqs > 0 ? min_u32(config->max_num_active_seqs, config->max_num_seqs) : config->max_num_seqs;
    if (config->speculative.method == SPECULATIVE_DFLASH)
        return min_u32(seats, config->max_num_batched_tokens / speculation_lookahead(config));
    return seats;
}

/* Most tokens that can be on their way: with asynchronous scheduling two steps are. */
static inline uint64_t v1_tokens_in_flight(const struct config *config)
{
    return (uint64_t)config->max_num_batched_tokens * (config->async_scheduling ? 2 : 1);
}

/* Most tokens of one request in a step; UINT32_MAX: as many as it wants. A lone request is not held back by the long-prefill threshold. An
 * adaptive one is no less than an equal share for all. `present`: requests that run or wait. */
static inline uint32_t v1_threshold(const struct config *config, uint32_t present)
{
    const uint32_t threshold = config->long_prefill_token_threshold;
    if (present <= 1 || threshold == 0)
        return UINT32_MAX;
    return config->long_prefill_token_threshold_adaptive ? max_u32(threshold, config->max_num_batched_tokens / present) : threshold;
}

/* Prompt and output together. */
static inline uint32_t v1_all_tokens(const struct trace *trace, uint32_t position)
{
    return trace->input_tokens[position] + trace->output_tokens[position];
}

/* Tokens of prompt and output at which a scheduler knows beforehand that a request ends. One that ends by a stop token could go on to the
 * model's length for all it knows. */
static inline uint32_t v1_foreseen_tokens(const struct trace *trace, const struct config *config, uint32_t position)
{
    const bool stops = trace_finish_reason(trace, position, config->finish_reason) == FINISH_STOP;
    return stops ? config->max_model_len : v1_all_tokens(trace, position);
}

/* Section 15: a consumer's prompt was computed elsewhere. When it is first admitted, K and V of all its tokens but the last are there: `cached` of
 * them in blocks that it found, so many from the other server. */
static inline uint32_t v1_received_tokens(const struct config *config, bool first, uint32_t known, uint32_t cached)
{
    return config->kv_role == KV_ROLE_CONSUMER && first ? known - 1 - cached : 0;
}

/* How many blocks the first `tokens` tokens need beyond the `have` that the table has or will get from hits. Tokens beyond the model's
 * length are never written. */
static inline uint32_t v1_missing_blocks(uint32_t tokens, uint32_t max_model_len, uint32_t block_size, uint32_t have)
{
    const uint32_t covered = ceil_div(min_u32(tokens, max_model_len), block_size);
    return covered > have ? covered - have : 0;
}

#endif
