/* prompt_contents.c - prompts as spans of token values, interned. Blocks and trace blocks may overlap in any way, so a block can begin and
 * end inside a trace block. */
#include "engine/prompt_contents.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"

enum status prompt_contents_init(struct prompt_contents *contents, const struct trace *trace, uint32_t trace_block_size, struct diag *diag)
{
    *contents = (struct prompt_contents){.trace = trace, .trace_block_size = trace_block_size};
    return kv_contents_create(&contents->contents) == KV_OK ? SIM_OK : diag_no_memory(diag, 1024, "block contents");
}

void prompt_contents_deinit(struct prompt_contents *contents)
{
    kv_contents_destroy(contents->contents);
    free(contents->spans);
    *contents = (struct prompt_contents){0};
}

/* Exact: kv_contents compares the spans themselves, so two contents are equal if and only if the tokens are. vLLM hashes and accepts
 * that hashes may meet; a replay which had such a hit would not be the same on two machines. */
enum status prompt_contents_intern(struct prompt_contents *contents, uint64_t parent, const struct kv_span *spans, size_t count,
                                   uint64_t *content, struct diag *diag)
{
    return kv_contents_intern(contents->contents, parent, spans, count, content) == KV_OK ? SIM_OK
                                                                                          : diag_no_memory(diag, 64, "block contents");
}

/* Tokens without a name are (request, place): above all named ones, and below what engines tag for outputs. */
#define UNNAMED_TOKENS (UINT64_C(1) << 62)

/* The next span of [from, end): cut at the borders of trace blocks as far as hash ids reach, where another turn said the tokens, and where
 * another one names them. Cuts depend only on places in the session's text, so equal tokens are always cut alike and comparing spans is
 * comparing tokens. What is named is what content_token (content.h) says. */
static struct kv_span next_span(const struct prompt_contents *contents, uint32_t position, uint64_t from, uint64_t end)
{
    const struct trace *trace = contents->trace;
    const uint64_t width = contents->trace_block_size, inside = from % width;
    const uint32_t source = prompt_source(trace, position, from + 1);
    for (uint32_t later = position; later != source; later = trace->previous[later] - 1)
        end = min_u64(end, prompt_said_before(trace, later));
    const uint32_t namer = prompt_namer(trace, contents->trace_block_size, source, from + 1);
    if (namer == UINT32_MAX) {
        const uint64_t owner = prompt_owner(trace, source);
        return (struct kv_span){.first = (UNNAMED_TOKENS | owner << 30) + from, .count = (uint32_t)(end - from)};
    }
    /* The last id may stand for more tokens than there are. */
    end = min_u64(end, prompt_named_tokens(trace, contents->trace_block_size, namer));
    if (namer != source)
        end = min_u64(end, (uint64_t)trace->input_tokens[source] + trace->output_tokens[source]);
    const uint64_t id = trace->hash_ids[trace->hash_start[namer] + from / width];
    return (struct kv_span){.first = id * width + inside, .count = (uint32_t)min_u64(width - inside, end - from)};
}

/* A block costs a span for each trace block and each turn that it touches, not one for each token. */
enum status prompt_contents_block(struct prompt_contents *contents, uint64_t parent, uint32_t position, uint64_t from, uint64_t end,
                                  uint64_t *content, struct diag *diag)
{
    size_t count = 0;
    while (from < end) {
        enum status status =
            array_reserve(&contents->spans, &contents->capacity, count + 1, sizeof *contents->spans, "block contents", diag);
        if (status != SIM_OK)
            return status;
        const struct kv_span span = next_span(contents, position, from, end);
        contents->spans[count++] = span;
        from += span.count;
    }
    return prompt_contents_intern(contents, parent, contents->spans, count, content, diag);
}
