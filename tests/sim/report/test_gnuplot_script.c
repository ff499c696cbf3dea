/* test_gnuplot_script.c - scripts hold the chart's numbers and nothing that others wrote but as text; gnuplot, where it is, draws them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/gnuplot.h"
#include "report/gnuplot_script.h"
#include "report/page_files.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What a shell, gnuplot's strings, macros, formats and enhanced text, and XML would obey. The first begins with a quote: gnuplot 5.4 takes a
 * doubled one there for the end of the string. */
static const char *const hostile[] = {"'; system('touch owned'); '", "`touch owned`",           "a\nsystem('touch owned')\nEOD\n",
                                      "@GPVAL_TERM ^2 _b {/=40 x}",  "&#0;&lt; & <b> \" \\ %s", "''`touch owned`'",
                                      "\xff\033[1m \xef\xbf\xbe"};

/* A chart of that kind with a series of each way of drawing, four points each, and as many categories. */
static struct chart *make(enum chart_kind kind, const char *const *words, size_t count)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = kind,
                                                               .title = words[0],
                                                               .note = words[1 % count],
                                                               .x = {.name = words[2 % count], .unit = words[3 % count], .high = 8},
                                                               .y = {.name = words[4 % count], .unit = words[5 % count]}});
    for (size_t i = 0; i < 5; i++) {
        chart_add_category(chart, words[i % count]);
        chart_add_series(chart, &(struct chart_series){.name = words[i % count], .group = i, .draw = (enum chart_draw)i});
        for (int j = 0; j < 4; j++)
            chart_add(chart, j + (kind < CHART_BARS), j + 1);
    }
    return chart;
}

/* Takes the chart. */
static char *script_of(struct chart *chart, enum picture_form form)
{
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);
    gnuplot_script(chart, form, file);
    fclose(file);
    chart_destroy(chart);
    return text;
}

static size_t count_of(const char *text, char wanted)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == wanted;
    return count;
}

/* Quotes and line ends are the script's own: as many as with plain words, whatever the words are. */
Test(gnuplot_script, text_of_others_stays_between_its_quotes)
{
    static const char *const plain[] = {"one"};
    for (int kind = CHART_LINES; kind <= CHART_HEAT; kind++) {
        char *want = script_of(make((enum chart_kind)kind, plain, 1), PICTURE_SVG);
        char *got = script_of(make((enum chart_kind)kind, hostile, COUNT(hostile)), PICTURE_SVG);
        cr_expect_eq(count_of(got, '\''), count_of(want, '\''), "kind %d", kind);
        cr_expect_eq(count_of(got, '\n'), count_of(want, '\n'), "kind %d", kind);
        cr_expect_eq(count_of(got, '`'), 0);
        cr_expect_eq(count_of(got, '\033'), 0);
        cr_expect_null(strstr(got, "&#"));
        free(want);
        free(got);
    }
}

Test(gnuplot_script, colours_are_those_of_the_page)
{
    char color[8], seen[7][8], row[32];
    for (size_t i = 0; i < 7; i++) {
        snprintf(row, sizeof row, "--c%zu: %s;", i, gnuplot_color(i, seen[i]));
        cr_expect(strstr(page_css.text, row), "%s", row);
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(seen[i], seen[j]);
    }
    cr_expect_str_eq(gnuplot_color(7, color), seen[0]);
}

/* Bars stand on each other, below 0 apart from above; areas hold their values to the next point; marks that an axis cannot show are left out. */
Test(gnuplot_script, numbers_are_the_charts)
{
    struct chart *bars = chart_create(&(struct chart_heading){.kind = CHART_BARS});
    const double values[] = {2, 3, -1, -4};
    for (size_t i = 0; i < COUNT(values); i++) {
        chart_add_series(bars, &(struct chart_series){.name = "s"});
        chart_add(bars, 0, values[i]);
    }
    char *text = script_of(bars, PICTURE_SVG);
    cr_expect(strstr(text, "$s0 << EOD\n0 0 -0.36 0.36 0 2\nEOD"), "%s", text);
    cr_expect(strstr(text, "$s1 << EOD\n0 2 -0.36 0.36 2 5\nEOD"));
    cr_expect(strstr(text, "$s2 << EOD\n0 0 -0.36 0.36 0 -1\nEOD"));
    cr_expect(strstr(text, "$s3 << EOD\n0 -1 -0.36 0.36 -1 -5\nEOD"));
    cr_expect(strstr(text, "set yrange [-6:6]"), "2 is the step for ten, and the ends are labels");
    free(text);

    struct chart *areas = chart_create(&(struct chart_heading){.kind = CHART_AREAS, .x = {.high = 9}, .y = {.high = 10}});
    for (int i = 0; i < 2; i++) {
        chart_add_series(areas, &(struct chart_series){.name = "s"});
        chart_add(areas, 0, 1);
        chart_add(areas, 4, 2);
    }
    text = script_of(areas, PICTURE_SVG);
    cr_expect(strstr(text, "$s1 << EOD\n0 1 2\n4 1 2\n4 2 4\n9 2 4\nEOD"), "%s", text);
    free(text);

    struct chart *clouds =
        chart_create(&(struct chart_heading){.kind = CHART_PLOT, .x = {.logarithmic = true}, .y = {.logarithmic = true}});
    chart_add_series(clouds, &(struct chart_series){.name = "s", .draw = DRAW_LINE});
    chart_add(clouds, 1, 10);
    chart_add(clouds, 0, 10);
    chart_add(clouds, 100, NAN);
    chart_add(clouds, 1000, 20);
    text = script_of(clouds, PICTURE_SVG);
    cr_expect(strstr(text, "$s0 << EOD\n1 10\nNaN NaN\nNaN NaN\n1000 20\nEOD"), "%s", text);
    cr_expect(strstr(text, "set logscale x 10") && strstr(text, "'1000' 1000"));
    free(text);
}

static void need_gnuplot(void)
{
    struct diag diag = {0};
    if (gnuplot_check(&diag) == SIM_OK)
        return;
    if (getenv("CI"))
        cr_assert_fail("gnuplot is missing, which is a failure in CI");
    cr_skip_test("gnuplot is not installed");
}

/* Each kind with words that would do something; without points; without series: all are pictures, and nothing happens. */
Test(gnuplot_script, gnuplot_draws_all_kinds_of_charts)
{
    static const char *const starts[] = {"<?xml", "\x89PNG"};
    char folder[] = "/tmp/test_gnuplot_script.XXXXXX";
    need_gnuplot();
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    for (int kind = CHART_LINES; kind <= CHART_HEAT; kind++)
        for (int full = 0; full < 3; full++)
            for (int form = PICTURE_SVG; form <= PICTURE_PNG; form++) {
                const struct chart_heading bare = {.kind = (enum chart_kind)kind, .title = ""};
                struct chart *chart = full == 2 ? make((enum chart_kind)kind, hostile, COUNT(hostile)) : chart_create(&bare);
                if (full == 1)
                    chart_add_series(chart, &(struct chart_series){.name = "s"});
                char *script = script_of(chart, (enum picture_form)form), *picture;
                size_t length;
                struct diag diag = {0};
                cr_expect_eq(gnuplot_draw(script, strlen(script), &picture, &length, &diag), SIM_OK, "kind %d full %d: %s\n%s", kind, full,
                             diag.text, script);
                cr_expect(picture && strncmp(picture, starts[form], strlen(starts[form])) == 0);
                free(picture);
                free(script);
            }
    cr_expect_eq(rmdir(folder), 0, "something was written");
}

/* One point, equal ones, far from 0 and close together, of either sign: all have an axis that gnuplot can draw. */
Test(gnuplot_script, axes_are_there_whatever_the_numbers)
{
    static const double values[][2] = {{0, 0},           {5, 5},     {-5, -5},         {1e15, 1e15 + 1},
                                       {1e12, 1e12 + 7}, {-3, 1e-7}, {1e-300, 2e-300}, {1e300, 2e300}};
    need_gnuplot();
    for (size_t i = 0; i < COUNT(values); i++)
        for (int logarithmic = 0; logarithmic < 2; logarithmic++) {
            const struct chart_axis axis = {.name = "a", .logarithmic = logarithmic};
            struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_PLOT, .x = axis, .y = axis});
            chart_add_series(chart, &(struct chart_series){.name = "s", .draw = DRAW_MARKS});
            for (int j = 0; j < 2; j++)
                chart_add(chart, values[i][j], values[i][1 - j]);
            char *script = script_of(chart, PICTURE_SVG), *picture;
            size_t length;
            struct diag diag = {0};
            cr_expect_eq(gnuplot_draw(script, strlen(script), &picture, &length, &diag), SIM_OK, "%g %g: %s\n%s", values[i][0],
                         values[i][1], diag.text, script);
            free(picture);
            free(script);
        }
}
