/* stack_distance.c - the stack as a Fenwick tree over times of the last touch. Read lru_stack_touch first; renumber starts time anew.
 *
 *     time      1  2  3  4  5  6  7 (now)         the stack is read from the right: a on top, then c, b, d
 *     item_at   d  -  b  -  c  -  a               "-": its item was touched again later
 *     weight    1  .  3  .  2  .  1               distance of b = weights after time 3 = 2 + 1
 *
 * A list would have to be walked from the top to find a distance, which costs as much as the distance is deep; the tree sums a prefix of
 * times in O(log times). Nothing ever leaves the stack: what a real cache has evicted just lies deeper than its size. */
#include "study/stack_distance.h"

#include <stdlib.h>

#include "base/array.h"

/* So that a stack of very few items does not renumber at every other touch. */
enum { SPARE_TIMES = 64 };
#define NOBODY UINT32_MAX

struct lru_stack {
    const uint32_t *weights;
    uint32_t items;
    uint64_t *time_of; /* by item; 0: not in the stack */
    uint32_t *item_at; /* [capacity + 1] */
    uint64_t *tree;    /* [capacity + 1]: node t sums the weights of times (t - lowest bit of t, t] */
    uint64_t now, capacity, weight;
};

enum status lru_stack_create(uint32_t items, const uint32_t *weights, struct lru_stack **out, struct diag *diag)
{
    struct lru_stack *stack;
    enum status status = array_zeroed(&stack, 1, sizeof *stack, "an LRU stack", diag);
    if (status != SIM_OK)
        return status;
    /* Twice as many times as items: renumbering costs O(items) and happens once in so many touches. */
    stack->capacity = 2 * (uint64_t)items + SPARE_TIMES;
    stack->weights = weights;
    stack->items = items;
    const struct array_request arrays[] = {ARRAY_OF(stack->time_of, items), ARRAY_OF(stack->item_at, stack->capacity + 1),
                                           ARRAY_OF(stack->tree, stack->capacity + 1)};
    status = array_zeroed_all(arrays, 3, "an LRU stack", diag);
    if (status == SIM_OK)
        *out = stack;
    else
        lru_stack_destroy(stack);
    return status;
}

void lru_stack_destroy(struct lru_stack *stack)
{
    if (!stack)
        return;
    free(stack->time_of);
    free(stack->item_at);
    free(stack->tree);
    free(stack);
}

/* Fenwick's step: node t of the tree covers as many times as the lowest bit of t says, so adding it leads to the node above, subtracting
 * it to the one before. */
static uint64_t lowest_bit(uint64_t time)
{
    return time & (~time + 1);
}

/* The weights of all times up to this one: of everything that was touched last at that time or before, in O(log capacity). */
static uint64_t sum_up_to(const struct lru_stack *stack, uint64_t time)
{
    uint64_t sum = 0;
    for (; time > 0; time -= lowest_bit(time))
        sum += stack->tree[time];
    return sum;
}

/* Unsigned arithmetic wraps, so a negative change is its complement. */
static void add_at(struct lru_stack *stack, uint64_t time, uint64_t change)
{
    for (; time <= stack->capacity; time += lowest_bit(time))
        stack->tree[time] += change;
}

/* Close the gaps that moved items left: the order stays, times start from 1 again. The tree is built in one pass, each node handing its
 * sum on to the one above it. O(capacity). At most `items` times are in use afterwards, so at least items + SPARE_TIMES touches pass
 * before the next time: O(1) a touch on average. */
static void renumber(struct lru_stack *stack)
{
    uint64_t used = 0;
    for (uint64_t time = 1; time <= stack->now; time++) {
        uint32_t item = stack->item_at[time];
        if (item == NOBODY)
            continue;
        stack->item_at[++used] = item;
        stack->time_of[item] = used;
    }
    stack->now = used;
    for (uint64_t time = 1; time <= stack->capacity; time++)
        stack->tree[time] = time <= used ? stack->weights[stack->item_at[time]] : 0;
    for (uint64_t time = 1; time <= stack->capacity; time++) {
        uint64_t above = time + lowest_bit(time);
        if (above <= stack->capacity)
            stack->tree[above] += stack->tree[time];
    }
}

/* The distance is all weight minus what was touched at the item's time or before, the item itself included. Renumbering comes first,
 * because it changes time_of. An item that is on top already keeps its time: hits on the same block in a row use up none. */
uint64_t lru_stack_touch(struct lru_stack *stack, uint32_t item)
{
    uint64_t distance = STACK_NEVER, weight = stack->weights[item];
    if (stack->now == stack->capacity)
        renumber(stack);
    uint64_t before = stack->time_of[item];
    if (before > 0) {
        distance = stack->weight - sum_up_to(stack, before);
        if (before == stack->now)
            return distance; /* on top already */
        stack->item_at[before] = NOBODY;
        add_at(stack, before, ~weight + 1);
    } else {
        stack->weight += weight;
    }
    stack->time_of[item] = ++stack->now;
    stack->item_at[stack->now] = item;
    add_at(stack, stack->now, weight);
    return distance;
}

uint64_t lru_stack_weight(const struct lru_stack *stack)
{
    return stack->weight;
}

/* Times and items must name each other, and every prefix sum must be that of a plain loop: a wrong node anywhere in the tree shows in
 * some prefix. */
bool lru_stack_check(const struct lru_stack *stack)
{
    uint64_t present = 0, sum = 0;
    for (uint32_t item = 0; item < stack->items; item++) {
        uint64_t time = stack->time_of[item];
        if (time > stack->now || (time > 0 && stack->item_at[time] != item))
            return false;
        present += time > 0;
    }
    for (uint64_t time = 1; time <= stack->now; time++) {
        if (stack->item_at[time] != NOBODY) {
            sum += stack->weights[stack->item_at[time]];
            present--;
        }
        if (sum_up_to(stack, time) != sum)
            return false;
    }
    return present == 0 && sum == stack->weight;
}
