/* test_transfer_queue.c - when transfers end, by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "vllm_v1/transfer_queue.h"

static struct transfer_queue made(size_t capacity, int64_t latency_ns, double block_ns)
{
    struct transfer_queue queue;
    struct diag diag = {0};
    cr_assert_eq(transfer_queue_init(&queue, capacity, latency_ns, block_ns, &diag), SIM_OK);
    return queue;
}

Test(transfer_queue, first_come_first_served)
{
    struct transfer_queue queue = made(3, 100, 2.5);
    struct transfer over;
    transfer_queue_ask(&queue, 7, 0, 4);
    cr_expect_eq(transfer_queue_next_ns(&queue), INT64_MAX, "it has not begun");
    cr_expect_not(transfer_queue_pop(&queue, 1000000, &over));
    transfer_queue_begin(&queue, 1000);
    cr_expect_eq(transfer_queue_next_ns(&queue), 1000 + 100 + 10);
    transfer_queue_ask(&queue, 8, 3, 1);
    transfer_queue_begin(&queue, 1050);
    cr_expect_eq(transfer_queue_at(&queue, 1)->end_ns, 1110 + 100 + 3, "after the first one, rounded up");
    cr_expect_not(transfer_queue_pop(&queue, 1109, &over));
    cr_expect(transfer_queue_pop(&queue, 1110, &over));
    cr_expect(over.position == 7 && over.blocks == 4);
    transfer_queue_ask(&queue, 9, 0, 2);
    transfer_queue_begin(&queue, 5000);
    cr_expect(transfer_queue_pop(&queue, 5000, &over));
    cr_expect(over.position == 8 && over.first == 3);
    cr_expect_eq(transfer_queue_next_ns(&queue), 5000 + 100 + 5, "the link was free");
    transfer_queue_deinit(&queue);
}

Test(transfer_queue, a_ring_goes_round_and_a_fast_link_takes_no_time)
{
    struct transfer_queue queue = made(2, 0, 65536 / (double)INFINITY);
    struct transfer over;
    for (uint32_t i = 0; i < 5; i++) {
        transfer_queue_ask(&queue, i, 0, 1000);
        transfer_queue_begin(&queue, 10 * (int64_t)i);
        cr_expect(transfer_queue_pop(&queue, 10 * (int64_t)i, &over));
        cr_expect_eq(over.position, i);
        cr_expect_eq(over.end_ns, 10 * (int64_t)i);
    }
    cr_expect_eq(queue.count, 0);
    transfer_queue_deinit(&queue);
}

Test(transfer_queue, what_the_clock_cannot_hold_never_ends)
{
    struct transfer_queue queue = made(2, 1000000000, 1e12);
    transfer_queue_ask(&queue, 0, 0, UINT32_MAX);
    transfer_queue_ask(&queue, 1, 0, 1);
    transfer_queue_begin(&queue, INT64_MAX / 2);
    cr_expect_eq(transfer_queue_next_ns(&queue), INT64_MAX);
    cr_expect_eq(transfer_queue_at(&queue, 1)->end_ns, INT64_MAX);
    transfer_queue_deinit(&queue);
}
