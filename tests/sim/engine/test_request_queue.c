/* test_request_queue.c - both queues against arrays that are moved, or searched, for every push and pop. */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/request_queue.h"
#include "support/allocations.h"
#include "support/random.h"

enum { MOST = 1000, TURNS = 20000 };

/* Room is asked for as engines do: when a request arrives, for all that are in the engine; those taken out may be pushed back in front. */
Test(request_queue, fcfs_is_a_list_with_two_ends)
{
    static uint32_t naive[MOST], outside[MOST];
    struct request_queue queue;
    struct diag diag = {0};
    uint32_t count = 0, out = 0, next = 0;
    uint64_t seed = 3;
    cr_assert_eq(request_queue_init(&queue, 1, false, &diag), SIM_OK);
    for (int turn = 0; turn < TURNS; turn++) {
        const uint32_t what = random_below(&seed, 4);
        if (what == 0 && count + out < MOST) {
            cr_assert_eq(request_queue_expect(&queue, (uint64_t)count + out + 1, &diag), SIM_OK);
            request_queue_push(&queue, next, 0);
            naive[count++] = next++;
        } else if (what == 1 && count > 0) {
            cr_assert_eq(request_queue_peek(&queue), naive[0], "turn %d", turn);
            request_queue_pop(&queue);
            outside[out++] = naive[0];
            memmove(naive, naive + 1, --count * sizeof *naive);
        } else if (what == 2 && out > 0) {
            const uint64_t before = allocations_so_far();
            request_queue_push_preempted(&queue, outside[--out], 0);
            cr_assert_eq(allocations_so_far(), before, "no push can fail");
            memmove(naive + 1, naive, count++ * sizeof *naive);
            naive[0] = outside[out];
        } else if (what == 3 && count > 0) {
            const uint32_t at = random_below(&seed, count);
            request_queue_remove(&queue, naive[at]);
            memmove(naive + at, naive + at + 1, (--count - at) * sizeof *naive);
        }
        cr_assert(queue.count == count && request_queue_check(&queue), "turn %d", turn);
    }
    request_queue_deinit(&queue);
}

/* The place in `waiting` of who is first: the lowest key, of equal ones who arrived first. */
static uint32_t first_of(const uint32_t *waiting, uint32_t count, const int64_t *key, const uint32_t *arrived)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        const uint32_t one = waiting[i], other = waiting[best];
        if (key[one] < key[other] || (key[one] == key[other] && arrived[one] < arrived[other]))
            best = i;
    }
    return best;
}

/* Few keys, so that many are equal. Positions arrive in an order of their own; those that were in the queue come back with their old place among
 * equals. In between any one is taken out, or all keys are changed. */
Test(request_queue, ordered_gives_the_lowest_key_and_of_equal_ones_who_arrived_first)
{
    enum { REQUESTS = 60, KEYS = 7 };
    uint32_t waiting[REQUESTS], outside[REQUESTS], arrived[REQUESTS], count = 0, out = 0, next = 0;
    int64_t key[REQUESTS];
    struct request_queue queue;
    struct diag diag = {0};
    uint64_t seed = 8;
    cr_assert_eq(request_queue_init(&queue, REQUESTS, true, &diag), SIM_OK);
    for (int turn = 0; turn < TURNS; turn++) {
        const uint32_t what = random_below(&seed, next < REQUESTS ? 4 : 9);
        if (what == 0 && next < REQUESTS) {
            const uint32_t position = next * 7 % REQUESTS; /* 7 and 60 have no common factor */
            key[position] = (int64_t)random_below(&seed, KEYS) - 3;
            arrived[position] = next++;
            request_queue_push(&queue, position, key[position]);
            waiting[count++] = position;
        } else if (what == 1 && count > 0) {
            const uint32_t at = first_of(waiting, count, key, arrived);
            cr_assert_eq(request_queue_peek(&queue), waiting[at], "turn %d", turn);
            request_queue_pop(&queue);
            outside[out++] = waiting[at];
            waiting[at] = waiting[--count];
        } else if (what == 2 && count > 0) {
            const uint32_t at = random_below(&seed, count);
            request_queue_remove(&queue, waiting[at]);
            outside[out++] = waiting[at];
            waiting[at] = waiting[--count];
        } else if (what == 3 && turn % 5 == 0) {
            for (uint32_t i = 0; i < count; i++)
                queue.key[waiting[i]] = key[waiting[i]] = (int64_t)random_below(&seed, KEYS);
            request_queue_reorder(&queue);
        } else if (what > 3 && out > 0) {
            const uint32_t position = outside[--out];
            key[position] = (int64_t)random_below(&seed, KEYS);
            request_queue_push_preempted(&queue, position, key[position]);
            waiting[count++] = position;
        }
        cr_assert(queue.count == count && request_queue_check(&queue), "turn %d", turn);
        cr_assert(count == 0 || request_queue_peek(&queue) == waiting[first_of(waiting, count, key, arrived)], "turn %d", turn);
    }
    request_queue_deinit(&queue);
}

Test(request_queue, without_memory_it_stays_as_it_was)
{
    struct request_queue queue;
    struct diag diag = {0};
    cr_assert_eq(request_queue_init(&queue, 1, false, &diag), SIM_OK);
    cr_assert_eq(request_queue_expect(&queue, 1, &diag), SIM_OK);
    request_queue_push(&queue, 42, 0);
    allocations_fail_after(1);
    cr_expect_eq(request_queue_expect(&queue, 1 << 20, &diag), SIM_FAILED);
    allocations_fail_after(0);
    cr_expect(queue.count == 1 && request_queue_peek(&queue) == 42);
    request_queue_deinit(&queue);
}
