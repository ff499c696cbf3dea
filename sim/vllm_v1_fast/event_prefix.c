/* event_prefix.c - finding and making the nodes of the prefix tree. Two ways, by whether KV blocks fill trace blocks evenly: a name and a
 * parent are enough then; else every KV block is identified by its exact tokens. */
#include "vllm_v1_fast/event_prefix.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum status event_prefix_init(struct event_prefix *prefix, const struct trace *trace, const struct config *config, struct diag *diag)
{
    bool aligned = config->trace_block_size % config->block_size == 0;
    *prefix = (struct event_prefix){.trace = trace,
                                    .block_size = config->block_size,
                                    .trace_block_size = config->trace_block_size,
                                    .per = aligned ? config->trace_block_size / config->block_size : 1,
                                    .aligned = aligned};
    uint64_t names = (uint64_t)trace->distinct_hashes + (trace->sample ? trace->count : 0);
    if (!aligned && kv_contents_create(&prefix->contents) != KV_OK)
        return diag_no_memory(diag, sizeof(void *), "the prefix tree");
    return aligned ? array_zeroed(&prefix->by_name, (size_t)names, sizeof *prefix->by_name, "the prefix tree", diag) : SIM_OK;
}

void event_prefix_deinit(struct event_prefix *prefix)
{
    free(prefix->nodes);
    free(prefix->by_name);
    free(prefix->spans);
    kv_contents_destroy(prefix->contents);
    *prefix = (struct event_prefix){0};
}

/* Prompt tokens that hash ids cover. */
static uint64_t hashed_tokens(const struct event_prefix *prefix, uint32_t position)
{
    uint64_t tokens = trace_hash_count(prefix->trace, position) * prefix->trace_block_size;
    uint32_t input = prefix->trace->input_tokens[position];
    return tokens < input ? tokens : input;
}

uint32_t event_prefix_named_blocks(const struct event_prefix *prefix, uint32_t position)
{
    uint64_t tokens = prefix->trace->sample ? prefix->trace->input_tokens[position] : hashed_tokens(prefix, position);
    return (uint32_t)(tokens / prefix->block_size);
}

static enum status grow_nodes(struct event_prefix *prefix, uint32_t count, struct diag *diag)
{
    enum status status =
        array_reserve(&prefix->nodes, &prefix->capacity, (size_t)count + 1, sizeof *prefix->nodes, "the prefix tree", diag);
    for (; status == SIM_OK && prefix->count < count; prefix->count++)
        prefix->nodes[prefix->count + 1] = (struct prefix_node){.first_copy = SEGMENT_NONE, .last_copy = SEGMENT_NONE};
    return status;
}

enum status event_prefix_add(struct event_prefix *prefix, uint32_t *node, struct diag *diag)
{
    *node = prefix->aligned ? prefix->count + 1 : 2 * prefix->unnamed++ + 1;
    return grow_nodes(prefix, *node > prefix->count ? *node : prefix->count, diag);
}

/* The samples of one request follow sample 0. */
static uint32_t owner_of(const struct event_prefix *prefix, uint32_t position)
{
    return prefix->trace->sample ? position - prefix->trace->sample[position] : position;
}

/* One KV block by its exact tokens. */
static enum status exact_child(struct event_prefix *prefix, uint32_t position, uint32_t block, uint32_t parent, uint32_t *node,
                               struct diag *diag)
{
    const uint64_t width = prefix->trace_block_size;
    uint64_t from = (uint64_t)block * prefix->block_size, end = from + prefix->block_size, content;
    size_t count = 0;
    enum status status = array_reserve(&prefix->spans, &prefix->spans_capacity, (size_t)(prefix->block_size / width + 2),
                                       sizeof *prefix->spans, "the content of a block", diag);
    if (status != SIM_OK)
        return status;
    if (end > hashed_tokens(prefix, position)) {
        prefix->spans[count++] =
            (struct kv_span){.first = KV_CONTENT_PRIVATE + ((uint64_t)owner_of(prefix, position) << 31) + block, .count = 1};
    } else {
        const uint32_t *hash_ids = prefix->trace->hash_ids + prefix->trace->hash_start[position];
        for (uint64_t length; from < end; from += length) {
            length = width - from % width < end - from ? width - from % width : end - from;
            prefix->spans[count++] = (struct kv_span){.first = hash_ids[from / width] * width + from % width, .count = (uint32_t)length};
        }
    }
    if (kv_contents_intern(prefix->contents, parent, prefix->spans, count, &content) != KV_OK)
        return diag_no_memory(diag, 64, "a block's content");
    *node = 2 * (uint32_t)content; /* identities count up from 1; odd nodes are those without a name */
    return grow_nodes(prefix, *node > prefix->count ? *node : prefix->count, diag);
}

enum status event_prefix_child(struct event_prefix *prefix, uint32_t position, uint32_t ordinal, uint32_t parent, bool create,
                               uint32_t *node, struct diag *diag)
{
    if (!prefix->aligned)
        return exact_child(prefix, position, ordinal, parent, node, diag);
    const struct trace *trace = prefix->trace;
    uint32_t name = ordinal < trace_hash_count(trace, position) ? trace->hash_ids[trace->hash_start[position] + ordinal]
                                                                : trace->distinct_hashes + owner_of(prefix, position);
    uint32_t before = NODE_NONE, found = prefix->by_name[name];
    while (found != NODE_NONE && prefix->nodes[found].parent != parent) {
        before = found;
        found = prefix->nodes[found].next_with_name;
    }
    *node = found;
    if (found != NODE_NONE && before == NODE_NONE)
        return SIM_OK;
    if (found == NODE_NONE) {
        if (!create)
            return SIM_OK;
        enum status status = event_prefix_add(prefix, node, diag);
        if (status != SIM_OK)
            return status;
        prefix->nodes[*node].parent = parent;
        prefix->nodes[*node].name = name;
    } else {
        prefix->nodes[before].next_with_name = prefix->nodes[found].next_with_name;
    }
    prefix->nodes[*node].next_with_name = prefix->by_name[name]; /* to the front: it will be asked for again */
    prefix->by_name[name] = *node;
    return SIM_OK;
}
