/* test_live_view.c - bars and rows of signs. What a terminal shows of a view is tested through the program (tests/cli/watch_draws_how_it_goes).
 */
#include <criterion/criterion.h>
#include <string.h>

#include "base/live_view.h"

static const struct live_view ascii = {.redraws = true}, blocks = {.redraws = true, .utf8 = true},
                              colored = {.redraws = true, .color = true}, plain = {.utf8 = true, .color = true};

Test(live_view, a_bar_is_as_long_as_its_share)
{
    char out[LIVE_TEXT];
    cr_expect_str_eq(live_bar(&ascii, 0.5, 4, out), "##..");
    cr_expect_str_eq(live_bar(&ascii, 0, 4, out), "....");
    cr_expect_str_eq(live_bar(&ascii, 1, 4, out), "####");
    cr_expect_str_eq(live_bar(&ascii, 1.5, 4, out), "####");
    cr_expect_str_eq(live_bar(&ascii, 0.01, 4, out), "#...", "what has begun is seen");
    cr_expect_str_eq(live_bar(&ascii, 0.5, 0, out), "");
    cr_expect_str_eq(live_bar(&blocks, 0.5, 2, out), "\u2588\u2591");
    cr_expect_str_eq(live_bar(&colored, 0.5, 2, out), "\033[36m#.\033[0m");
    cr_expect_str_eq(live_bar(&plain, 0.5, 4, out), "");
}

Test(live_view, a_row_of_signs_is_as_high_as_its_values)
{
    char out[LIVE_TEXT];
    const double values[] = {0, 7, 14, 28, 42, 49, 3, 0};
    cr_expect_str_eq(live_spark(&ascii, values, 8, 20, out), "_.-=*#__", "no wider than there are values");
    cr_expect_str_eq(live_spark(&ascii, values, 8, 4, out), ".=#_", "a column is the highest of its values");
    cr_expect_str_eq(live_spark(&blocks, values, 2, 2, out), "\u2581\u2588");
    cr_expect_str_eq(live_spark(&ascii, values, 1, 2, out), "_", "nothing of nothing");
    cr_expect_str_eq(live_spark(&ascii, values, 8, 0, out), "");
    cr_expect_str_eq(live_spark(&plain, values, 8, 8, out), "");
}
