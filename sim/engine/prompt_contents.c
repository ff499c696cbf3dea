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

/* The range is cut at the borders of trace blocks as far as hash ids reach; what comes after is one span. Cuts depend only on places in
 * the prompt, so equal tokens are always cut alike and comparing spans is comparing tokens. A block costs a span for each trace block it
 * touches, not one for each token. Three more than the quotient are room enough: a piece at either end and the unnamed rest. */
enum status prompt_contents_block(struct prompt_contents *contents, uint64_t parent, uint32_t position, uint64_t from, uint64_t end,
                                  uint64_t unnamed, uint64_t *content, struct diag *diag)
{
    const struct trace *trace = contents->trace;
    const uint64_t width = contents->trace_block_size, hashes = trace_hash_count(trace, position);
    size_t count = 0;
    enum status status = array_reserve(&contents->spans, &contents->capacity, (size_t)((end - from) / width + 3), sizeof *contents->spans,
                                       "block contents", diag);
    if (status != SIM_OK)
        return status;
    for (uint64_t length; from < end; from += length) {
        const uint64_t k = from / width, inside = from % width;
        length = k < hashes && width - inside < end - from ? width - inside : end - from;
        contents->spans[count++] =
            (struct kv_span){.first = k < hashes ? trace->hash_ids[trace->hash_start[position] + k] * width + inside : unnamed + from,
                             .count = (uint32_t)length};
    }
    return prompt_contents_intern(contents, parent, contents->spans, count, content, diag);
}
