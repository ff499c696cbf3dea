/* speculation.h - what speculative decoding means for a scheduler (doc/vllm_v1.md, section 14): facts of a configuration. Which drafts are
 * right is in vllm_v1/drafts.h.
 *
 * Source: vLLM 0.33.0 config/speculative.py, config/vllm.py, v1/core/kv_cache_utils.py.
 */
#ifndef PAGESIM_SPECULATION_H
#define PAGESIM_SPECULATION_H

#include "config/config.h"

/* Draft tokens of a request in a step, at most. 0: no speculation. */
static inline uint32_t speculation_drafts(const struct config *config)
{
    return config->speculative.method == SPECULATIVE_NONE ? 0 : config->speculative.num_speculative_tokens;
}

/* Do the drafts come from a head that reads the model's hidden states? */
static inline bool speculation_has_head(const struct config *config)
{
    const enum speculative_method method = config->speculative.method;
    return method == SPECULATIVE_EAGLE || method == SPECULATIVE_EAGLE3 || method == SPECULATIVE_MTP;
}

/* Places for K and V beyond the tokens of a step, which the drafter writes to. */
static inline uint32_t speculation_lookahead(const struct config *config)
{
    if (config->speculative.method == SPECULATIVE_DFLASH)
        return config->speculative.num_speculative_tokens + 1;
    const bool drafts = speculation_has_head(config) || config->speculative.method == SPECULATIVE_DRAFT_MODEL;
    return drafts ? config->speculative.num_speculative_tokens : 0;
}

/* What each request in a step costs of the step's buffers beyond its tokens. */
static inline uint32_t speculation_slots(const struct config *config)
{
    return config->speculative.method == SPECULATIVE_DRAFT_MODEL;
}

/* K and V of a head at a block's end depend on the token after it. Either that is part of the block's content, */
static inline uint32_t speculation_tokens_after_block(const struct config *config)
{
    const struct speculative_config *speculative = &config->speculative;
    return speculation_has_head(config) && config->enable_prefix_caching && !speculative->disable_eagle_block_drop &&
           !speculative->disable_lookahead_block_hashes;
}

/* or the last block of a match is not taken. */
static inline bool speculation_drops_block(const struct config *config)
{
    const struct speculative_config *speculative = &config->speculative;
    return speculation_has_head(config) && !speculative->disable_eagle_block_drop && speculative->disable_lookahead_block_hashes;
}

/* Most places that a request has beyond its tokens: drafts of the steps in flight, and the drafter's. */
static inline uint32_t speculation_places(const struct config *config)
{
    return speculation_drafts(config) * (config->async_scheduling ? 2 : 1) + speculation_lookahead(config);
}

/* Passes in which a drafter makes its tokens: one after the other, but for those that look them up or write a block of them at once. */
static inline uint32_t speculation_passes(const struct config *config)
{
    const enum speculative_method method = config->speculative.method;
    const bool one = method == SPECULATIVE_NGRAM || method == SPECULATIVE_NGRAM_GPU || method == SPECULATIVE_DFLASH;
    return one ? 1 : speculation_drafts(config);
}

#endif
