/* prompt_contents.h - which blocks hold the same tokens: exact identities of blocks for prefix caching (include/pagedkv.h), from what a
 * trace says of prompts.
 *
 * Hash id h names the tokens h * T, h * T + 1, ..., where T is the trace's block size. Tokens without a hash id belong to one request, or
 * to the samples of one request, which share its prompt. A later turn of a session that has no ids begins with all that was said before it,
 * prompts and answers; those tokens belong to the turn that said them first. Used by all engines.
 */
#ifndef PAGESIM_PROMPT_CONTENTS_H
#define PAGESIM_PROMPT_CONTENTS_H

#include <stdbool.h>

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
/* The same for tokens [from, end) of a prompt, or beyond it as far as prompt_namer names them. */
SIM_NODISCARD enum status prompt_contents_block(struct prompt_contents *contents, uint64_t parent, uint32_t position, uint64_t from,
                                                uint64_t end, uint64_t *content, struct diag *diag);

/* Tokens that hash ids name: of the prompt, and of the answer where the ids cover it. Answers are recorded once, so that further samples of a
 * request have answers of their own. */
static inline uint64_t prompt_named_tokens(const struct trace *trace, uint32_t trace_block_size, uint32_t position)
{
    const bool answers = trace->facts.ids_cover_answers && !(trace->sample && trace->sample[position] > 0);
    const uint64_t tokens = trace_hash_count(trace, position) * trace_block_size;
    const uint64_t most = (uint64_t)trace->input_tokens[position] + (answers ? trace->output_tokens[position] : 0);
    return tokens < most ? tokens : most;
}

/* How many of its first tokens a prompt has from the turn before it, because no ids say anything else; 0 outside of sessions. */
static inline uint64_t prompt_said_before(const struct trace *trace, uint32_t position)
{
    if (!trace->previous || trace->previous[position] == 0 || trace_hash_count(trace, position) > 0)
        return 0;
    const uint32_t before = trace->previous[position] - 1;
    const uint64_t said = (uint64_t)trace->input_tokens[before] + trace->output_tokens[before];
    return said < trace->input_tokens[position] ? said : trace->input_tokens[position];
}

/* Who first said the tokens that end at `end`: the request, or an earlier turn of its session. Linear in the turns between them. */
static inline uint32_t prompt_source(const struct trace *trace, uint32_t position, uint64_t end)
{
    while (end <= prompt_said_before(trace, position))
        position = trace->previous[position] - 1;
    return position;
}

/* Whose ids name the tokens of `position` that end at `end`: itself, or, where sessions share answers, the turn after it from its last id
 * on, which may be partial. UINT32_MAX: nobody's. */
static inline uint32_t prompt_namer(const struct trace *trace, uint32_t trace_block_size, uint32_t position, uint64_t end)
{
    const bool first_sample = !trace->sample || trace->sample[position] == 0;
    const uint64_t named = prompt_named_tokens(trace, trace_block_size, position);
    if (trace->facts.answers_shared && first_sample && trace->next && trace->next[position] > 0) {
        const uint32_t after = trace->next[position] - 1;
        const uint64_t whole = named - named % trace_block_size;
        if (end > whole && end <= prompt_named_tokens(trace, trace_block_size, after) &&
            end <= (uint64_t)trace->input_tokens[position] + trace->output_tokens[position])
            return after;
    }
    return end <= named ? position : UINT32_MAX;
}

/* Whose prompt it is: the samples of one request follow sample 0 in the trace. */
static inline uint32_t prompt_owner(const struct trace *trace, uint32_t position)
{
    return trace->sample ? position - trace->sample[position] : position;
}

/* --- stretches -------------------------------------------------------------------------------------------------------------------- */

/* What others can have of a request is a text: the prompt, and the part of its answer that a later turn begins with or that ids name. The
 * last token of an answer is never computed. `answers`: does the engine find answers at all? */
static inline uint64_t prompt_text_tokens(const struct trace *trace, uint32_t trace_block_size, uint32_t position, bool answers)
{
    const uint64_t input = trace->input_tokens[position], computed = input + trace->output_tokens[position] - 1;
    const uint32_t after = trace->next ? trace->next[position] : 0;
    if (!answers || (trace->sample && trace->sample[position] > 0))
        return input;
    if (after > 0 && (trace->facts.answers_shared || prompt_said_before(trace, after - 1) > 0))
        return computed;
    const uint64_t named = prompt_named_tokens(trace, trace_block_size, position);
    return named > computed ? computed : named > input ? named : input;
}

/* A run of a text's tokens with one name. Where two texts have the same name at the same place, they have the same tokens there as far as
 * both stretches go, and other tokens where the names differ. Below distinct_hashes it is a hash id, from there on a request. */
struct prompt_stretch {
    uint64_t name, length;
};

/* The one from `from` on, cut at `end`, which is not beyond the text: a hash id, or what no id names of the words of one request. Linear in the
 * turns before it. */
static inline struct prompt_stretch prompt_stretch_at(const struct trace *trace, uint32_t trace_block_size, uint32_t position,
                                                      uint64_t from, uint64_t end)
{
    const uint32_t source = prompt_source(trace, position, from + 1);
    for (uint32_t later = position; later != source; later = trace->previous[later] - 1)
        end = end < prompt_said_before(trace, later) ? end : prompt_said_before(trace, later);
    const uint32_t namer = prompt_namer(trace, trace_block_size, source, from + 1);
    uint64_t name = trace->distinct_hashes + (uint64_t)prompt_owner(trace, source);
    if (namer != UINT32_MAX) {
        const uint64_t block = from / trace_block_size, next = (block + 1) * trace_block_size;
        /* The last id may stand for more tokens than there are, and its turn may go on after what `source` said. */
        const uint64_t named = prompt_named_tokens(trace, trace_block_size, namer);
        const uint64_t said = namer == source ? named : (uint64_t)trace->input_tokens[source] + trace->output_tokens[source];
        const uint64_t most = said < named ? said : named, stop = next < most ? next : most;
        name = trace->hash_ids[trace->hash_start[namer] + block];
        end = stop < end ? stop : end;
    }
    return (struct prompt_stretch){.name = name, .length = end - from};
}

#endif
