/* test_stack_distance.c - distances are those of a list that is kept in order by hand, also when times run out many times over. */
#include <criterion/criterion.h>
#include <string.h>

#include "study/stack_distance.h"
#include "support/random.h"

enum { ITEMS = 37, TOUCHES = 5000 };

/* The naive stack: a list, top first. */
struct list {
    uint32_t items[ITEMS], count;
};

static uint64_t list_touch(struct list *list, const uint32_t *weights, uint32_t item)
{
    uint64_t above = 0;
    uint32_t at = 0;
    while (at < list->count && list->items[at] != item)
        above += weights[list->items[at++]];
    bool found = at < list->count;
    if (!found)
        list->count++;
    memmove(list->items + 1, list->items, at * sizeof *list->items);
    list->items[0] = item;
    return found ? above : STACK_NEVER;
}

Test(stack_distance, is_the_weight_above_in_a_naive_list)
{
    uint64_t seed = 7;
    for (int round = 0; round < 20; round++) {
        uint32_t weights[ITEMS], items = 1 + random_below(&seed, ITEMS);
        struct list list = {.count = 0};
        struct lru_stack *stack;
        struct diag diag = {0};
        uint64_t sum = 0;
        for (uint32_t i = 0; i < items; i++)
            weights[i] = random_below(&seed, 5); /* 0 as well */
        cr_assert_eq(lru_stack_create(items, weights, &stack, &diag), SIM_OK);
        for (int i = 0; i < TOUCHES; i++) {
            uint32_t item = random_below(&seed, items);
            uint64_t want = list_touch(&list, weights, item), got = lru_stack_touch(stack, item);
            cr_assert_eq(got, want, "round %d touch %d: %llu, want %llu", round, i, (unsigned long long)got, (unsigned long long)want);
            cr_assert(i % 97 || lru_stack_check(stack));
        }
        for (uint32_t i = 0; i < list.count; i++)
            sum += weights[list.items[i]];
        cr_expect_eq(lru_stack_weight(stack), sum);
        lru_stack_destroy(stack);
    }
}
