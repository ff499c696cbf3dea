/* eviction_order.c - a heap of free blocks by the policy's key, with a place for each block so that a hit can take it out of the middle.
 * Nothing here runs under vLLM's own order, which is the queue of core/block_pool.c. */
#include "vllm_v1/eviction_order.h"

#include <stdlib.h>

#include "base/array.h"

#define NOWHERE UINT32_MAX
#define WHAT    "the order of eviction"

/* A policy without a key is vLLM's own order: `policy` stays NULL and every function below returns at once. */
enum status eviction_order_init(struct eviction_order *order, const struct config *config, uint32_t members, struct diag *diag)
{
    const struct pagesim_eviction_policy *policy = policy_find_eviction(config->eviction_policy);
    const struct pagesim_eviction_setup setup = {.block_size = config->block_size,
                                                 .tail_tokens = config->tail_tokens,
                                                 .tail_next_tokens = config->tail_next_tokens,
                                                 .reuse_window_ns = (int64_t)(config->reuse_window_s * 1e9)};
    *order = (struct eviction_order){0};
    if (!policy)
        return diag_set(diag, SIM_BAD_INPUT, "there is no eviction_policy \"%s\"", config->eviction_policy);
    if (!policy->key)
        return SIM_OK;
    if (policy->create && !policy->create(&setup, &order->self))
        return diag_set(diag, SIM_FAILED, "out of memory for the state of eviction_policy \"%s\"", config->eviction_policy);
    order->policy = policy;
    enum status status = eviction_order_expect(order, members, diag);
    if (status != SIM_OK)
        eviction_order_deinit(order);
    return status;
}

void eviction_order_deinit(struct eviction_order *order)
{
    if (order->policy && order->policy->destroy)
        order->policy->destroy(order->self);
    for (int class = 0; class < PAGESIM_EVICTION_CLASSES; class ++)
        free(order->heaps[class].items);
    free(order->members);
    *order = (struct eviction_order){0};
}

/* Any of the free ones may be of any class. */
static enum status expect_heaps(struct eviction_order *order, uint32_t members, struct diag *diag)
{
    const int classes = order->policy->worth ? PAGESIM_EVICTION_CLASSES : 1;
    enum status status = SIM_OK;
    for (int class = 0; class < classes && status == SIM_OK; class ++)
        status = array_reserve(&order->heaps[class].items, &order->heaps[class].capacity, members, sizeof(uint32_t), WHAT, diag);
    return status;
}

enum status eviction_order_expect(struct eviction_order *order, uint32_t members, struct diag *diag)
{
    if (!order->policy || members <= order->member_count)
        return SIM_OK;
    enum status status = array_reserve(&order->members, &order->members_capacity, members, sizeof *order->members, WHAT, diag);
    if (status == SIM_OK)
        status = expect_heaps(order, members, diag);
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
static void put(struct eviction_order *order, struct eviction_heap *heap, uint32_t at, uint32_t member)
{
    heap->items[at] = member;
    order->members[member].at = at;
}

/* Both sifts move a hole and write the member once, at its place. */
static void sift_up(struct eviction_order *order, struct eviction_heap *heap, uint32_t at, uint32_t member)
{
    for (; at > 0 && sooner(order, member, heap->items[(at - 1) / 2]); at = (at - 1) / 2)
        put(order, heap, at, heap->items[(at - 1) / 2]);
    put(order, heap, at, member);
}

static void sift_down(struct eviction_order *order, struct eviction_heap *heap, uint32_t at, uint32_t member)
{
    for (uint32_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && sooner(order, heap->items[child + 1], heap->items[child]))
            child++;
        if (!sooner(order, heap->items[child], member))
            break;
        put(order, heap, at, heap->items[child]);
    }
    put(order, heap, at, member);
}

/* The class is the policy's only if it compares classes; what the plain scheduler notes for all is 0 then. */
static struct eviction_heap *heap_of(struct eviction_order *order, uint32_t member)
{
    return &order->heaps[order->members[member].facts.request_class];
}

/* The last member fills the hole, and may belong further up or further down. */
void eviction_order_leave(struct eviction_order *order, uint32_t member)
{
    if (!order->policy || order->members[member].at == NOWHERE)
        return;
    struct eviction_heap *heap = heap_of(order, member);
    uint32_t hole = order->members[member].at, moved = heap->items[--heap->count];
    order->count--;
    order->members[member].at = NOWHERE;
    if (moved == member)
        return;
    if (hole > 0 && sooner(order, moved, heap->items[(hole - 1) / 2]))
        sift_up(order, heap, hole, moved);
    else
        sift_down(order, heap, hole, moved);
}

/* A hit makes the member used: it leaves the heap until it is free again. Its count of hits goes on; what it was as part of another table
 * (depth) does not. */
void eviction_order_hit(struct eviction_order *order, uint32_t member, uint32_t depth, uint64_t admission)
{
    if (!order->policy)
        return;
    eviction_order_leave(order, member);
    struct pagesim_policy_block *facts = &order->members[member].facts;
    if (order->policy->touched)
        order->policy->touched(order->self, facts, order->request_class, order->now_ns);
    *facts = (struct pagesim_policy_block){
        .touched = admission, .hits = facts->hits + 1, .depth = depth, .request_class = order->request_class, .touched_ns = order->now_ns};
}

/* The key is asked for once, here. Keys that changed while a block waits would break the heap, and nothing that a key may depend on
 * changes while nobody uses the block. */
void eviction_order_free(struct eviction_order *order, uint32_t member)
{
    if (!order->policy)
        return;
    struct eviction_heap *heap = heap_of(order, member);
    order->members[member].facts.freed = ++order->releases;
    order->members[member].facts.table_blocks = order->table_blocks;
    order->members[member].key = order->policy->key(order->self, &order->members[member].facts);
    order->count++;
    sift_up(order, heap, heap->count++, member);
}

/* Of the first of each class the one that is worth least; equal ones: of the lowest class. */
uint32_t eviction_order_first(const struct eviction_order *order)
{
    uint32_t first = UINT32_MAX;
    double least = 0;
    if (!order->policy->worth)
        return order->heaps[0].items[0];
    for (int class = 0; class < PAGESIM_EVICTION_CLASSES; class ++) {
        if (order->heaps[class].count == 0)
            continue;
        const uint32_t member = order->heaps[class].items[0];
        const double worth = order->policy->worth(order->self, &order->members[member].facts, order->now_ns);
        if (first == UINT32_MAX || worth < least) {
            first = member;
            least = worth;
        }
    }
    return first;
}

uint32_t eviction_order_take(struct eviction_order *order)
{
    uint32_t first = eviction_order_first(order);
    eviction_order_leave(order, first);
    return first;
}

/* Each member knows its place, no child goes before its parent, and nobody outside the heap believes to be in it. */
bool eviction_order_check(const struct eviction_order *order)
{
    uint32_t placed = 0;
    for (int class = 0; class < PAGESIM_EVICTION_CLASSES; class ++) {
        const uint32_t *items = order->heaps[class].items;
        for (uint32_t at = 0; at < order->heaps[class].count; at++)
            if (order->members[items[at]].at != at || (at > 0 && sooner(order, items[at], items[(at - 1) / 2])))
                return false;
    }
    for (uint32_t member = 0; member < order->member_count; member++)
        placed += order->members[member].at != NOWHERE;
    return placed == order->count;
}
