/* eviction_order.c - a heap of free blocks by the policy's key, with a place for each block so that a hit can take it out of the middle.
 * Nothing here runs under vLLM's own order, which is the queue of core/block_pool.c. */
#include "vllm_v1/eviction_order.h"

#include <stdlib.h>

#include "base/array.h"

#define NOWHERE UINT32_MAX
#define WHAT    "the order of eviction"

/* A policy without a key is vLLM's own order: `policy` stays NULL and every function below returns at once. */
enum status eviction_order_init(struct eviction_order *order, const struct pagesim_eviction_policy *policy, uint32_t members,
                                struct diag *diag)
{
    *order = (struct eviction_order){0};
    if (!policy->key)
        return SIM_OK;
    order->policy = policy;
    enum status status = eviction_order_expect(order, members, diag);
    if (status != SIM_OK)
        eviction_order_deinit(order);
    return status;
}

void eviction_order_deinit(struct eviction_order *order)
{
    free(order->members);
    free(order->heap);
    *order = (struct eviction_order){0};
}

enum status eviction_order_expect(struct eviction_order *order, uint32_t members, struct diag *diag)
{
    if (!order->policy || members <= order->member_count)
        return SIM_OK;
    enum status status = array_reserve(&order->members, &order->members_capacity, members, sizeof *order->members, WHAT, diag);
    if (status == SIM_OK)
        status = array_reserve(&order->heap, &order->heap_capacity, members, sizeof *order->heap, WHAT, diag);
    for (; status == SIM_OK && order->member_count < members; order->member_count++)
        order->members[order->member_count] = (struct eviction_member){.at = NOWHERE};
    return status;
}

/* Ties go to the block touched longest ago, then to the deepest one, as vLLM's queue has it. */
static bool sooner(const struct eviction_order *order, uint32_t a, uint32_t b)
{
    const struct eviction_member *left = &order->members[a], *right = &order->members[b];
    if (left->key != right->key)
        return left->key < right->key;
    if (left->facts.touched != right->facts.touched)
        return left->facts.touched < right->facts.touched;
    return left->facts.depth != right->facts.depth ? left->facts.depth > right->facts.depth : a < b;
}

/* The only place that moves a member, so heap and `at` always agree. */
static void put(struct eviction_order *order, uint32_t at, uint32_t member)
{
    order->heap[at] = member;
    order->members[member].at = at;
}

/* Both sifts move a hole and write the member once, at its place. */
static void sift_up(struct eviction_order *order, uint32_t at, uint32_t member)
{
    for (; at > 0 && sooner(order, member, order->heap[(at - 1) / 2]); at = (at - 1) / 2)
        put(order, at, order->heap[(at - 1) / 2]);
    put(order, at, member);
}

static void sift_down(struct eviction_order *order, uint32_t at, uint32_t member)
{
    for (uint32_t child; (child = 2 * at + 1) < order->count; at = child) {
        if (child + 1 < order->count && sooner(order, order->heap[child + 1], order->heap[child]))
            child++;
        if (!sooner(order, order->heap[child], member))
            break;
        put(order, at, order->heap[child]);
    }
    put(order, at, member);
}

/* The last member fills the hole, and may belong further up or further down. */
void eviction_order_leave(struct eviction_order *order, uint32_t member)
{
    if (!order->policy || order->members[member].at == NOWHERE)
        return;
    uint32_t hole = order->members[member].at, moved = order->heap[--order->count];
    order->members[member].at = NOWHERE;
    if (moved == member)
        return;
    if (hole > 0 && sooner(order, moved, order->heap[(hole - 1) / 2]))
        sift_up(order, hole, moved);
    else
        sift_down(order, hole, moved);
}

/* A hit makes the member used: it leaves the heap until it is free again. Its count of hits goes on; what it was as part of another table
 * (depth) does not. */
void eviction_order_hit(struct eviction_order *order, uint32_t member, uint32_t depth, uint64_t admission)
{
    if (!order->policy)
        return;
    eviction_order_leave(order, member);
    struct pagesim_policy_block *facts = &order->members[member].facts;
    *facts = (struct pagesim_policy_block){.touched = admission, .hits = facts->hits + 1, .depth = depth};
}

/* The key is asked for once, here. Keys that changed while a block waits would break the heap, and nothing that a key may depend on
 * changes while nobody uses the block. */
void eviction_order_free(struct eviction_order *order, uint32_t member)
{
    if (!order->policy)
        return;
    order->members[member].facts.freed = ++order->releases;
    order->members[member].key = order->policy->key(&order->members[member].facts);
    sift_up(order, order->count++, member);
}

uint32_t eviction_order_take(struct eviction_order *order)
{
    uint32_t first = order->heap[0];
    eviction_order_leave(order, first);
    return first;
}

/* Each member knows its place, no child goes before its parent, and nobody outside the heap believes to be in it. */
bool eviction_order_check(const struct eviction_order *order)
{
    uint32_t placed = 0;
    for (uint32_t at = 0; at < order->count; at++)
        if (order->members[order->heap[at]].at != at || (at > 0 && sooner(order, order->heap[at], order->heap[(at - 1) / 2])))
            return false;
    for (uint32_t member = 0; member < order->member_count; member++)
        placed += order->members[member].at != NOWHERE;
    return placed == order->count;
}
