/* eviction_order.c - a heap of free blocks by the policy's key, with a place for each block so that a hit can take it out of the middle.
 * Nothing here runs under vLLM's own order, which is the queue of core/block_pool.c. */
#include "vllm_v1/eviction_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define NOWHERE UINT32_MAX

/* A policy without a key is vLLM's own order: `policy` stays NULL and every function below returns at once. */
enum status eviction_order_init(struct eviction_order *order, const struct pagesim_eviction_policy *policy, uint32_t num_blocks,
                                struct diag *diag)
{
    *order = (struct eviction_order){.num_blocks = num_blocks};
    if (!policy->key)
        return SIM_OK;
    order->policy = policy;
    const struct array_request arrays[] = {ARRAY_OF(order->facts, num_blocks), ARRAY_OF(order->keys, num_blocks),
                                           ARRAY_OF(order->heap, num_blocks), ARRAY_OF(order->at, num_blocks)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the order of eviction", diag);
    if (status != SIM_OK) {
        eviction_order_deinit(order);
        return status;
    }
    memset(order->at, 0xff, num_blocks * sizeof *order->at); /* everybody is NOWHERE */
    return SIM_OK;
}

void eviction_order_deinit(struct eviction_order *order)
{
    free(order->facts);
    free(order->keys);
    free(order->heap);
    free(order->at);
    *order = (struct eviction_order){0};
}

/* Ties go to the block touched longest ago, then to the deepest one, as vLLM's queue has it. */
static bool sooner(const struct eviction_order *order, uint32_t a, uint32_t b)
{
    const struct pagesim_policy_block *left = &order->facts[a], *right = &order->facts[b];
    if (order->keys[a] != order->keys[b])
        return order->keys[a] < order->keys[b];
    if (left->touched != right->touched)
        return left->touched < right->touched;
    return left->depth != right->depth ? left->depth > right->depth : a < b;
}

/* The only place that moves a block, so heap and `at` always agree. */
static void put(struct eviction_order *order, uint32_t at, uint32_t block)
{
    order->heap[at] = block;
    order->at[block] = at;
}

/* Both sifts move a hole and write the block once, at its place. */
static void sift_up(struct eviction_order *order, uint32_t at, uint32_t block)
{
    for (; at > 0 && sooner(order, block, order->heap[(at - 1) / 2]); at = (at - 1) / 2)
        put(order, at, order->heap[(at - 1) / 2]);
    put(order, at, block);
}

static void sift_down(struct eviction_order *order, uint32_t at, uint32_t block)
{
    for (uint32_t child; (child = 2 * at + 1) < order->count; at = child) {
        if (child + 1 < order->count && sooner(order, order->heap[child + 1], order->heap[child]))
            child++;
        if (!sooner(order, order->heap[child], block))
            break;
        put(order, at, order->heap[child]);
    }
    put(order, at, block);
}

/* The last block fills the hole, and may belong further up or further down. */
static void leave_heap(struct eviction_order *order, uint32_t block)
{
    uint32_t hole = order->at[block], moved = order->heap[--order->count];
    order->at[block] = NOWHERE;
    if (moved == block)
        return;
    if (hole > 0 && sooner(order, moved, order->heap[(hole - 1) / 2]))
        sift_up(order, hole, moved);
    else
        sift_down(order, hole, moved);
}

/* A hit makes the block used: it leaves the heap until it is free again. Its count of hits goes on; what it was as part of another table
 * (depth) does not. */
void eviction_order_hit(struct eviction_order *order, uint32_t block, uint32_t depth, uint64_t admission)
{
    if (!order->policy)
        return;
    if (order->at[block] != NOWHERE)
        leave_heap(order, block);
    struct pagesim_policy_block *facts = &order->facts[block];
    *facts = (struct pagesim_policy_block){.touched = admission, .hits = facts->hits + 1, .depth = depth};
}

/* New content is a new block to the policy: no hits yet, and the admission that brought it. If the heap gave the block out,
 * eviction_order_take removed it; if it had no content, it never was in the heap. */
void eviction_order_fill(struct eviction_order *order, uint32_t block, uint32_t depth, uint64_t admission)
{
    if (order->policy)
        order->facts[block] = (struct pagesim_policy_block){.touched = admission, .depth = depth};
}

/* The key is asked for once, here. Keys that changed while a block waits would break the heap, and nothing that a key may depend on
 * changes while nobody uses the block. */
void eviction_order_free(struct eviction_order *order, uint32_t block)
{
    if (!order->policy)
        return;
    order->facts[block].freed = ++order->releases;
    order->keys[block] = order->policy->key(&order->facts[block]);
    sift_up(order, order->count++, block);
}

uint32_t eviction_order_take(struct eviction_order *order)
{
    uint32_t first = order->heap[0];
    leave_heap(order, first);
    return first;
}

/* Each block knows its place, no child goes before its parent, and nobody outside the heap believes to be in it. */
bool eviction_order_check(const struct eviction_order *order)
{
    uint32_t placed = 0;
    if (!order->policy)
        return true;
    for (uint32_t at = 0; at < order->count; at++)
        if (order->at[order->heap[at]] != at || (at > 0 && sooner(order, order->heap[at], order->heap[(at - 1) / 2])))
            return false;
    for (uint32_t block = 0; block < order->num_blocks; block++)
        placed += order->at[block] != NOWHERE;
    return placed == order->count;
}
