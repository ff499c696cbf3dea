/* test_gnuplot_script.c - scripts hold the chart's numbers and nothing that others wrote but as text; gnuplot, where it is, draws them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/gnuplot.h"
#include "report/gnuplot_script.h"
#include "report/gnuplot_text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What a shell, gnuplot's strings, macros, formats and enhanced text, and XML would obey. The first begins with a quote: gnuplot 5.4 takes a
 * doubled one there for the end of the string. */
static const char *const hostile[] = {"'; system('touch owned'); '", "`touch owned`",           "a\nsystem('touch owned')\nEOD\n",
                                      "@GPVAL_TERM ^2 _b {/=40 x}",  "&#0;&lt; & <b> \" \\ %s", "''`touch owned`'",
                                      "\xff\033[1m \xef\xbf\xbe"};

/* A chart of that kind with a series of each way of drawing, four points each with labels, and as many categories. Of a grid: two columns. */
static struct chart *make(enum chart_kind kind, const char *const *words, size_t count)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = kind,
                                                               .title = words[0],
                                                               .note = words[1 % count],
                                                               .x = {.name = words[2 % count], .unit = words[3 % count], .high = 8},
                                                               .y = {.name = words[4 % count], .unit = words[5 % count]},
                                                               .grid = {.rows = 2, .column_width = 4, .row_height = 1},
                                                               .labels = words[0]});
    for (size_t i = 0; i <= DRAW_WORDS; i++) {
        chart_add_category(chart, words[i % count]);
        chart_add_series(chart, &(struct chart_series){.name = words[i % count], .group = i, .draw = (enum chart_draw)i});
        for (int j = 0; j < 4; j++)
            chart_add_labelled(chart, j + (kind < CHART_BARS), j + 1, words[((size_t)j + i) % count]);
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
    char *copy = strdup(text); /* GCC takes what a stream has made for something that ends with this function */
    free(text);
    return copy;
}

static size_t count_of(const char *text, char wanted)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == wanted;
    return count;
}

/* Quotes but for those between two lines of one text, which depend on its length. */
static size_t count_quotes(const char *text)
{
    static const char between[] = "'.\"\\n\".'";
    size_t count = count_of(text, '\'');
    for (const char *at = text; (at = strstr(at, between)); at += strlen(between))
        count -= 2;
    return count;
}

/* Quotes and line ends are the script's own: as many as with plain words, whatever the words are. */
Test(gnuplot_script, text_of_others_stays_between_its_quotes)
{
    static const char *const plain[] = {"one"};
    for (int kind = CHART_LINES; kind <= CHART_GRID; kind++) {
        char *want = script_of(make((enum chart_kind)kind, plain, 1), PICTURE_SVG);
        char *got = script_of(make((enum chart_kind)kind, hostile, COUNT(hostile)), PICTURE_SVG);
        cr_expect_eq(count_quotes(got), count_quotes(want), "kind %d", kind);
        cr_expect_eq(count_of(got, '\n'), count_of(want, '\n'), "kind %d", kind);
        cr_expect_eq(count_of(got, '`'), 0);
        cr_expect_eq(count_of(got, '\033'), 0);
        cr_expect_null(strstr(got, "&#"));
        free(want);
        free(got);
    }
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

/* Spans over bars are no bars: nothing stands on them, and the axis reaches them. */
Test(gnuplot_script, spans_lie_over_bars)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_BARS});
    chart_add_category(chart, "one");
    chart_add_series(chart, &(struct chart_series){.name = "span", .draw = DRAW_SPANS});
    chart_add(chart, 0, -3);
    chart_add(chart, 0, 9);
    chart_add_series(chart, &(struct chart_series){.name = "bar"});
    chart_add(chart, 0, 2);
    char *text = script_of(chart, PICTURE_SVG);
    cr_expect(strstr(text, "$s0 << EOD\n0 -3 0 12\nEOD"), "%s", text);
    cr_expect(strstr(text, "$s1 << EOD\n0 0 -0.36 0.36 0 2\nEOD"), "%s", text);
    cr_expect(strstr(text, "set yrange [-4:10]"), "2 is the step for twelve: %s", text);
    const char *bar = strstr(text, "$s1 using"), *span = strstr(text, "$s0 using 1:2:3:4 with vectors");
    cr_expect(bar && span && bar < span, "the later one lies above");
    free(text);
}

/* The line of the block that many lines after the first; "": there is no such block. */
static const char *line_of(const char *text, const char *block, size_t line)
{
    const char *found = strstr(text, block);
    size_t at = found ? (size_t)(found - text) : strlen(text);
    for (size_t i = 0; i <= line && text[at]; i++)
        at += strcspn(text + at, "\n") + 1;
    return text + at;
}

/* Up as a sine and over as a cosine: at 30 degrees of each turn half of the way is up. */
Test(gnuplot_script, arcs_are_bent)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_PLOT});
    chart_add_series(chart, &(struct chart_series){.name = "arc", .draw = DRAW_ARCS});
    for (int i = 0; i < 4; i++)
        chart_add(chart, 10 * i, i);
    char *text = script_of(chart, PICTURE_SVG);
    double x, y, before_x = -1, before_y = -1;
    cr_assert(strncmp(line_of(text, "$s0 <<", 0), "0 0\n", 4) == 0, "%s", text);
    for (size_t i = 0; i < 9; i++) {
        char *end;
        x = strtod(line_of(text, "$s0 <<", i), &end);
        y = strtod(end, NULL);
        cr_expect(x > before_x && y > before_y && x <= 10 && y <= 1);
        cr_expect_float_eq(pow(1 - x / 10, 2) + y * y, 1, 1e-9, "a quarter of an ellipse");
        before_x = x, before_y = y;
    }
    cr_expect(x == 10 && y == 1, "the other end is met: %g %g", x, y);
    cr_expect(strncmp(line_of(text, "$s0 <<", 9), "NaN NaN\n20 2\n", 12) == 0, "%s", text);
    cr_expect(strncmp(line_of(text, "$s0 <<", 20), "EOD\n", 4) == 0);
    cr_expect(strstr(text, "set ytics ('0' 0, '1' 1, '2' 2, '3' 3)"), "whole numbers have whole labels");
    free(text);
}

/* Words are labels, and no series; other labels are for readers of the page. Axes without numbers have lines at whole places. */
Test(gnuplot_script, words_stand_at_their_points)
{
    const struct chart_axis bare = {.low = -0.5, .high = 2.5, .bare = true};
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_PLOT, .x = bare, .y = bare, .labels = "commands"});
    chart_add_series(chart, &(struct chart_series){.name = "line", .draw = DRAW_LINE});
    chart_add_labelled(chart, 0, 1, "run this");
    chart_add_labelled(chart, 1, 2, NULL);
    chart_add_series(chart, &(struct chart_series){.name = "words", .draw = DRAW_WORDS});
    chart_add_labelled(chart, 1, 0.5, "it's");
    chart_add_labelled(chart, NAN, 0.5, "nowhere");
    chart_add_labelled(chart, 2, 0.5, "");
    char *text = script_of(chart, PICTURE_PNG);
    cr_expect(strstr(text, "\nset label 'it\xe2\x80\x99s' at 1,0.5 center"), "%s", text);
    cr_expect(!strstr(text, "run this") && !strstr(text, "nowhere") && !strstr(text, "''' at") && !strstr(text, "$s1 using"));
    cr_expect(!strstr(text, "title 'line'"), "the words are no second series in a legend");
    cr_expect(strstr(text, "set xtics scale 0 ('' 0, '' 1, '' 2)\n") && strstr(text, "set border 0\n"), "%s", text);
    free(text);
}

/* Two columns of three rows, of group 0 and 2, whose pale colours the page has; each cell is told often enough for 128 lines and words. */
Test(gnuplot_script, cells_of_grids_are_mixed)
{
    struct chart *chart = chart_create(&(struct chart_heading){.kind = CHART_GRID,
                                                               .x = {.name = "x", .high = 10},
                                                               .y = {.name = "y", .low = 1, .high = 6},
                                                               .grid = {.rows = 3, .column_width = 5, .row_height = 2}});
    static const double shares[2][6] = {{2, 1, 0, 0, 0, 1}, {0, 1, 1, 2, 0, 0}};
    unsigned colors[2], want[6];
    for (size_t i = 0; i < 2; i++) {
        char color[8];
        colors[i] = (unsigned)strtoul(gnuplot_pale_color(2 * i, color) + 1, NULL, 16);
        chart_add_series(chart, &(struct chart_series){.name = i ? "b" : "a", .draw = DRAW_MARKS, .group = 2 * i});
        for (size_t j = 0; j < 6; j++)
            chart_add(chart, j < 3 ? 0 : 5, shares[i][j]);
    }
    unsigned half = 0;
    for (int shift = 0; shift < 24; shift += 8)
        half |= ((colors[0] >> shift & 255) + (colors[1] >> shift & 255) + 1) / 2 << shift;
    want[0] = want[5] = colors[0], want[1] = half, want[2] = want[3] = colors[1], want[4] = 0xffffff;
    char *text = script_of(chart, PICTURE_SVG);
    for (size_t row = 0; row < 129; row++) {
        const char *line = line_of(text, "$cells <<", row);
        for (size_t column = 0; column < 128; column++) {
            char *end;
            cr_assert_eq(strtoul(line, &end, 10), want[column / 64 * 3 + row / 43], "row %zu column %zu", row, column);
            line = end;
        }
        cr_assert_eq(*line, '\n');
    }
    cr_expect(strncmp(line_of(text, "$cells <<", 129), "EOD\n", 4) == 0);
    cr_expect(strstr(text, "set xrange [0:10]") && strstr(text, "set yrange [1:7]"), "the last row is whole");
    cr_expect(strstr(text, "title 'a'") && strstr(text, "title 'b'"));
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
    for (int kind = CHART_LINES; kind <= CHART_GRID; kind++)
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
