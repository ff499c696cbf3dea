/* test_chart.c - a drawing is as wide as a terminal, its lines and areas stand where they should; JSON has the numbers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chart_print.h"

static char *print(const struct chart *chart, bool color, bool utf8)
{
    char *text;
    size_t length;
    struct diag diag = {0};
    FILE *file = open_memstream(&text, &length);
    cr_assert_eq(chart_status(chart, &diag), SIM_OK);
    chart_print(chart, color, utf8, file);
    fclose(file);
    return text;
}

/* One line that jumps from 0 to 0.3 at x = 1000, and a mark. */
static struct chart *lines(void)
{
    struct chart *chart =
        chart_create(&(struct chart_heading){.kind = CHART_LINES, .x = {.name = "x", .unit = "tokens", .low = 10, .high = 1e6}});
    chart_add_series(chart, &(struct chart_series){.name = "line", .mark = 'a'});
    chart_add(chart, 0, 0);
    chart_add(chart, 999.9, 0);
    chart_add(chart, 1000, 0.3);
    chart_add_series(chart, &(struct chart_series){.name = "marks", .mark = 'A', .draw = DRAW_MARKS});
    chart_add(chart, 100, 0.14);
    return chart;
}

static char *draw(bool color)
{
    struct chart *chart = lines();
    char *text = print(chart, color, false);
    char *drawing = strdup(strchr(text, '\n') + 1); /* without the legend, which is empty */
    free(text);
    chart_destroy(chart);
    return drawing;
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

/* Every row whole: the axis has its marks and lines all along, other rows end with their last mark. */
Test(chart, draws_each_row_as_it_should_be)
{
    char *text = draw(false), *at = text;
    for (int row = 15; row >= 0; row--) {
        char want[128] = "         |";
        /* 15 steps up to 30 %: a label at each third. The line jumps at 1000, column 27 of 68; the mark is 14 % high, x = 100, column 13. */
        if (row % 5 == 0)
            snprintf(want, sizeof want, "%7d %%%c", row * 2, row == 0 ? '+' : '|');
        if (row == 15)
            snprintf(want + 10, sizeof want - 10, "%27s%.41s", "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        if (row == 7)
            snprintf(want + 10, sizeof want - 10, "%14s", "A");
        if (row == 0)
            snprintf(want + 10, sizeof want - 10, "%.27s%.41s", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                     "---------------------------------------------------------");
        const size_t length = strcspn(at, "\n");
        cr_expect(length == strlen(want) && strncmp(at, want, length) == 0, "row %d: \"%.*s\", want \"%s\"", row, (int)length, at, want);
        at += length + 1;
    }
    cr_expect_eq(strncmp(at, "          10 ", 13), 0, "%s", at);
    free(text);
}

Test(chart, the_axis_of_a_share_ends_at_all_of_it)
{
    static const double highest[][2] = {{0.95, 1}, {1, 1}, {0.9, 0.9}, {0.88, 0.9}};
    for (size_t i = 0; i < sizeof highest / sizeof *highest; i++) {
        struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_LINES});
        chart_add_series(chart, &(struct chart_series){.name = "one"});
        chart_add(chart, 1, highest[i][0]);
        cr_expect_float_eq(chart_y_high(chart), highest[i][1], 1e-12);
        chart_destroy(chart);
    }
}

Test(chart, rounds_its_top)
{
    static const double tops[][2] = {{0.3736, 0.45}, {0.3, 0.3}, {0.886, 0.9}, {0, 1}, {0.00012, 0.00012}};
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
        cr_expect_float_eq(chart_top(tops[i][0]), tops[i][1], 1e-12);
}

Test(chart, is_straight_between_two_points_and_constant_outside)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_LINES});
    chart_add_series(chart, &(struct chart_series){.name = "line"});
    chart_add(chart, 10, 0.5);
    chart_add(chart, 20, 0.7);
    chart_add(chart, 40, 0.9);
    const struct chart_series *line = &chart->series[0];
    static const double values[][2] = {{0, 0.5}, {10, 0.5}, {15, 0.6}, {20, 0.7}, {35, 0.85}, {40, 0.9}, {1e9, 0.9}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cr_expect_float_eq(chart_line_at(line, values[i][0]), values[i][1], 1e-12, "at %g", values[i][0]);
    chart_destroy(chart);
}

Test(chart, legend_wraps_and_leaves_out_what_is_not_drawn)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_LINES,
                                                               .title = "Share of something hit, by size in something",
                                                               .note = "capitals: others",
                                                               .x = {.low = 1, .high = 10}});
    for (int i = 0; i < 5; i++) {
        const struct chart_series series = {.name = "s", .label = i == 3 ? NULL : "twelve chars", .mark = i == 4 ? '\0' : (char)('a' + i)};
        chart_add_series(chart, &series);
        chart_add(chart, 1, 0.1);
    }
    char *text = print(chart, false, false);
    const char *legend =
        "  Share of something hit, by size in something: a twelve chars,\n  b twelve chars, c twelve chars;\n  capitals: others\n";
    cr_expect_eq(strncmp(text, legend, strlen(legend)), 0, "%s", text);
    free(text);
    chart_destroy(chart);
}

/* Half of the time 25 of 100 below and nothing above, then 50 and 50. */
static struct chart *areas(void)
{
    struct chart *chart = chart_create(&(struct chart_heading){
        .kind = CHART_AREAS, .title = "t", .x = {.name = "time", .unit = "s", .low = 2, .high = 5}, .y = {.high = 100}});
    chart_add_series(chart, &(struct chart_series){.name = "low", .label = "below", .mark = '#', .group = 0});
    chart_add(chart, 2, 25);
    chart_add(chart, 3.5, 50);
    chart_add_series(chart, &(struct chart_series){.name = "high", .label = "above", .mark = 'x', .group = 1});
    chart_add(chart, 2, 0);
    chart_add(chart, 3.5, 50);
    chart_add_series(chart, &(struct chart_series){.name = "rest", .mark = '.', .group = 9});
    chart_add(chart, 2, 75);
    chart_add(chart, 3.5, 0);
    return chart;
}

Test(chart, stacks_areas_over_time)
{
    struct chart *chart = areas();
    char *text = print(chart, false, false), *at = text;
    for (int row = 11; row >= 0; row--, at = strchr(at, '\n') + 1) {
        const char left = row < 3 ? '#' : '.', right = row < 6 ? '#' : 'x';
        for (int column = 0; column < 72; column++)
            cr_assert_eq(at[7 + column], column < 36 ? left : right, "row %d, column %d", row, column);
        cr_assert_eq(at[79], '\n');
    }
    cr_expect_eq(strncmp(text, " 100 % ", 7), 0);
    cr_expect_eq(strncmp(at, "       0 s", 10), 0);
    cr_expect_not_null(strstr(at, "3.00 s\n       # below  x above\n"), "%s", at);
    free(text);
    text = print(chart, true, true);
    cr_expect_not_null(strstr(text, "\033[32m\u2588\033[0m"));
    cr_expect_not_null(strstr(text, "\033[90m\u2591\033[0m"), "groups beyond the fourth look like it");
    free(text);
    chart_destroy(chart);
}

Test(chart, draws_nothing_without_extent)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_AREAS, .x = {.low = 1, .high = 1}, .y = {.high = 5}});
    char *text = print(chart, false, false);
    cr_expect_str_eq(text, "");
    free(text);
    chart_add_series(chart, &(struct chart_series){.name = "empty"});
    text = print(chart, false, false);
    cr_expect_str_eq(text, "");
    free(text);
    chart_destroy(chart);
}

Test(chart, tells_all_of_it_in_json)
{
    struct chart *chart = lines();
    struct json_text json;
    json_text_init(&json, false);
    chart_write_json(chart, &json);
    cr_expect_not_null(strstr(json.text, "\"kind\""));
    cJSON *root = cJSON_Parse(json.text);
    cr_assert_not_null(root, "%s", json.text);
    const cJSON *x = cJSON_GetObjectItem(root, "x"), *y = cJSON_GetObjectItem(root, "y"), *series = cJSON_GetObjectItem(root, "series");
    cr_expect_str_eq(cJSON_GetObjectItem(x, "scale")->valuestring, "logarithmic");
    cr_expect_str_eq(cJSON_GetObjectItem(x, "unit")->valuestring, "tokens");
    cr_expect_float_eq(cJSON_GetObjectItem(x, "high")->valuedouble, 1e6, 0);
    cr_expect_float_eq(cJSON_GetObjectItem(y, "high")->valuedouble, 0.3, 1e-12);
    cr_assert_eq(cJSON_GetArraySize(series), 2);
    const cJSON *line = cJSON_GetArrayItem(series, 0), *marks = cJSON_GetArrayItem(series, 1);
    cr_expect_str_eq(cJSON_GetObjectItem(line, "shown_as")->valuestring, "line");
    cr_expect_str_eq(cJSON_GetObjectItem(marks, "shown_as")->valuestring, "points");
    const cJSON *last = cJSON_GetArrayItem(cJSON_GetObjectItem(line, "points"), 2);
    cr_expect_float_eq(cJSON_GetArrayItem(last, 0)->valuedouble, 1000, 0);
    cr_expect_float_eq(cJSON_GetArrayItem(last, 1)->valuedouble, 0.3, 0);
    cJSON_Delete(root);
    json_text_deinit(&json);
    chart_destroy(chart);
}

Test(chart, takes_null_for_one_that_could_not_be_made)
{
    struct diag diag = {0};
    chart_add_series(NULL, &(struct chart_series){.name = "n"});
    chart_add(NULL, 1, 2);
    cr_expect_eq(chart_status(NULL, &diag), SIM_FAILED);
    chart_destroy(NULL);
}

/* Many marks in one spot become one; those that reach farthest stay, and so does a mark that stands alone. */
Test(chart, thinning_keeps_extremes_and_a_mark_in_each_spot)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_PLOT, .y.logarithmic = true});
    chart_add_series(chart, &(struct chart_series){.name = "cloud", .draw = DRAW_MARKS});
    chart_add(chart, 0, 1);
    for (int i = 0; i < 1000; i++)
        chart_add(chart, 50 + i * 1e-6, 10 * (1 + i * 1e-9));
    chart_add(chart, 100, 100);
    chart_add(chart, 75, 1000);
    chart_thin(chart);
    const struct chart_point *points = chart->series[0].points;
    cr_assert_eq(chart->series[0].count, 4);
    cr_expect(points[0].x == 0 && points[1].x == 50 && points[2].x == 100 && points[3].y == 1000);
    chart_thin(chart);
    cr_expect_eq(chart->series[0].count, 4, "what is thin stays");
    chart_destroy(chart);
    chart_thin(NULL);
}

/* All in one place: there is no range to divide. */
Test(chart, thinning_takes_a_single_place_and_none)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_PLOT});
    chart_thin(chart);
    chart_add_series(chart, &(struct chart_series){.name = "cloud", .draw = DRAW_MARKS});
    chart_thin(chart);
    for (int i = 0; i < 9; i++)
        chart_add(chart, 3, 4);
    chart_thin(chart);
    cr_expect_eq(chart->series[0].count, 1);
    chart_destroy(chart);
}

Test(chart, labels_go_with_their_points)
{
    struct diag diag = {0};
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_PLOT, .labels = "command"});
    cr_assert_not_null(chart);
    chart_add_series(chart, &(struct chart_series){.name = "marks", .draw = DRAW_MARKS});
    for (int i = 0; i < 2000; i++) { /* two at each place; the second of them goes */
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        const int x = i / 2, y = i % 2;
        chart_add_labelled(chart, x, y, text);
        chart_add_labelled(chart, x, y, NULL);
    }
    chart_thin(chart);
    cr_assert_eq(chart_status(chart, &diag), SIM_OK);
    cr_assert(chart->series[0].count > 100 && chart->series[0].count < 2000);
    for (size_t i = 0; i < chart->series[0].count; i++) {
        const struct chart_point *point = &chart->series[0].points[i];
        if (chart->series[0].labels[i])
            cr_expect_eq(strtol(chart->series[0].labels[i], NULL, 10), (long)(2 * point->x + point->y));
    }
    cr_expect_str_eq(chart->series[0].labels[0], "0");
    chart_destroy(chart);
}
