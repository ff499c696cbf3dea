/* test_request_queue.c - the FCFS queue against an array that is moved for every push and pop. */
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
        const uint32_t what = random_below(&seed, 3);
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
        }
        cr_assert(queue.count == count && request_queue_check(&queue), "turn %d", turn);
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
