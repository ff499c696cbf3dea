/* event_prefix.c - finding and making the nodes of the prefix tree. Two ways, by whether KV blocks fill trace blocks evenly: a name and
 * a parent are enough then; else every KV block is identified by its exact tokens.
 *
 * Nodes are never removed: a node without copies is found and has nothing, and the same prompt will fill it again. */
#include "vllm_v1_fast/event_prefix.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/speculation.h"

enum status event_prefix_init(struct event_prefix *prefix, const struct trace *trace, const struct config *config, uint32_t groups,
                              bool whole_runs, struct diag *diag)
{
    bool aligned = config->trace_block_size % config->block_size == 0;
    *prefix = (struct event_prefix){.trace = trace,
                                    .block_size = config->block_size,
                                    .trace_block_size = config->trace_block_size,
                                    .per = aligned ? config->trace_block_size / config->block_size : 1,
                                    .groups = groups,
                                    .after = speculation_tokens_after_block(config),
                                    .aligned = aligned,
                                    .whole_runs = aligned && whole_runs};
    prefix->runs = trace->id_runs ? trace->id_runs : &prefix->made_runs;
    enum status status = trace->id_runs ? SIM_OK : id_runs_make(trace, &prefix->made_runs, diag);
    if (status != SIM_OK)
        return status;
    const uint64_t of_ids = prefix->whole_runs ? prefix->runs->names : trace->distinct_hashes,
                   names = of_ids + (trace->sample ? trace->count : 0);
    return aligned ? array_zeroed(&prefix->by_name, (size_t)names, sizeof *prefix->by_name, "the prefix tree", diag)
                   : prompt_contents_init(&prefix->contents, trace, config->trace_block_size, diag);
}

void event_prefix_deinit(struct event_prefix *prefix)
{
    free(prefix->nodes);
    free(prefix->by_name);
    id_runs_deinit(&prefix->made_runs);
    prompt_contents_deinit(&prefix->contents);
    *prefix = (struct event_prefix){0};
}

/* Where samples were expanded, the whole prompt is shared, named by hash ids or not; but none of it from an id on that nobody else has. Only
 * whole blocks count: the one that holds the end of the prompt gets output too. */
uint32_t event_prefix_named_blocks(const struct event_prefix *prefix, uint32_t position)
{
    const uint32_t shared = id_runs_shared(prefix->runs, position);
    uint64_t tokens = prefix->trace->sample ? prefix->trace->input_tokens[position]
                                            : prompt_named_tokens(prefix->trace, prefix->trace_block_size, position);
    if (shared < trace_hash_count(prefix->trace, position))
        tokens = min_u64(tokens, (uint64_t)shared * prefix->trace_block_size);
    return tokens > prefix->after ? (uint32_t)((tokens - prefix->after) / prefix->block_size) : 0;
}

/* Nodes that are exact identities come with gaps between their numbers; those get empty nodes. */
static enum status grow_nodes(struct event_prefix *prefix, uint32_t node, struct diag *diag)
{
    const uint32_t count = max_u32(prefix->count, node + prefix->groups - 1);
    enum status status =
        array_reserve(&prefix->nodes, &prefix->capacity, (size_t)count + 1, sizeof *prefix->nodes, "the prefix tree", diag);
    for (; status == SIM_OK && prefix->count < count; prefix->count++)
        prefix->nodes[prefix->count + 1] = (struct prefix_node){.first_copy = SEGMENT_NONE, .last_copy = SEGMENT_NONE};
    return status;
}

/* For the private blocks of a preempted request. Not aligned, names take the even numbers and these the odd ones, so the two never meet. */
enum status event_prefix_add(struct event_prefix *prefix, uint32_t *node, struct diag *diag)
{
    *node = prefix->aligned ? prefix->count + 1 : (2 * prefix->unnamed++ + 1) * prefix->groups;
    return grow_nodes(prefix, *node, diag);
}

/* One KV block by its exact tokens. A parent's node number serves as its identity: equal numbers mean equal prefixes all the same.
 * Dearer than a name, so only for block sizes that do not divide the trace's. */
static enum status exact_child(struct event_prefix *prefix, uint32_t position, uint32_t block, uint32_t parent, uint32_t *node,
                               struct diag *diag)
{
    const uint64_t from = (uint64_t)block * prefix->block_size;
    uint64_t content = 0;
    enum status status =
        prompt_contents_block(&prefix->contents, parent, position, from, from + prefix->block_size + prefix->after, &content, diag);
    *node = 2 * (uint32_t)content * prefix->groups; /* identities count up from 1; odd ones are those without a name */
    return status == SIM_OK ? grow_nodes(prefix, *node, diag) : status;
}

/* The name of what comes next in the prompt, and where it ends. Blocks after its hash ids have one name for the whole request; where nodes are
 * trace blocks their parents tell them apart. */
static uint32_t next_name(const struct event_prefix *prefix, uint32_t position, struct prefix_place *place)
{
    const struct trace *trace = prefix->trace;
    const struct id_runs *runs = prefix->runs;
    const uint32_t ordinal = place->next++;
    place->start = place->end;
    if (!prefix->whole_runs) {
        place->end = place->next * prefix->per - prefix->after;
        return ordinal < trace_hash_count(trace, position) ? trace->hash_ids[trace->hash_start[position] + ordinal]
                                                           : trace->distinct_hashes + prompt_owner(trace, position);
    }
    const bool is_run = runs->start && ordinal < runs->start[position + 1] - runs->start[position];
    const struct id_run run = is_run ? runs->runs[runs->start[position] + ordinal]
                                     : (struct id_run){.name = runs->names + prompt_owner(trace, position), .end = UINT32_MAX};
    place->end = (uint32_t)min_u64((uint64_t)run.end * prefix->per - prefix->after, UINT32_MAX);
    return run.name;
}

/* A name with few parents is the rule: a run mostly follows one and the same chain. So the nodes of one name are a plain list, and the one
 * that was asked for moves to its front. Lookups (create = false) make no nodes, so a prompt that is refused leaves nothing. */
enum status event_prefix_next(struct event_prefix *prefix, uint32_t position, bool create, struct prefix_place *place, struct diag *diag)
{
    const uint32_t parent = place->node;
    if (!prefix->aligned) {
        place->start = place->end++;
        return exact_child(prefix, position, place->start, parent, &place->node, diag);
    }
    const uint32_t name = next_name(prefix, position, place);
    uint32_t before = NODE_NONE, found = prefix->by_name[name];
    while (found != NODE_NONE && prefix->nodes[found].parent != parent) {
        before = found;
        found = prefix->nodes[found].next_with_name;
    }
    place->node = found;
    if (found != NODE_NONE && before == NODE_NONE)
        return SIM_OK;
    if (found == NODE_NONE) {
        if (!create)
            return SIM_OK;
        enum status status = event_prefix_add(prefix, &found, diag);
        if (status != SIM_OK)
            return status;
        place->node = found;
        prefix->nodes[found].parent = parent;
        prefix->nodes[found].name = name;
    } else {
        prefix->nodes[before].next_with_name = prefix->nodes[found].next_with_name;
    }
    prefix->nodes[found].next_with_name = prefix->by_name[name]; /* to the front: it will be asked for again */
    prefix->by_name[name] = found;
    return SIM_OK;
}
