/* hit_curve.h - the prefix-hit curve: how much of all prompts a cache of P blocks would have held, exactly, for every P at once.
 *
 * The model is plain LRU over the prompts' blocks, one request after the other in order of arrival: first the leading run of the request's
 * blocks that are present is the hit; then all its blocks are touched or inserted from last to first, so that block 0 is the most recent;
 * the least recent are evicted. A partial last block is a block; it is the same block for another prompt only if that ends there too.
 * Hits in tokens are min(B * blocks hit, prompt tokens).
 *
 * Why one pass over an LRU stack (stack_distance.h) tells all P. What is in a cache of P blocks is the top P of the stack, whatever P is;
 * touching a block that was evicted a moment ago is the same as touching one that is there. And the hit must be a leading run, so block k
 * counts only if blocks 0 .. k-1 are there too, that is if P reaches the deepest of them. That is always block k itself: a block is
 * identified by all tokens before its end, so whoever touches block k touches blocks k-1 .. 0 of the same prefix right after it, and they
 * lie above it in the stack. Distances grow along a prompt, the leading run ends where they exceed P, and inclusion holds.
 *
 * All blocks of a stretch of the prompt tree (prompt_tree.h) are touched by the same requests, so they lie together in the stack: the pass
 * moves stretches, weighted with their number of blocks, and its cost does not depend on the block size.
 *
 * Where later prompts can begin with a request's answer (sessions without ids, ids that name answers), its full blocks are touched with the
 * prompt, before it: the cache has them when the next turn comes.
 *
 * Prompts of the tree's warm-up go through the stack like all others; their hits are not counted, and they are no part of any total.
 *
 * The curve is kept as the corners of a piecewise linear function; between two corners hits grow by the same amount a block.
 */
#ifndef PAGESIM_HIT_CURVE_H
#define PAGESIM_HIT_CURVE_H

#include <stddef.h>

#include "study/prompt_tree.h"

struct curve_point {
    uint64_t pool_blocks, hit_blocks, hit_tokens;
};

struct hit_curve {
    uint32_t block_size;
    uint64_t references;        /* blocks of all prompts that are counted, partial ones included */
    uint64_t distinct;          /* those that no text had before: missed once whatever the pool (compulsory misses) */
    uint64_t prompt_tokens;     /* of all prompts that are counted */
    struct curve_point *points; /* corners: pool_blocks rises from 0; the last is the smallest pool that loses nothing */
    size_t count, capacity;
};

/* Variations of the model, each closer to what a scheduler of vLLM can hit. */
enum hit_rules {
    HITS_PLAIN,       /* as above */
    HITS_FULL_BLOCKS, /* partial last blocks are never cached */
    HITS_LAST_TOKEN,  /* and at least one token of a prompt is computed: a prompt that is cached whole gives up its last block */
};

/* O(stretches on all paths * log). The caller ends *out with hit_curve_free. */
SIM_NODISCARD enum status hit_curve_make(const struct prompt_tree *tree, uint32_t block_size, enum hit_rules rules, struct hit_curve *out,
                                         struct diag *diag);
void hit_curve_free(struct hit_curve *curve);

/* The curve at one pool size. O(log corners). */
struct curve_point hit_curve_at(const struct hit_curve *curve, uint64_t pool_blocks);
/* The smallest pool that hits at least `share` (0..1) of the tokens that an infinite pool hits; 0 when nothing is ever hit. */
uint64_t hit_curve_pool_for(const struct hit_curve *curve, double share);
/* The last corner: all that can be hit. */
struct curve_point hit_curve_most(const struct hit_curve *curve);

/* Something that a scheduler did, in its order. */
struct cache_use {
    uint32_t position;
    bool ends; /* false: admitted, which looks the prompt up; true: finished, which leaves all its blocks most recent */
};

/* Tokens hit in a cache of `pool_blocks` with HITS_LAST_TOKEN, when prompts are looked up and touched in the order of their admissions.
 * `touch_ends`: the end of a request touches its prompt again, after its output: (input + output - 1) / B - input / B more blocks for
 * each of `samples` (NULL: 1), which nobody else has but for what the tree has of the answer. */
SIM_NODISCARD enum status hit_tokens_in_order(const struct prompt_tree *tree, const struct trace *trace, uint32_t block_size,
                                              const struct cache_use *uses, size_t count, bool touch_ends, uint64_t pool_blocks,
                                              uint64_t *hit_tokens, struct diag *diag);

#endif
