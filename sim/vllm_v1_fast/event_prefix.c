/* event_prefix.c - finding and making the nodes of the prefix tree. Two ways, by whether KV blocks fill trace blocks evenly: a name and
 * a parent are enough then; else every KV block is identified by its exact tokens.
 *
 * Nodes are never removed: a node without copies is found and has nothing, and the same prompt will fill it again. */
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
    return aligned ? array_zeroed(&prefix->by_name, (size_t)names, sizeof *prefix->by_name, "the prefix tree", diag)
                   : prompt_contents_init(&prefix->contents, trace, config->trace_block_size, diag);
}

void event_prefix_deinit(struct event_prefix *prefix)
{
    free(prefix->nodes);
    free(prefix->by_name);
    prompt_contents_deinit(&prefix->contents);
    *prefix = (struct event_prefix){0};
}

/* Where samples were expanded, the whole prompt is shared, named by hash ids or not. Only whole blocks count: the one that holds the end
 * of the prompt gets output too. */
uint32_t event_prefix_named_blocks(const struct event_prefix *prefix, uint32_t position)
{
    uint64_t tokens = prefix->trace->sample ? prefix->trace->input_tokens[position]
                                            : prompt_named_tokens(prefix->trace, prefix->trace_block_size, position);
    return (uint32_t)(tokens / prefix->block_size);
}

/* Nodes that are exact identities come with gaps between their numbers; those get empty nodes. */
static enum status grow_nodes(struct event_prefix *prefix, uint32_t count, struct diag *diag)
{
    enum status status =
        array_reserve(&prefix->nodes, &prefix->capacity, (size_t)count + 1, sizeof *prefix->nodes, "the prefix tree", diag);
    for (; status == SIM_OK && prefix->count < count; prefix->count++)
        prefix->nodes[prefix->count + 1] = (struct prefix_node){.first_copy = SEGMENT_NONE, .last_copy = SEGMENT_NONE};
    return status;
}

/* For the private blocks of a preempted request. Not aligned, names take the even numbers and these the odd ones, so the two never meet. */
enum status event_prefix_add(struct event_prefix *prefix, uint32_t *node, struct diag *diag)
{
    *node = prefix->aligned ? prefix->count + 1 : 2 * prefix->unnamed++ + 1;
    return grow_nodes(prefix, *node > prefix->count ? *node : prefix->count, diag);
}

/* One KV block by its exact tokens. A parent's node number serves as its identity: equal numbers mean equal prefixes all the same.
 * Dearer than a name, so only for block sizes that do not divide the trace's. */
static enum status exact_child(struct event_prefix *prefix, uint32_t position, uint32_t block, uint32_t parent, uint32_t *node,
                               struct diag *diag)
{
    const uint64_t from = (uint64_t)block * prefix->block_size;
    uint64_t content = 0;
    enum status status = prompt_contents_block(&prefix->contents, parent, position, from, from + prefix->block_size, &content, diag);
    *node = 2 * (uint32_t)content; /* identities count up from 1; odd nodes are those without a name */
    return status == SIM_OK ? grow_nodes(prefix, *node > prefix->count ? *node : prefix->count, diag) : status;
}

/* A name with few parents is the rule: a trace block mostly follows one and the same chain. So the nodes of one name are a plain list,
 * and the one that was asked for moves to its front. Lookups (create = false) make no nodes, so a prompt that is refused leaves nothing.
 * Blocks of a prompt after its hash ids have one name for the whole request; their parents tell them apart. */
enum status event_prefix_child(struct event_prefix *prefix, uint32_t position, uint32_t ordinal, uint32_t parent, bool create,
                               uint32_t *node, struct diag *diag)
{
    if (!prefix->aligned)
        return exact_child(prefix, position, ordinal, parent, node, diag);
    const struct trace *trace = prefix->trace;
    uint32_t name = ordinal < trace_hash_count(trace, position) ? trace->hash_ids[trace->hash_start[position] + ordinal]
                                                                : trace->distinct_hashes + prompt_owner(trace, position);
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
