/* eviction_order.h - which cached block is taken next, when eviction_policy is not vLLM's: facts of each block, and a heap of the free
 * ones.
 *
 * The block pool's queue stays what it is, with all free blocks in it; the heap says which of those with content goes first:
 *
 *   pool queue   [ free without content ][ free, cached, in the order they were released ]
 *                  taken from the head     taken in the order of the heap, out of the middle
 *   heap         block ids by (key, touched, deeper first, id);  at[block] = its place, so that a hit takes it out in O(log n)
 *
 * Keys are asked for when a block becomes free and stay while it is free: nothing touches a free block but a hit, which takes it out.
 */
#ifndef PAGESIM_EVICTION_ORDER_H
#define PAGESIM_EVICTION_ORDER_H

#include "policy/policy.h"

struct eviction_order {
    const struct pagesim_eviction_policy *policy; /* NULL: vLLM's queue; nothing below is used */
    struct pagesim_policy_block *facts;           /* by block */
    uint64_t *keys;                               /* by block, while it is free */
    uint32_t *heap, *at;                          /* at[block] == UINT32_MAX: not in it */
    uint32_t count, num_blocks;
    uint64_t admissions, releases; /* counted so far */
};

/* `policy` as found by name. Its key NULL: nothing is allocated. */
SIM_NODISCARD enum status eviction_order_init(struct eviction_order *order, const struct pagesim_eviction_policy *policy,
                                              uint32_t num_blocks, struct diag *diag);
void eviction_order_deinit(struct eviction_order *order);

/* The next four do nothing under vLLM's order. `admission` is the number of the request's admission, counted by the caller from
 * order->admissions. */
/* A request hits the block, as number `depth` of its table; it may be free. */
void eviction_order_hit(struct eviction_order *order, uint32_t block, uint32_t depth, uint64_t admission);
/* A request takes the block for new content. */
void eviction_order_fill(struct eviction_order *order, uint32_t block, uint32_t depth, uint64_t admission);
/* The block is free now and its content can be found. */
void eviction_order_free(struct eviction_order *order, uint32_t block);
/* Take the block that goes first out of the heap, which must not be empty. */
uint32_t eviction_order_take(struct eviction_order *order);

bool eviction_order_check(const struct eviction_order *order);

#endif
