/* prompt_tree.c - prompts are put in one after the other; a stretch is split where a new prompt leaves it. Children are found in one hash
 * table by (node, next hash id). Read insert first.
 *
 *     before        |======== node 5 ========|        the prompt agrees with node 5 up to depth d, then parts
 *     after split   |== 9 ==|==== node 5 ====|        9 is new: the upper half, in node 5's place under its parent
 *     after insert  |== 9 ==|--- node 10 ---|         10 is the rest of the new prompt, a second child of 9
 *
 * The lower half keeps its number, so that prompts already in the tree keep their leaf. Each insert splits once and adds one node at
 * most. */
#include "study/prompt_tree.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"

#define EMPTY_SLOT UINT32_MAX

struct child_slot {
    uint64_t key; /* parent << 32 | hash id */
    uint32_t node;
};

struct builder {
    const struct trace *trace;
    uint64_t width; /* tokens in a trace block */
    struct prompt_tree *tree;
    struct child_slot *slots;
    uint64_t mask;
};

/* Prompt tokens that hash ids name. The last id may stand for a part of a block only, and a prompt may go on after its ids end. */
static uint64_t named_tokens(const struct trace *trace, uint64_t width, uint32_t position)
{
    uint64_t tokens = trace_hash_count(trace, position) * width;
    return min_u64(tokens, trace->input_tokens[position]);
}

static const uint32_t *ids_of(const struct builder *builder, uint32_t position)
{
    return builder->trace->hash_ids + builder->trace->hash_start[position];
}

/* Where the key is, or the free slot where it belongs: linear probing after a multiplicative hash (2^64 / golden ratio), which spreads
 * ids that count up from 0. The table is at most a quarter full, so there is always a free slot and it is near. */
static struct child_slot *find_slot(const struct builder *builder, uint32_t parent, uint32_t id)
{
    uint64_t key = (uint64_t)parent << 32 | id;
    uint64_t hash = key * UINT64_C(0x9E3779B97F4A7C15);
    for (uint64_t at = (hash ^ hash >> 29) & builder->mask;; at = (at + 1) & builder->mask)
        if (builder->slots[at].node == EMPTY_SLOT || builder->slots[at].key == key)
            return &builder->slots[at];
}

static void set_child(struct builder *builder, uint32_t parent, uint32_t id, uint32_t node)
{
    *find_slot(builder, parent, id) = (struct child_slot){.key = (uint64_t)parent << 32 | id, .node = node};
}

static uint32_t add_node(struct builder *builder, uint32_t parent, uint32_t start, uint32_t end, uint32_t position)
{
    uint32_t node = builder->tree->count++;
    builder->tree->nodes[node] = (struct prompt_node){.parent = parent, .start = start, .end = end, .position = position};
    return node;
}

/* How far the prompt agrees with the stretch, which it enters with an equal hash id. Prompts part at boundaries of trace blocks, or where
 * the ids of one of them end: an equal id means equal tokens as far as both prompts go. Tokens without an id are nobody else's, so
 * agreement ends there. */
static uint32_t agreement(const struct builder *builder, const struct prompt_node *stretch, uint32_t position)
{
    const uint32_t *mine = ids_of(builder, position), *theirs = ids_of(builder, stretch->position);
    const uint64_t named = named_tokens(builder->trace, builder->width, position);
    const uint64_t limit = min_u64(stretch->end, min_u64(named, named_tokens(builder->trace, builder->width, stretch->position)));
    for (uint64_t block = stretch->start / builder->width + 1; block * builder->width < limit; block++)
        if (mine[block] != theirs[block])
            return (uint32_t)(block * builder->width);
    return (uint32_t)limit;
}

/* Cut a stretch at `depth`; returns the new upper half. The lower half is found from it if hash ids lead on. */
static uint32_t split(struct builder *builder, uint32_t node, uint32_t depth)
{
    struct prompt_node *lower = &builder->tree->nodes[node];
    uint32_t position = lower->position, parent = lower->parent;
    uint32_t upper = add_node(builder, parent, lower->start, depth, position);
    set_child(builder, parent, ids_of(builder, position)[lower->start / builder->width], upper);
    lower->parent = upper;
    lower->start = depth;
    if (depth < named_tokens(builder->trace, builder->width, position))
        set_child(builder, upper, ids_of(builder, position)[depth / builder->width], node);
    return upper;
}

/* Follow the tree as far as it knows the prompt, then add the rest as one stretch. */
static uint32_t insert(struct builder *builder, uint32_t position)
{
    struct prompt_tree *tree = builder->tree;
    const uint32_t length = builder->trace->input_tokens[position];
    const uint64_t named = named_tokens(builder->trace, builder->width, position);
    uint32_t node = PROMPT_ROOT;
    for (uint32_t depth; (depth = tree->nodes[node].end) < length;) {
        uint32_t child = EMPTY_SLOT, id = depth < named ? ids_of(builder, position)[depth / builder->width] : 0;
        if (depth < named)
            child = find_slot(builder, node, id)->node;
        if (child == EMPTY_SLOT) {
            child = add_node(builder, node, depth, length, position);
            if (depth < named)
                set_child(builder, node, id, child);
            return child;
        }
        uint32_t agreed = agreement(builder, &tree->nodes[child], position);
        node = agreed < tree->nodes[child].end ? split(builder, child, agreed) : child;
    }
    return node;
}

/* All is allocated before the first prompt: two nodes a prompt and the root are the most there can be, so numbers and pointers of nodes
 * stay valid while the tree grows. */
static enum status make_room(struct builder *builder, struct diag *diag)
{
    struct prompt_tree *tree = builder->tree;
    const uint32_t prompts = builder->trace->count;
    uint64_t slots = 16;
    while (slots < 4 * ((uint64_t)prompts + 1) * 2) /* at most two children a prompt; a quarter full keeps probes short */
        slots *= 2;
    const struct array_request arrays[] = {ARRAY_OF(tree->nodes, 2 * (size_t)prompts + 1), ARRAY_OF(tree->leaf, prompts),
                                           ARRAY_OF(builder->slots, slots)};
    enum status status = array_zeroed_all(arrays, 3, "the tree of prompts", diag);
    builder->mask = slots - 1;
    for (uint64_t i = 0; i < slots && status == SIM_OK; i++)
        builder->slots[i].node = EMPTY_SLOT;
    return status;
}

/* Nodes that a prompt runs through remember one of their prompts (`position`), and so no node has to keep a copy of ids. */
enum status prompt_tree_build(const struct trace *trace, uint32_t trace_block_tokens, struct prompt_tree *out, struct diag *diag)
{
    struct prompt_tree tree = {.prompts = trace->count};
    struct builder builder = {.trace = trace, .width = trace_block_tokens, .tree = &tree};
    enum status status = make_room(&builder, diag);
    tree.count = 1; /* the root */
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        /* Samples of one request come after sample 0 and have its prompt. */
        uint32_t sample = trace_sample_of(trace, position);
        tree.leaf[position] = sample ? tree.leaf[position - sample] : insert(&builder, position);
        tree.prompt_tokens += trace->input_tokens[position];
    }
    free(builder.slots);
    if (status == SIM_OK)
        *out = tree;
    else
        prompt_tree_free(&tree);
    return status;
}

void prompt_tree_free(struct prompt_tree *tree)
{
    free(tree->nodes);
    free(tree->leaf);
    *tree = (struct prompt_tree){0};
}

/* Both prompts have the same tokens (start, end]. */
static bool same_tokens(const struct trace *trace, uint64_t width, uint32_t a, uint32_t b, uint32_t start, uint32_t end)
{
    if (a == b || (trace->sample && a - trace->sample[a] == b - trace->sample[b]))
        return true;
    if (end > named_tokens(trace, width, a) || end > named_tokens(trace, width, b))
        return false;
    for (uint64_t block = start / width; block * width < end; block++)
        if (trace->hash_ids[trace->hash_start[a] + block] != trace->hash_ids[trace->hash_start[b] + block])
            return false;
    return true;
}

/* For tests. A node's tokens are those of the prompt that it remembers; each prompt through it must have them. */
bool prompt_tree_check(const struct prompt_tree *tree, const struct trace *trace, uint32_t trace_block_tokens)
{
    for (uint32_t i = 1; i < tree->count; i++) {
        const struct prompt_node *node = &tree->nodes[i];
        if (node->start >= node->end || node->parent >= tree->count || tree->nodes[node->parent].end != node->start)
            return false;
    }
    for (uint32_t position = 0; position < tree->prompts; position++) {
        if (tree->nodes[tree->leaf[position]].end != trace->input_tokens[position])
            return false;
        for (uint32_t i = tree->leaf[position]; i != PROMPT_ROOT; i = tree->nodes[i].parent)
            if (!same_tokens(trace, trace_block_tokens, position, tree->nodes[i].position, tree->nodes[i].start, tree->nodes[i].end))
                return false;
    }
    return true;
}
