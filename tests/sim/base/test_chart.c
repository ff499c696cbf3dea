/* test_chart.c - a drawing is as wide as a terminal, its curves stand where they should. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chart.h"

static double ramp(const void *self, double x)
{
    (void)self;
    return x >= 1000 ? 0.3 : 0.0;
}

static char *draw(bool color)
{
    const struct chart_curve curve = {.mark = 'a', .y_at = ramp};
    const struct chart_point point = {.mark = 'A', .x = 100, .y = 0.15};
    const struct chart chart = {
        .x_low = 10, .x_high = 1e6, .y_high = 0.3, .curves = &curve, .curve_count = 1, .points = &point, .point_count = 1, .color = color};
    char *text;
    size_t length;
    struct diag diag = {0};
    FILE *file = open_memstream(&text, &length);
    cr_assert_eq(chart_print(&chart, file, &diag), SIM_OK);
    fclose(file);
    return text;
}

Test(chart, is_at_most_80_columns_wide_and_ends_no_line_with_blanks)
{
    char *text = draw(false);
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        cr_expect_leq(strlen(line), 80);
        cr_expect_neq(line[strlen(line) - 1], ' ');
    }
    cr_expect_eq(lines, 17);
    free(text);
}

Test(chart, puts_curves_points_and_labels_in_their_places)
{
    char *text = draw(false);
    /* Top row: nothing left of x = 1000, which is 2/5 of the way, then the curve. */
    cr_expect_eq(strncmp(text, "     30 %|", 10), 0);
    cr_expect_eq(strspn(text + 10, " "), 27);
    cr_expect_eq(strspn(text + 37, "a"), 41);
    cr_expect_not_null(strstr(text, "A\n"));
    cr_expect_not_null(strstr(text, "      0 %+aaa"));
    cr_expect_not_null(strstr(text, "\n          10 "));
    cr_expect_null(strchr(text, '\033'));
    free(text);
    text = draw(true);
    cr_expect_not_null(strchr(text, '\033'));
    free(text);
}

Test(chart, rounds_its_top)
{
    static const double tops[][2] = {{0.3736, 0.45}, {0.3, 0.3}, {0.886, 0.9}, {0, 1}, {0.00012, 0.00012}};
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
        cr_expect_float_eq(chart_top(tops[i][0]), tops[i][1], 1e-12);
}
