/* stack_distance.c - the stack as a Fenwick tree over times of the last touch: times run from 1 to capacity; item_at[t] is who was touched last
 * at t. Read lru_stack_touch first; renumber starts time anew.
 */
#include "study/stack_distance.h"

#include <stdlib.h>

#include "base/array.h"

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

static uint64_t lowest_bit(uint64_t time)
{
    return time & (~time + 1);
}

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

/* Close the gaps that moved items left: the order stays, times start from 1 again. */
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
