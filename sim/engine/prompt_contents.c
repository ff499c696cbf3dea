/* prompt_contents.c - prompts as spans of token values, interned. Blocks and trace blocks may overlap in any way, so a block can begin and
 * end inside a trace block. */
#include "engine/prompt_contents.h"

#include <stdlib.h>

#include "base/array.h"

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

/* The next span of [from, end): a stretch. Stretches end at places in the session's text alone, so equal tokens are always cut alike and
 * comparing spans is comparing tokens. What is named is what content_token (content.h) says. */
static struct kv_span next_span(const struct prompt_contents *contents, uint32_t position, uint64_t from, uint64_t end)
{
    const uint64_t width = contents->trace_block_size, named = contents->trace->distinct_hashes;
    const struct prompt_stretch stretch = prompt_stretch_at(contents->trace, contents->trace_block_size, position, from, end);
    const uint64_t base =
        stretch.name < named ? stretch.name * width + from % width : (UNNAMED_TOKENS | (stretch.name - named) << 30) + from;
    return (struct kv_span){.first = base, .count = (uint32_t)stretch.length};
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
