/* eviction_curves.h - what other orders of eviction than LRU would hit in a cache of P blocks: first in, first out, and the best that there is.
 *
 * The model is that of hit_curve.h with HITS_PLAIN: one request after the other in order of arrival; first the leading run of its prompt's
 * blocks that are present is the hit, then all blocks of prompt and answer are put in. What requests that still run hold
 * is not pinned, as in the LRU curve, so a scheduler can be below all of them.
 *
 *   fifo      the block that was put in first goes first; a hit changes nothing. A prompt's blocks are put in from first to last, as they
 *             are computed, so that its beginning goes first and takes the use of all others with it
 *   optimal   knows all that will come: the block that is looked up again last goes first, the deeper one of a prompt's; what is never
 *             looked up again is not kept at all. No order hits more blocks (Belady, "A study of replacement algorithms for a
 *             virtual-storage computer", IBM Systems Journal 5(2), 1966). That hits must be a leading run costs nothing: who looks up block
 *             k looks up all before it, so these are never needed later than it and never go before it.
 *
 * Neither has LRU's inclusion for all pools at once (FIFO has none), so each pool is a simulation of its own. All blocks of a stretch of the
 * prompt tree come and go together but for the one that is cut, so the cost does not depend on the block size.
 */
#ifndef PAGESIM_EVICTION_CURVES_H
#define PAGESIM_EVICTION_CURVES_H

#include "study/hit_curve.h"

enum eviction { EVICTION_FIFO, EVICTION_OPTIMAL, EVICTIONS };
extern const char *const eviction_titles[EVICTIONS]; /* "FIFO", "optimal" */

#define PROMPT_NEVER UINT32_MAX

/* All prompts of a trace as stretches of blocks, in the order in which they are put in, and who looks each up next. Immutable once made;
 * any number of threads. */
struct prompt_uses {
    const struct prompt_tree *tree;
    uint32_t block_size;
    uint32_t *weights; /* by item: blocks. Items as in hit_curve.c: node i, and nodes + i for the partial block after it */
    uint32_t *depths;  /* by item: larger for what lies deeper in a prompt */
    size_t *starts;    /* by position, and one more: its uses */
    struct prompt_use {
        uint32_t item;
        uint32_t next;  /* position of the next request that touches it, if that one looks it up; else PROMPT_NEVER */
        bool looked_up; /* part of the prompt, not of the answer */
    } * list;
};

/* Borrows the tree. End it with prompt_uses_deinit in any case. */
SIM_NODISCARD enum status prompt_uses_init(struct prompt_uses *uses, const struct prompt_tree *tree, uint32_t block_size,
                                           struct diag *diag);
void prompt_uses_deinit(struct prompt_uses *uses);

/* What a cache of `pool_blocks` hits. O(uses), optimal O(uses * log items). */
SIM_NODISCARD enum status eviction_hits(const struct prompt_uses *uses, enum eviction eviction, uint64_t pool_blocks,
                                        struct curve_point *out, struct diag *diag);

#endif
