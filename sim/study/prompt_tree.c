/* prompt_tree.c - texts are put in one after the other; a node is split where a new text leaves it. Children are found in one hash table
 * by (node, name of the next stretch). Read insert first.
 *
 *     before        |======== node 5 ========|        the prompt agrees with node 5 up to depth d, then parts
 *     after split   |== 9 ==|==== node 5 ====|        9 is new: the upper half, in node 5's place under its parent
 *     after insert  |== 9 ==|--- node 10 ---|         10 is the rest of the new prompt, a second child of 9
 *
 * The lower half keeps its number, so that texts already in the tree keep their ends. Each insert splits once and adds one node at most. */
#include "study/prompt_tree.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "engine/content.h"
#include "engine/prompt_contents.h"

#define EMPTY_SLOT UINT32_MAX

struct child_slot {
    uint64_t name; /* of the child's first stretch */
    uint32_t parent, node;
};

struct builder {
    const struct trace *trace;
    uint32_t width; /* tokens in a trace block */
    struct prompt_tree *tree;
    struct child_slot *slots;
    uint64_t mask;
};

/* Where the child is, or the free slot where it belongs: linear probing after a multiplicative hash (2^64 / golden ratio), which spreads
 * names that count up from 0. The table is at most a quarter full, so there is always a free slot and it is near. */
static struct child_slot *find_slot(const struct builder *builder, uint32_t parent, uint64_t name)
{
    uint64_t hash = ((uint64_t)parent << 32 ^ name) * UINT64_C(0x9E3779B97F4A7C15);
    for (uint64_t at = (hash ^ hash >> 29) & builder->mask;; at = (at + 1) & builder->mask) {
        struct child_slot *slot = &builder->slots[at];
        if (slot->node == EMPTY_SLOT || (slot->parent == parent && slot->name == name))
            return slot;
    }
}

static uint64_t name_at(const struct builder *builder, uint32_t position, uint32_t depth, uint32_t end)
{
    return prompt_stretch_at(builder->trace, builder->width, position, depth, end).name;
}

static uint32_t add_node(struct builder *builder, uint32_t parent, uint32_t start, uint32_t end, uint32_t position)
{
    uint32_t node = builder->tree->count++;
    builder->tree->nodes[node] = (struct prompt_node){.parent = parent, .start = start, .end = end, .position = position};
    return node;
}

/* How far a text of `length` tokens agrees with the node, whose first name it has. They part where names do, or where one of them ends. */
static uint32_t agreement(const struct builder *builder, const struct prompt_node *node, uint32_t position, uint32_t length)
{
    const uint32_t limit = min_u32(node->end, length);
    for (uint32_t depth = node->start; depth < limit;) {
        const struct prompt_stretch mine = prompt_stretch_at(builder->trace, builder->width, position, depth, limit);
        const struct prompt_stretch other = prompt_stretch_at(builder->trace, builder->width, node->position, depth, limit);
        if (mine.name != other.name)
            return depth;
        depth += (uint32_t)min_u64(mine.length, other.length);
    }
    return limit;
}

/* Cut a node at `depth`; returns the new upper half, in its place under the parent. */
static uint32_t split(struct builder *builder, uint32_t node, uint32_t depth)
{
    struct prompt_node *lower = &builder->tree->nodes[node];
    const uint32_t position = lower->position, parent = lower->parent;
    const uint64_t first = name_at(builder, position, lower->start, lower->end), next = name_at(builder, position, depth, lower->end);
    const uint32_t upper = add_node(builder, parent, lower->start, depth, position);
    *find_slot(builder, parent, first) = (struct child_slot){.name = first, .parent = parent, .node = upper};
    lower->parent = upper;
    lower->start = depth;
    *find_slot(builder, upper, next) = (struct child_slot){.name = next, .parent = upper, .node = node};
    return upper;
}

/* From a node that the text runs through: follow the tree as far as it knows the text, then add the rest, up to `length` tokens, as one
 * node. Returns the node at whose end that is. */
static uint32_t insert(struct builder *builder, uint32_t position, uint32_t node, uint32_t length)
{
    struct prompt_tree *tree = builder->tree;
    for (uint32_t depth; (depth = tree->nodes[node].end) < length;) {
        const uint64_t name = name_at(builder, position, depth, length);
        struct child_slot *slot = find_slot(builder, node, name);
        if (slot->node == EMPTY_SLOT) {
            const uint32_t child = add_node(builder, node, depth, length, position);
            *slot = (struct child_slot){.name = name, .parent = node, .node = child};
            return child;
        }
        const uint32_t child = slot->node, agreed = agreement(builder, &tree->nodes[child], position, length);
        node = agreed < tree->nodes[child].end ? split(builder, child, agreed) : child;
    }
    return node;
}

/* All is allocated before the first prompt: two nodes for each end of a prompt or of a text, and the root, are the most there can be, so
 * numbers and pointers of nodes stay valid while the tree grows. */
static enum status make_room(struct builder *builder, bool answers, struct diag *diag)
{
    struct prompt_tree *tree = builder->tree;
    const uint32_t prompts = builder->trace->count;
    size_t ends = prompts;
    for (uint32_t position = 0; position < prompts; position++)
        ends += prompt_text_tokens(builder->trace, builder->width, position, answers) > builder->trace->input_tokens[position];
    uint64_t slots = 16;
    while (slots < 4 * (2 * ends + 1)) /* a quarter full keeps probes short */
        slots *= 2;
    const struct array_request arrays[] = {ARRAY_OF(tree->nodes, 2 * ends + 1), ARRAY_OF(tree->leaf, prompts),
                                           ARRAY_OF(tree->text, prompts), ARRAY_OF(builder->slots, slots)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the tree of prompts", diag);
    builder->mask = slots - 1;
    for (uint64_t i = 0; i < slots && status == SIM_OK; i++)
        builder->slots[i].node = EMPTY_SLOT;
    return status;
}

/* Nodes remember one of the texts that run through them (`position`), and so no node has to keep a copy of names. */
enum status prompt_tree_build(const struct trace *trace, uint32_t trace_block_tokens, bool answers, struct prompt_tree *out,
                              struct diag *diag)
{
    struct prompt_tree tree = {.prompts = trace->count};
    struct builder builder = {.trace = trace, .width = trace_block_tokens, .tree = &tree};
    enum status status = make_room(&builder, answers, diag);
    tree.count = 1; /* the root */
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const uint64_t text = prompt_text_tokens(trace, trace_block_tokens, position, answers);
        tree.leaf[position] = insert(&builder, position, PROMPT_ROOT, trace->input_tokens[position]);
        tree.text[position] = insert(&builder, position, tree.leaf[position], (uint32_t)text);
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
    free(tree->text);
    *tree = (struct prompt_tree){0};
}

void prompt_tree_warm_up(struct prompt_tree *tree, uint32_t prompts)
{
    for (; tree->warmup < prompts; tree->warmup++)
        tree->prompt_tokens -= tree->nodes[tree->leaf[tree->warmup]].end;
}

/* Both texts have the same tokens (start, end], by what the readable scheduler says of each token. */
static bool same_tokens(const struct trace *trace, uint32_t width, uint32_t a, uint32_t b, uint32_t start, uint32_t end)
{
    for (uint32_t token = start; token < end && a != b; token++)
        if (content_token(trace, width, a, 0, NULL, token) != content_token(trace, width, b, 0, NULL, token))
            return false;
    return true;
}

/* For tests. A node's tokens are those of the text that it remembers; each text through it must have them, and so must its prompt's leaf
 * lie on the way. */
bool prompt_tree_check(const struct prompt_tree *tree, const struct trace *trace, uint32_t trace_block_tokens)
{
    for (uint32_t i = 1; i < tree->count; i++) {
        const struct prompt_node *node = &tree->nodes[i];
        if (node->start >= node->end || node->parent >= tree->count || tree->nodes[node->parent].end != node->start)
            return false;
    }
    for (uint32_t position = 0; position < tree->prompts; position++) {
        bool passed = false;
        if (tree->nodes[tree->leaf[position]].end != trace->input_tokens[position])
            return false;
        for (uint32_t i = tree->text[position]; i != PROMPT_ROOT; i = tree->nodes[i].parent) {
            passed = passed || i == tree->leaf[position];
            if (!same_tokens(trace, trace_block_tokens, position, tree->nodes[i].position, tree->nodes[i].start, tree->nodes[i].end))
                return false;
        }
        if (!passed)
            return false;
    }
    return true;
}
