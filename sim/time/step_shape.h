/* step_shape.h - what the price of a step may depend on: sums over the sequences that compute in it.
 *
 * Every engine sums up its steps with the functions below, so that a new quantity that a model wants is one line here.
 */
#ifndef PAGESIM_STEP_SHAPE_H
#define PAGESIM_STEP_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

/* Decodes are sequences that compute exactly their one newest token; every other one is a prefill chunk. */
struct step_shape {
    uint64_t step; /* number of the step (the recorded model) */
    uint64_t scheduled_tokens;
    uint64_t context_tokens;          /* as step_tally.context_tokens */
    uint64_t prefill_tokens;          /* sum of chunk lengths */
    uint64_t prefill_context_product; /* sum over chunks of chunk * context before it */
    uint64_t prefill_context;         /* sum over chunks of context before it */
    uint64_t decode_context;          /* sum over decodes of context length including the token computed in the step */
    uint32_t prefill_chunks;
    uint32_t decodes;
    uint32_t sequences;                              /* scheduled sequences */
    uint32_t sampled;                                /* sequences that get a token */
    uint32_t max_decode_context, min_decode_context; /* 0 without decodes; only filled when model->wants_extremes */
    uint32_t copies, swapped_blocks;                 /* blocks moved */
    bool idle;                                       /* V0: nothing scheduled but something preempted or ignored */
};

/* Add a sequence that computes `tokens` tokens after `before` present ones. `decodes`: it computes exactly its one newest token.
 * Who samples is counted by the caller. vLLM V0 can schedule a chunk of -4 tokens: pass it modulo 2^64, the sums come out right. */
static inline void step_shape_add(struct step_shape *shape, uint64_t before, uint64_t tokens, bool decodes)
{
    const uint64_t after = before + tokens;
    shape->scheduled_tokens += tokens;
    shape->context_tokens += after;
    shape->sequences++;
    if (!decodes) {
        shape->prefill_chunks++;
        shape->prefill_tokens += tokens;
        shape->prefill_context += before;
        shape->prefill_context_product += tokens * before;
        return;
    }
    const uint32_t context = (uint32_t)after;
    if (shape->decodes++ == 0)
        shape->min_decode_context = shape->max_decode_context = context;
    if (context > shape->max_decode_context)
        shape->max_decode_context = context;
    if (context < shape->min_decode_context)
        shape->min_decode_context = context;
    shape->decode_context += context;
}

/* A step in which `decodes` sequences decode, each samples, and nothing else happens; their contexts add up to `context`. The extremes
 * are left 0. */
static inline struct step_shape step_shape_of_decodes(uint32_t decodes, uint64_t context)
{
    return (struct step_shape){.scheduled_tokens = decodes,
                               .context_tokens = context,
                               .decode_context = context,
                               .decodes = decodes,
                               .sequences = decodes,
                               .sampled = decodes};
}

#endif
