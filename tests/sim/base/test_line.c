/* test_line.c - pieces are appended, and what does not fit is cut without a byte past the end. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/line.h"

Test(line, pieces_follow_each_other)
{
    struct line line = {0};
    line_put(&line, "%d blocks", 3);
    line_put(&line, ", %s", "all free");
    cr_expect_str_eq(line.text, "3 blocks, all free");
    cr_expect_eq(line.length, strlen(line.text));
}

Test(line, what_does_not_fit_is_cut)
{
    struct {
        struct line line;
        char guard[8];
    } at = {.guard = "guard"};
    for (int i = 0; i < 200; i++)
        line_put(&at.line, "%s", "0123456789");
    cr_expect_eq(at.line.length, LINE_SIZE - 1);
    cr_expect_eq(strlen(at.line.text), LINE_SIZE - 1);
    cr_expect_str_eq(at.guard, "guard");
}
