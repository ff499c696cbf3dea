/* prompt_tree.h - all prompts of a trace as one radix tree over tokens: who shares how much with whom, at any granularity.
 *
 * A node is a stretch of tokens (start, end] that the same set of prompts has, with the same tokens before it: the tree branches where
 * prompts part and is cut where one of them ends. So the identity "all tokens up to depth e" is a point on the tree, and two prompts share
 * the KV block that ends at e exactly when their paths agree that far. This holds for every block size, also one that does not divide the
 * trace block size: node (start, end] holds floor(end / B) - floor(start / B) blocks of B tokens, and all of them share one fate.
 *
 *     A  |======== X ========|== Y ==|         node 1: X  (0, 1024]    A, B, C
 *     B  |======== X ========|=Z=|             node 2: Y  (1024, 1536] A
 *     C  |======== X ========|=Z=|--W--|       node 3: Z  (1024, 1200] B, C      node 4: W (1200, 1900] C
 *
 * Contents are the trace's (engine/prompt_contents.h). Where later prompts may begin with what a request answered, the answer is in the
 * tree as well, below the prompt: together they are the request's text. At most two nodes for each end of a prompt or of a text; building
 * costs O(hash ids). Immutable afterwards, share freely.
 */
#ifndef PAGESIM_PROMPT_TREE_H
#define PAGESIM_PROMPT_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "trace/trace.h"

enum { PROMPT_ROOT = 0 };

struct prompt_node {
    uint32_t parent;
    uint32_t start, end; /* tokens (start, end] of each prompt through it; the root is (0, 0] */
    uint32_t position;   /* of a prompt that runs through it */
};

struct prompt_tree {
    struct prompt_node *nodes; /* [0] is the root; a child's number may be below its parent's */
    uint32_t count;
    uint32_t *leaf; /* by position: the node at whose end the prompt ends; parents lead to the root */
    uint32_t *text; /* the same for its text; the leaf itself where nobody else can have its answer */
    uint32_t prompts;
    uint32_t warmup;        /* of these, the first ones, which fill caches and are not counted: prompt_tree_warm_up */
    uint64_t prompt_tokens; /* of those that are counted */
};

/* Borrows the trace only while it builds. `answers`: prompt_text_tokens. */
SIM_NODISCARD enum status prompt_tree_build(const struct trace *trace, uint32_t trace_block_tokens, bool answers, struct prompt_tree *out,
                                            struct diag *diag);
void prompt_tree_free(struct prompt_tree *tree);
/* Leave the first prompts, at most all, out of what is counted: their hits and their tokens. */
void prompt_tree_warm_up(struct prompt_tree *tree, uint32_t prompts);

/* The full blocks whose end lies in the node. A block that lies across two nodes belongs to the one that it ends in, whose prompts alone have
 * all of it. */
static inline uint32_t prompt_node_blocks(const struct prompt_node *node, uint32_t block_size)
{
    return node->end / block_size - node->start / block_size;
}

/* Nodes join at their ends, every path sums up to its prompt, texts that a node claims have its tokens. O(tokens). */
bool prompt_tree_check(const struct prompt_tree *tree, const struct trace *trace, uint32_t trace_block_tokens);

#endif
