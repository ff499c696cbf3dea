/* prompt_contents.h - which blocks hold the same tokens: exact identities of blocks for prefix caching (include/pagedkv.h), from what a
 * trace says of prompts.
 *
 * Hash id h names the tokens h * T, h * T + 1, ..., where T is the trace's block size. Tokens without a hash id belong to one request, or
 * to the samples of one request, which share its prompt. Used by all engines.
 */
#ifndef PAGESIM_PROMPT_CONTENTS_H
#define PAGESIM_PROMPT_CONTENTS_H

#include "base/diag.h"
#include "pagedkv.h"
#include "trace/trace.h"

struct prompt_contents {
    const struct trace *trace;
    uint32_t trace_block_size;
    struct kv_contents *contents;
    struct kv_span *spans; /* scratch */
    size_t capacity;
};

/* Borrows trace. */
SIM_NODISCARD enum status prompt_contents_init(struct prompt_contents *contents, const struct trace *trace, uint32_t trace_block_size,
                                               struct diag *diag);
void prompt_contents_deinit(struct prompt_contents *contents);

/* The identity of a block with these tokens after `parent`. */
SIM_NODISCARD enum status prompt_contents_intern(struct prompt_contents *contents, uint64_t parent, const struct kv_span *spans,
                                                 size_t count, uint64_t *content, struct diag *diag);
/* The same for tokens [from, end) of a prompt. Token j has the value `unnamed` + j if no hash id names it. */
SIM_NODISCARD enum status prompt_contents_block(struct prompt_contents *contents, uint64_t parent, uint32_t position, uint64_t from,
                                                uint64_t end, uint64_t unnamed, uint64_t *content, struct diag *diag);

/* Prompt tokens that hash ids name. */
static inline uint64_t prompt_named_tokens(const struct trace *trace, uint32_t trace_block_size, uint32_t position)
{
    const uint64_t tokens = trace_hash_count(trace, position) * trace_block_size, input = trace->input_tokens[position];
    return tokens < input ? tokens : input;
}

/* Whose prompt it is: the samples of one request follow sample 0 in the trace. */
static inline uint32_t prompt_owner(const struct trace *trace, uint32_t position)
{
    return trace->sample ? position - trace->sample[position] : position;
}

#endif
