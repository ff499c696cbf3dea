/* test_request_order.c - positions in the file's order, with numbers that are missing and samples that share one. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "trace/request_order.h"

Test(request_order, positions_follow_the_numbers_and_samples_keep_their_order)
{
    uint32_t numbers[] = {5, 2, 2, 9, 0}, *order;
    const uint32_t wanted[] = {4, 1, 2, 0, 3};
    struct trace trace = {.count = 5, .index = numbers};
    struct diag diag = {0};
    cr_assert_eq(request_order(&trace, &order, &diag), SIM_OK);
    cr_expect_arr_eq(order, wanted, sizeof wanted);
    free(order);
}
