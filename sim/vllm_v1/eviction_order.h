/* eviction_order.h - what is evicted next, when eviction_policy is not vLLM's: facts of each block, and a heap of the free ones.
 *
 * Both engines use it. For the plain scheduler a member is a block; for the event replay it is a segment, whose blocks were all touched
 * together. Policies that ask for nothing but touches (`touches_only`) cannot tell the difference.
 *
 * The block pool's queue stays what it is, with all free blocks in it; the heap says which of those with content goes first:
 *
 *   pool queue   [ free without content ][ free, cached, in the order they were released ]
 *                  taken from the head     taken in the order of the heap, out of the middle
 *   heap         members by (key, touched, deeper first, number);  each knows its place, so that a hit takes it out in O(log n)
 *
 * Keys are asked for when a member becomes free and stay while it is free: nothing touches a free block but a hit, which takes it out. A policy
 * with `worth` has such a heap for each class of requests, and compares the first ones whenever something is evicted.
 */
#ifndef PAGESIM_EVICTION_ORDER_H
#define PAGESIM_EVICTION_ORDER_H

#include "config/config.h"
#include "policy/policy.h"

struct eviction_member {
    struct pagesim_policy_block facts;
    uint64_t key; /* while it is free */
    uint32_t at;  /* its place in the heap; UINT32_MAX: not in it */
};

struct eviction_heap {
    uint32_t *items;
    size_t capacity;
    uint32_t count;
};

struct eviction_order {
    const struct pagesim_eviction_policy *policy; /* NULL: vLLM's queue; nothing below is used */
    void *self;                                   /* the policy's */
    struct eviction_member *members;              /* by block or segment */
    size_t members_capacity;
    struct eviction_heap
        heaps[PAGESIM_EVICTION_CLASSES]; /* by class of requests; all in the first if the policy does not tell them apart */
    uint32_t count, member_count;
    uint64_t admissions, releases; /* counted so far */
    /* Of the request that touches or releases now. Set by the plain scheduler alone: policies of the event replay do not look. */
    int64_t now_ns;
    uint32_t request_class, table_blocks;
};

/* config->eviction_policy. Its key NULL: nothing is allocated. SIM_BAD_INPUT: unknown name. */
SIM_NODISCARD enum status eviction_order_init(struct eviction_order *order, const struct config *config, uint32_t members,
                                              struct diag *diag);
void eviction_order_deinit(struct eviction_order *order);

/* All that follows does nothing under vLLM's order, but for the two that name what goes first. */
/* Room for so many members. */
SIM_NODISCARD enum status eviction_order_expect(struct eviction_order *order, uint32_t members, struct diag *diag);

/* `admission` is the number of the request's admission, counted by the caller from order->admissions. */
/* A request hits the member, as number `depth` of its table; it may be free. */
void eviction_order_hit(struct eviction_order *order, uint32_t member, uint32_t depth, uint64_t admission);
/* A request takes the member for new content, which is a new block to the policy: no hits yet. It is in no heap: it left it when it was
 * given out, or had no content. */
static inline void eviction_order_fill(struct eviction_order *order, uint32_t member, uint32_t depth, uint64_t admission)
{
    if (!order->policy)
        return;
    order->members[member].facts = (struct pagesim_policy_block){
        .touched = admission, .depth = depth, .request_class = order->request_class, .touched_ns = order->now_ns};
    if (order->policy->touched)
        order->policy->touched(order->self, NULL, order->request_class, order->now_ns);
}

/* Member `tail`, which is not free, is what stands `blocks` deeper in `member` from now on; it was touched as that was. The first half
 * stays where it is in the heap: its depth is that of its first block. */
static inline void eviction_order_split(struct eviction_order *order, uint32_t member, uint32_t blocks, uint32_t tail)
{
    if (!order->policy)
        return;
    order->members[tail].facts = order->members[member].facts;
    order->members[tail].facts.depth += blocks;
}

/* The member is free now and its content can be found. */
void eviction_order_free(struct eviction_order *order, uint32_t member);
/* It is not any more: out of the heap, if it is there. */
void eviction_order_leave(struct eviction_order *order, uint32_t member);

/* What goes first. Somebody must be free. */
uint32_t eviction_order_first(const struct eviction_order *order);
/* The same, and it leaves the heap. */
uint32_t eviction_order_take(struct eviction_order *order);

bool eviction_order_check(const struct eviction_order *order);

#endif
