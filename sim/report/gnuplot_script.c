/* gnuplot_script.c - writes scripts. Read gnuplot_script at the end first: terminal, axes, data, and one plot command for all series.
 *
 * Ranges and labels of axes are made here and not left to gnuplot, so that labels are as short as on the page ("10k", not "10000") and a
 * chart without points has axes, too. */
#include "report/gnuplot_script.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "report/gnuplot_text.h"

/* Pixels of the SVG. Scaled to a column of 8.5 cm letters are 7 points high. A PNG has three times as many each way: 380 to the inch then. */
enum { WIDTH = 420, HEIGHT = 290, TALL = 460, ROW_HEIGHT = 24, PNG_SCALE = 3 };
/* Axes without numbers stand side by side, each with its words: such a picture is for both columns of a page. */
enum { WIDE = 860, MARGINS = 90 };
/* Letters of a line of the title. */
enum { TITLE_LINE = 56 };
/* From so many marks on they are smaller, then smaller still and let others through; from so many spans on these are thin, and the picture is
 * tall. */
enum { MARKS_SOME = 60, MARKS_MANY = 400, SPANS_MANY = 100 };
/* From so many points on, lines from axis to axis are thin. */
enum { LINES_MANY = 120 };
/* A map of more columns or rows shows colours alone. */
enum { CELLS_ACROSS = 8, CELLS_DOWN = 16 };
/* Programs that show an SVG smooth the image of a grid, and gnuplot wants two cells each way: a grid has so many, by telling each cell again. */
enum { IMAGE_LEAST = 128 };

struct range {
    double low, high;
    bool logarithmic, whole; /* whole: there are only whole numbers, and so are labels */
};

/* --- axes --------------------------------------------------------------------------------------------------------------------------- */

static const char *name_of(const struct chart_series *series)
{
    return series->label ? series->label : series->name ? series->name : "";
}

/* "pool tokens", "latency (ms)", as on the page. */
static void put_axis_label(const char *axis, const struct chart_axis *about, FILE *file)
{
    const char *name = about->name ? about->name : "", *unit = about->unit ? about->unit : "";
    const size_t length = strlen(name), end = strlen(unit);
    const bool said = end == 0 || (length >= end && strcmp(name + length - end, unit) == 0);
    char label[256];
    snprintf(label, sizeof label, said ? "%s" : "%s (%s)", name, unit);
    for (char *at = label; *at; at++)
        *at = *at == '_' ? ' ' : *at;
    fprintf(file, "set %slabel ", axis);
    gnuplot_put_quoted(label, false, file);
    fputc('\n', file);
}

/* What covers a whole grid is paler than a line of the same group. */
static const char *color_of(const struct chart *chart, const struct chart_series *series, char out[8])
{
    return chart->heading.kind == CHART_GRID ? gnuplot_pale_color(series->group, out) : gnuplot_color(series->group, out);
}

static int width_of(const struct chart *chart)
{
    return chart->heading.x.bare ? WIDE : WIDTH;
}

/* A point that the picture can show. */
static bool shown(const struct chart *chart, const struct chart_point *point)
{
    const struct chart_heading *heading = &chart->heading;
    const bool x_logarithmic = heading->kind == CHART_LINES || heading->x.logarithmic;
    return isfinite(point->x) && isfinite(point->y) && (!x_logarithmic || point->x > 0) && (!heading->y.logarithmic || point->y > 0);
}

/* Bars stand on each other, and spans lie over them. */
static bool is_bar(const struct chart *chart, const struct chart_series *series)
{
    return chart->heading.kind == CHART_BARS && series->draw != DRAW_SPANS;
}

/* Spans from left to right, each in its row; others stand upright. */
static bool has_rows(const struct chart *chart)
{
    for (size_t i = 0; i < chart->count && chart->heading.kind == CHART_PLOT; i++) {
        const struct chart_series *series = &chart->series[i];
        if (series->draw == DRAW_SPANS && series->count > 1 && series->points[0].x != series->points[1].x)
            return true;
    }
    return false;
}

/* From the lowest to the highest point. Without points or without extent: something around it. */
static struct range extent(const struct chart *chart, bool vertical)
{
    struct range range = {INFINITY, -INFINITY, vertical ? chart->heading.y.logarithmic : chart->heading.x.logarithmic, true};
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++) {
            const struct chart_point *point = &chart->series[i].points[j];
            if (!shown(chart, point))
                continue;
            range.low = fmin(range.low, vertical ? point->y : point->x);
            range.high = fmax(range.high, vertical ? point->y : point->x);
            range.whole &= floor(vertical ? point->y : point->x) == (vertical ? point->y : point->x);
        }
    if (!(range.low <= range.high))
        range.low = range.high = 1;
    if (range.high - range.low < 1e-9 * fmax(fabs(range.low), fabs(range.high)))
        range.low = range.high; /* apart by less than is written */
    if (range.logarithmic && range.low == range.high)
        range.low /= 2, range.high *= 2;
    else if (range.low == range.high)
        range.low -= range.low == 0 ? 0 : fabs(range.low) / 2, range.high += range.high == 0 ? 1 : fabs(range.high) / 2;
    return range;
}

/* Between labels: 1, 2 or 5 times a power of ten, for four to eight of them. */
static double step_of(const struct range *range)
{
    enum { WANTED = 5 };
    const double least = (range->high - range->low) / WANTED, unit = pow(10, floor(log10(least))), part = least / unit;
    const double step = unit * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
    return range->whole ? fmax(step, 1) : step;
}

/* How far the pile of bars at that x reaches, above 0 or below. */
static double pile_at(const struct chart *chart, double x, bool below)
{
    double pile = 0;
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count && is_bar(chart, &chart->series[i]); j++) {
            const struct chart_point *point = &chart->series[i].points[j];
            pile += point->x == x && (point->y < 0) == below ? point->y : 0;
        }
    return pile;
}

/* How far bars and the spans over them reach. */
static struct range reach(const struct chart *chart)
{
    struct range range = {0, 0, false, false};
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++) {
            const struct chart_point *point = &chart->series[i].points[j];
            const bool bar = is_bar(chart, &chart->series[i]);
            range.high = fmax(range.high, bar ? pile_at(chart, point->x, false) : point->y);
            range.low = fmin(range.low, bar ? pile_at(chart, point->x, true) : point->y);
        }
    return range.low < range.high ? range : (struct range){0, 1, false, false};
}

/* Columns of a grid; each has all rows. */
static size_t grid_columns(const struct chart *chart)
{
    return chart->heading.grid.rows > 0 && chart->count > 0 ? chart->series[0].count / chart->heading.grid.rows : 0;
}

static struct range range_of_y(const struct chart *chart)
{
    const struct chart_heading *heading = &chart->heading;
    if (heading->kind == CHART_GRID && grid_columns(chart) > 0) /* gnuplot cuts no image: the last row is whole */
        return (struct range){heading->y.low, heading->y.low + (double)heading->grid.rows * heading->grid.row_height, false, false};
    if (heading->y.high > heading->y.low)
        return (struct range){heading->y.low, heading->y.high, heading->y.logarithmic, false};
    if (heading->kind == CHART_LINES || heading->kind == CHART_AREAS)
        return (struct range){0, chart_y_high(chart), false, false};
    struct range range = heading->kind == CHART_BARS ? reach(chart) : extent(chart, true);
    if (range.logarithmic)
        return (struct range){range.low / 1.1, range.high * 1.1, true, false};
    if (has_rows(chart))
        return (struct range){range.low - 1, range.high + 1, false, false};
    range.low = fmin(range.low, 0);
    range.high = fmax(range.high, 0);
    const double step = step_of(&range);
    return (struct range){step * floor(range.low / step + 1e-9), step * ceil(range.high / step - 1e-9), false, range.whole};
}

static struct range range_of_x(const struct chart *chart)
{
    const struct chart_heading *heading = &chart->heading;
    const bool logarithmic = heading->x.logarithmic || heading->kind == CHART_LINES;
    if (heading->kind == CHART_BARS || heading->kind == CHART_HEAT)
        return (struct range){-0.5, (double)(chart->category_count > 0 ? chart->category_count : 1) - 0.5, false, false};
    if (heading->kind == CHART_GRID && grid_columns(chart) > 0)
        return (struct range){heading->x.low, heading->x.low + (double)grid_columns(chart) * heading->grid.column_width, false, false};
    if (heading->x.high > heading->x.low && (!logarithmic || heading->x.low > 0))
        return (struct range){heading->x.low, heading->x.high, logarithmic, false};
    struct range range = extent(chart, false);
    range.logarithmic = logarithmic;
    if (logarithmic)
        return (struct range){range.low / 1.1, range.high * 1.1, true, false};
    const double step = step_of(&range);
    return (struct range){step * floor(range.low / step + 1e-9), range.high, false, false};
}

/* A label, or without one a small mark. `largest`: of what stands on the axis, so that all labels have its unit; below ten thousand none has
 * one, as on the page. */
static void put_tic(double value, double largest, bool labelled, bool *first, FILE *file)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P"};
    size_t unit = 0;
    double divisor = 1;
    for (; largest >= 1e4 && largest / divisor >= 1000 * (1 - 1e-9) && unit + 1 < sizeof units / sizeof *units; unit++)
        divisor *= 1000;
    fputs(*first ? "" : ", ", file);
    if (labelled)
        fprintf(file, "'%.6g%s' %.12g", value / divisor, value == 0 ? "" : units[unit], value);
    else
        fprintf(file, "'' %.12g 1", value);
    *first = false;
}

/* Powers of ten, with 2 and 5 between them where there are few; small marks at the other digits. */
static void put_logarithmic_tics(const struct range *range, bool *first, FILE *file)
{
    const double decades = log10(range->high / range->low);
    const int powers_apart = decades > 9 ? 3 : 1;
    for (int power = (int)floor(log10(range->low)); power <= (int)ceil(log10(range->high)); power++)
        for (int digit = 1; digit < 10; digit++) {
            const double value = digit * pow(10, power);
            const bool round = digit == 1 ? power % powers_apart == 0 : decades < 0.7 || (decades < 2.5 && (digit == 2 || digit == 5));
            if (value >= range->low * (1 - 1e-9) && value <= range->high * (1 + 1e-9))
                put_tic(value, value, round, first, file);
        }
}

/* Where the ends are too close for labels to tell them apart there are none. */
static void put_linear_tics(const struct range *range, bool *first, FILE *file)
{
    const double step = step_of(range), least = ceil(range->low / step - 1e-9), largest = fmax(fabs(range->low), fabs(range->high));
    if (!(fabs(least) < 1e6))
        return;
    for (long count = (long)least; (double)count * step <= range->high + step * 1e-9; count++)
        put_tic((double)count * step, largest, true, first, file);
}

static void put_tics(const char *axis, const struct range *range, FILE *file)
{
    bool first = true;
    fprintf(file, "set %stics (", axis);
    if (range->logarithmic)
        put_logarithmic_tics(range, &first, file);
    else
        put_linear_tics(range, &first, file);
    fputs(")\n", file);
}

static void put_range(const char *axis, const struct range *range, FILE *file)
{
    if (range->logarithmic)
        fprintf(file, "set logscale %s 10\n", axis);
    fprintf(file, "set %srange [%.12g:%.12g] noextend\n", axis, range->low, range->high);
    put_tics(axis, range, file);
}

/* A line at each whole number, and nothing else. */
static void put_bare(const char *axis, const struct range *range, FILE *file)
{
    enum { LINES_MOST = 100 };
    double at = ceil(range->low) + 0.0; /* 0, not -0 */
    fprintf(file, "set border 0\nset bmargin 1\nset %srange [%.12g:%.12g] noextend\nset %stics scale 0 (", axis, range->low, range->high,
            axis);
    for (int i = 0; at <= range->high && i < LINES_MOST; i++)
        fprintf(file, "%s'' %.12g", i > 0 ? ", " : "", at++);
    fputs(")\n", file);
}

/* Names below the bars; at a slant where they would run into each other. */
static bool slanted(const struct chart *chart)
{
    enum { LETTER = 7, BESIDE = 60 };
    size_t longest = 0;
    for (size_t i = 0; i < chart->category_count; i++) {
        const size_t length = strlen(chart->categories[i]);
        longest = length > longest ? length : longest;
    }
    longest = longest < GNUPLOT_CATEGORY_MOST ? longest : GNUPLOT_CATEGORY_MOST;
    return (longest + 1) * LETTER * chart->category_count > WIDTH - BESIDE;
}

static void put_categories(const struct chart *chart, FILE *file)
{
    const struct range range = range_of_x(chart);
    fprintf(file, "set xrange [%.12g:%.12g] noextend\nset xtics %sscale 0 (", range.low, range.high,
            slanted(chart) ? "rotate by -30 left " : "");
    for (size_t i = 0; i < chart->category_count; i++) {
        fputs(i > 0 ? ", " : "", file);
        gnuplot_put_quoted(chart->categories[i], true, file);
        fprintf(file, " %zu", i);
    }
    fputs(")\n", file);
}

/* Rows of a map, from the top down, and its colours: light enough for the numbers in them. */
static void put_map_axes(const struct chart *chart, FILE *file)
{
    char color[8];
    const struct range values = extent(chart, true);
    fprintf(file, "set yrange [-0.5:%zu.5] noextend\nset ytics scale 0 (", chart->count > 0 ? chart->count - 1 : 0);
    for (size_t i = 0; i < chart->count; i++) {
        fputs(i > 0 ? ", " : "", file);
        gnuplot_put_quoted(name_of(&chart->series[i]), true, file);
        fprintf(file, " %zu", chart->count - 1 - i);
    }
    fprintf(file, ")\nset palette defined (0 '#f4f8fb', 1 '%s')\nset colorbox\nset cbrange [%.12g:%.12g]\n", gnuplot_color(5, color),
            values.low, values.high);
    put_tics("cb", &values, file);
    put_axis_label("cb", &chart->heading.y, file);
    fputs("set cblabel offset 1.5,0\nset rmargin at screen 0.8\n", file);
}

static void put_axis(const char *name, const struct chart_axis *about, const struct range *range, FILE *file)
{
    if (about->bare) {
        put_bare(name, range, file);
        return;
    }
    put_range(name, range, file);
    put_axis_label(name, about, file);
}

static void put_axes(const struct chart *chart, FILE *file)
{
    const struct chart_heading *heading = &chart->heading;
    const struct range x = range_of_x(chart), y = range_of_y(chart);
    const bool categories = heading->kind == CHART_BARS || heading->kind == CHART_HEAT;
    if (categories) {
        put_categories(chart, file);
        put_axis_label("x", &heading->x, file);
    } else {
        put_axis("x", &heading->x, &x, file);
    }
    if (heading->kind == CHART_HEAT) {
        put_map_axes(chart, file);
        return;
    }
    put_axis("y", &heading->y, &y, file);
    if (heading->kind != CHART_GRID) /* which is covered by its cells */
        fprintf(file, "set grid %s%s lc rgb '%s' lw 0.7 lt 1\n", categories ? "" : "xtics ", heading->y.bare ? "noytics" : "ytics",
                heading->x.bare ? "#b4bac1" : "#e4e7ea");
}

/* --- numbers ------------------------------------------------------------------------------------------------------------------------ */

static void put_row(FILE *file, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%s%.12g", i > 0 ? " " : "", values[i]);
    fputc('\n', file);
}
#define ROW(file, ...) put_row(file, (const double[]){__VA_ARGS__}, sizeof(const double[]){__VA_ARGS__} / sizeof(double))

/* What stands at the same x in the series before this one, on the same side of 0. */
static double base_of(const struct chart *chart, size_t series, const struct chart_point *point)
{
    double base = 0;
    for (size_t i = 0; i < series; i++)
        for (size_t j = 0; j < chart->series[i].count && is_bar(chart, &chart->series[i]); j++) {
            const struct chart_point *below = &chart->series[i].points[j];
            base += below->x == point->x && (below->y < 0) == (point->y < 0) ? below->y : 0;
        }
    return base;
}

static void put_bars(const struct chart *chart, size_t number, FILE *file)
{
    const struct chart_series *series = &chart->series[number];
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        const double base = base_of(chart, number, point);
        if (shown(chart, point))
            ROW(file, point->x, base, point->x - 0.36, point->x + 0.36, base, base + point->y);
    }
}

/* A value holds until the next point, the last to the end of the axis; all series have the same x. */
static void put_area(const struct chart *chart, size_t number, FILE *file)
{
    const struct chart_series *series = &chart->series[number];
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        double base = 0;
        for (size_t k = 0; k < number; k++)
            base += i < chart->series[k].count ? chart->series[k].points[i].y : 0;
        ROW(file, point->x, base, base + point->y);
        ROW(file, i + 1 < series->count ? point[1].x : chart->heading.x.high, base, base + point->y);
    }
}

/* Up first, then over, as on the page, and a gap. */
static void put_arc(const struct chart_point *from, const struct chart_point *to, FILE *file)
{
    enum { BENDS = 8 };
    for (int i = 0; i <= BENDS; i++) {
        const double turn = i * acos(0) / BENDS; /* up to a quarter of a circle */
        ROW(file, i < BENDS ? from->x + (to->x - from->x) * (1 - cos(turn)) : to->x, from->y + (to->y - from->y) * sin(turn));
    }
    fputs("NaN NaN\n", file);
}

/* What stands upright in a plot goes from one end of its axis to the other. */
static void put_span(const struct chart *chart, const struct chart_point *one, const struct chart_point *other, FILE *file)
{
    if (chart->heading.kind == CHART_PLOT && one->x == other->x && !has_rows(chart)) {
        const struct range y = range_of_y(chart);
        ROW(file, one->x, y.low, 0, y.high - y.low);
    } else {
        ROW(file, one->x, one->y, other->x - one->x, other->y - one->y);
    }
}

static void put_pairs(const struct chart *chart, const struct chart_series *series, FILE *file)
{
    for (size_t i = 0; i + 1 < series->count; i += 2) {
        const struct chart_point *one = &series->points[i], *other = one + 1;
        if (!shown(chart, one) || !shown(chart, other))
            continue;
        if (series->draw == DRAW_SPANS)
            put_span(chart, one, other, file);
        else if (series->draw == DRAW_ARCS)
            put_arc(one, other, file);
        else
            ROW(file, one->x, one->y, other->y);
        if (series->draw == DRAW_RANGE && i + 2 < series->count)
            ROW(file, one[2].x, one->y, other->y);
    }
}

static void put_cells(const struct chart *chart, size_t number, FILE *file)
{
    const struct chart_series *series = &chart->series[number];
    const double row = (double)(chart->count - 1 - number);
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        if (shown(chart, point))
            ROW(file, point->x, row, point->x - 0.5, point->x + 0.5, row - 0.5, row + 0.5, point->y);
    }
}

/* A gap where a number is missing. Lines over a share are constant outside of their points (chart.h). */
static void put_points(const struct chart *chart, const struct chart_series *series, FILE *file)
{
    const struct range x = range_of_x(chart);
    const bool goes_on = chart->heading.kind == CHART_LINES && series->draw == DRAW_LINE && series->count > 0;
    if (goes_on && series->points[0].x > x.low)
        ROW(file, x.low, series->points[0].y);
    for (size_t i = 0; i < series->count; i++)
        if (shown(chart, &series->points[i]))
            ROW(file, series->points[i].x, series->points[i].y);
        else
            fputs("NaN NaN\n", file);
    if (goes_on && series->points[series->count - 1].x < x.high)
        ROW(file, x.high, series->points[series->count - 1].y);
}

/* The mixture of the series' colours in a cell, as a number of three bytes. Nothing is white. */
static unsigned mixture(const struct chart *chart, size_t cell)
{
    double parts[3] = {0}, all = 0;
    for (size_t i = 0; i < chart->count; i++) {
        char color[8];
        const unsigned long paint = strtoul(color_of(chart, &chart->series[i], color) + 1, NULL, 16);
        const double share = cell < chart->series[i].count ? chart->series[i].points[cell].y : 0;
        for (int part = 0; part < 3 && share > 0; part++)
            parts[part] += share * (double)(paint >> (8 * part) & 0xff);
        all += share > 0 ? share : 0;
    }
    unsigned mixed = 0;
    for (int part = 0; part < 3; part++)
        mixed |= (all > 0 ? (unsigned)lround(parts[part] / all) : 0xff) << (8 * part);
    return mixed;
}

static size_t image_repeats(size_t cells)
{
    return (IMAGE_LEAST + cells - 1) / cells;
}

/* A line a row, from the lowest up; the chart has column after column. */
static void put_grid(const struct chart *chart, FILE *file)
{
    const size_t rows = chart->heading.grid.rows, columns = grid_columns(chart);
    fputs("$cells << EOD\n", file);
    for (size_t i = 0; columns > 0 && i < rows * image_repeats(rows); i++)
        for (size_t j = 0; j < columns * image_repeats(columns); j++)
            fprintf(file, "%u%c", mixture(chart, j / image_repeats(columns) * rows + i / image_repeats(rows)),
                    j + 1 < columns * image_repeats(columns) ? ' ' : '\n');
    fputs("EOD\n", file);
}

/* A label at each point, in as many lines as its room wants. */
static void put_words(const struct chart *chart, const struct chart_series *series, FILE *file)
{
    enum { LETTER = 6, LEAST = 6 };
    const struct range x = range_of_x(chart);
    const double room = (width_of(chart) - MARGINS) / (x.high - x.low) / LETTER; /* letters from one whole number to the next */
    for (size_t i = 0; series->labels && i < series->count; i++) {
        if (!series->labels[i] || !*series->labels[i] || !shown(chart, &series->points[i]))
            continue;
        fputs("set label ", file);
        const int lines = gnuplot_put_title(series->labels[i], room > LEAST && room < TITLE_LINE ? (size_t)room : LEAST, file);
        fprintf(file, " at %.12g,%.12g center offset 0,%.12g front boxed font small tc rgb '#1c2024'\n", series->points[i].x,
                series->points[i].y, (lines - 1) / 2.0);
    }
}

/* A block a series: "$s0". Of a grid: one for all, "$cells". */
static void put_data(const struct chart *chart, FILE *file)
{
    if (chart->heading.kind == CHART_GRID) {
        put_grid(chart, file);
        return;
    }
    for (size_t i = 0; i < chart->count; i++) {
        const struct chart_series *series = &chart->series[i];
        fprintf(file, "$s%zu << EOD\n", i);
        if (is_bar(chart, series))
            put_bars(chart, i, file);
        else if (chart->heading.kind == CHART_AREAS)
            put_area(chart, i, file);
        else if (chart->heading.kind == CHART_HEAT)
            put_cells(chart, i, file);
        else if (series->draw == DRAW_SPANS || series->draw == DRAW_RANGE || series->draw == DRAW_ARCS)
            put_pairs(chart, series, file);
        else if (series->draw != DRAW_WORDS)
            put_points(chart, series, file);
        fputs("EOD\n", file);
    }
}

/* --- the plot ----------------------------------------------------------------------------------------------------------------------- */

/* A range goes with its steps, and words need none. */
static bool in_legend(const struct chart_series *series)
{
    return series->draw != DRAW_RANGE && series->draw != DRAW_WORDS && series->count > 0;
}

/* Of a single series the title tells enough. */
static bool has_legend(const struct chart *chart)
{
    size_t named = 0;
    for (size_t i = 0; i < chart->count; i++)
        named += in_legend(&chart->series[i]);
    return named > 1 && chart->heading.kind != CHART_HEAT;
}

static size_t count_spans(const struct chart *chart)
{
    size_t spans = 0;
    for (size_t i = 0; i < chart->count; i++)
        spans += chart->series[i].draw == DRAW_SPANS ? chart->series[i].count / 2 : 0;
    return spans;
}

/* Lines from axis to axis are told apart by width: one alone is what matters, and many are what lies behind it. */
static const char *bare_width(const struct chart *chart, const struct chart_series *series)
{
    const double axes = chart->heading.x.high - chart->heading.x.low;
    return (double)series->count <= axes + 1 ? "2.2" : series->count > LINES_MANY ? "0.6" : "1.2";
}

/* Shapes and dashes tell series apart where a printer has no colours. `sample`: for the legend, where nothing is too small to be seen. */
static void put_style(const struct chart *chart, size_t number, bool sample, FILE *file)
{
    static const int shapes[] = {7, 9, 5, 13}, dashes[] = {1, 2, 4, 3};
    const struct chart_series *series = &chart->series[number];
    const bool many = series->count > MARKS_MANY && !sample;
    const char *size = many ? "0.22" : series->count > MARKS_SOME && !sample ? "0.35" : "0.6";
    char color[8];
    color_of(chart, series, color);
    if (chart->heading.kind == CHART_GRID)
        fprintf(file, "with boxxyerror fs solid 1 border lc rgb '#5b6470' fc rgb '%s'", color);
    else if (is_bar(chart, series))
        fprintf(file, "with boxxyerror fs solid 0.85 noborder lc rgb '%s'", color);
    else if (chart->heading.kind == CHART_AREAS)
        fprintf(file, "with filledcurves fs solid 0.8 noborder lc rgb '%s'", color);
    else if (chart->heading.kind == CHART_HEAT)
        fputs("with boxxyerror fs solid 1 border lc rgb '#ffffff' fc palette", file);
    else if (series->draw == DRAW_MARKS)
        fprintf(file, "with points pt %d ps %s lc rgb '#%s%s'", shapes[number % 4], size, many ? "60" : "00", color + 1);
    else if (series->draw == DRAW_SPANS && sample)
        fprintf(file, "with lines lw %s lc rgb '%s'", has_rows(chart) ? "4" : "2", color);
    else if (series->draw == DRAW_SPANS)
        fprintf(file, "with vectors nohead lw %s lc rgb '%s'", !has_rows(chart) ? "2" : count_spans(chart) > SPANS_MANY ? "1" : "3", color);
    else if (series->draw == DRAW_ARCS)
        fprintf(file, "with lines lw %s lc rgb '%s'", series->count > MARKS_MANY && !sample ? "0.5" : "1", color);
    else if (chart->heading.x.bare)
        fprintf(file, "with lines lw %s lc rgb '%s'", bare_width(chart, series), color);
    else if (series->draw == DRAW_RANGE)
        fprintf(file, "with filledcurves fs transparent solid 0.25 noborder lc rgb '%s'", color);
    else if (series->draw == DRAW_STEPS)
        fprintf(file, "with steps lw 1.3 lc rgb '%s'", color);
    else
        fprintf(file, "with lines lw 1.5 dt %d lc rgb '%s'", dashes[number % 4], color);
}

static void put_cell_numbers(const struct chart *chart, FILE *file)
{
    fputs("$numbers << EOD\n", file);
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++) {
            const struct chart_point *point = &chart->series[i].points[j];
            char text[UNIT_TEXT];
            if (shown(chart, point))
                fprintf(file, "%.12g %zu %s%s\n", point->x, chart->count - 1 - i, point->y < 0 ? "-" : "",
                        unit_short(fabs(point->y), text));
        }
    fputs("EOD\n", file);
}

static size_t columns_of(const struct chart *chart, const struct chart_series *series)
{
    if (is_bar(chart, series))
        return 6;
    switch (chart->heading.kind) {
    case CHART_HEAT:
        return 7;
    case CHART_AREAS:
        return 3;
    default:
        return series->draw == DRAW_SPANS ? 4 : series->draw == DRAW_RANGE ? 3 : 2;
    }
}

/* The place of a series in the legend: nothing, drawn as the series is. */
static void put_sample(const struct chart *chart, size_t number, FILE *file)
{
    fputs(", \\\n     NaN ", file);
    put_style(chart, number, true, file);
    fputs(" title ", file);
    gnuplot_put_quoted(name_of(&chart->series[number]), false, file);
}

static void put_series(const struct chart *chart, size_t number, FILE *file)
{
    fprintf(file, "$s%zu using 1", number);
    for (size_t column = 2; column <= columns_of(chart, &chart->series[number]); column++)
        fprintf(file, ":%zu", column);
    fputc(' ', file);
    put_style(chart, number, false, file);
    fputs(" notitle", file);
}

/* In the middle of each cell its colour. */
static bool plot_grid(const struct chart *chart, FILE *file)
{
    const struct chart_heading *heading = &chart->heading;
    const size_t columns = grid_columns(chart), rows = heading->grid.rows;
    if (columns == 0)
        return false;
    fprintf(file, "plot $cells matrix using (%.12g + %.12g * ($1 + 0.5)):(%.12g + %.12g * ($2 + 0.5)):", heading->x.low,
            heading->grid.column_width / (double)image_repeats(columns), heading->y.low,
            heading->grid.row_height / (double)image_repeats(rows));
    fputs("(int($3) >> 16):(int($3) >> 8 & 255):(int($3) & 255) with rgbimage notitle", file);
    return true;
}

/* Ranges lie below the lines that they belong to, and marks above all. In a layer the first lies above the others, of spans the last one, as
 * on the page. */
static bool plot_series(const struct chart *chart, FILE *file)
{
    static const enum chart_draw order[] = {DRAW_RANGE, DRAW_ARCS, DRAW_STEPS, DRAW_LINE, DRAW_SPANS, DRAW_MARKS};
    bool any = false;
    for (size_t layer = 0; layer < sizeof order / sizeof *order; layer++)
        for (size_t i = 0; i < chart->count; i++) {
            const size_t number = order[layer] == DRAW_SPANS ? i : chart->count - 1 - i;
            const struct chart_series *series = &chart->series[number];
            if (series->draw != order[layer] || series->count == 0)
                continue;
            fputs(any ? ", \\\n     " : "plot ", file);
            put_series(chart, number, file);
            any = true;
        }
    return any;
}

static void put_plot(const struct chart *chart, FILE *file)
{
    const bool numbers = chart->heading.kind == CHART_HEAT && chart->category_count <= CELLS_ACROSS && chart->count <= CELLS_DOWN;
    if (numbers)
        put_cell_numbers(chart, file);
    if (!(chart->heading.kind == CHART_GRID ? plot_grid(chart, file) : plot_series(chart, file))) {
        fputs("plot NaN notitle\n", file);
        return;
    }
    for (size_t i = 0; i < chart->count && has_legend(chart); i++)
        if (in_legend(&chart->series[i]))
            put_sample(chart, i, file);
    if (numbers)
        fputs(", \\\n     $numbers using 1:2:3 with labels font small tc rgb '#1c2024' notitle", file);
    fputc('\n', file);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------------------- */

/* Lines that the legend takes, which is as wide as the axes and has columns of one width. */
static int legend_lines(const struct chart *chart)
{
    enum { LETTER = 7, SAMPLE = 40 };
    size_t longest = 0, named = 0;
    for (size_t i = 0; i < chart->count; i++)
        if (in_legend(&chart->series[i])) {
            const size_t length = strlen(name_of(&chart->series[i]));
            longest = length > longest ? length : longest;
            named++;
        }
    const size_t columns =
        (size_t)(width_of(chart) - MARGINS) / (SAMPLE + LETTER * (longest < GNUPLOT_NAME_MOST ? longest : GNUPLOT_NAME_MOST));
    return !has_legend(chart) ? 1 : columns < 2 ? (int)named : (int)((named + columns - 1) / columns);
}

/* Legends, slanted names and the rows of a map make it higher, so that there is always room for the data. */
static int height_of(const struct chart *chart)
{
    enum { LINE = 15, SLANT = 40, FRAME = 130, ROWS_MOST = 24 };
    const int rows = chart->count < ROWS_MOST ? (int)chart->count : ROWS_MOST, needed = FRAME + ROW_HEIGHT * rows;
    if (chart->heading.kind == CHART_HEAT)
        return (HEIGHT > needed ? HEIGHT : needed) + (slanted(chart) ? SLANT : 0);
    if (has_rows(chart) && count_spans(chart) > SPANS_MANY)
        return TALL;
    return HEIGHT + LINE * (legend_lines(chart) - 1) + (chart->heading.kind == CHART_BARS && slanted(chart) ? SLANT : 0);
}

static void put_terminal(const struct chart *chart, enum picture_form form, FILE *file)
{
    if (form == PICTURE_SCRIPT)
        fputs("# Made by pagesim: gnuplot FILE.gp > FILE.svg draws it. For a PNG: set terminal pngcairo noenhanced size 1260,870 fontscale "
              "3\n",
              file);
    if (form == PICTURE_PNG)
        fprintf(file,
                "set terminal pngcairo noenhanced size %d,%d fontscale %d linewidth %d pointscale %d dashlength 0.6 font 'sans-serif,8' "
                "background '#ffffff'\n",
                PNG_SCALE * width_of(chart), PNG_SCALE * height_of(chart), PNG_SCALE, PNG_SCALE, PNG_SCALE);
    else
        fprintf(file, "set terminal svg standalone noenhanced size %d,%d dashlength 0.6 font 'sans-serif,11' background '#ffffff'\n",
                width_of(chart), height_of(chart));
    fprintf(file, "small = ',%s'\n", form == PICTURE_PNG ? "6.5" : "9");
}

void gnuplot_script(const struct chart *chart, enum picture_form form, FILE *file)
{
    put_terminal(chart, form, file);
    fputs("set encoding utf8\nset border 3 lc rgb '#5b6470' lw 0.8\nset tics nomirror out scale 0.5,0.25\n"
          "set key tmargin center horizontal Left reverse samplen 2\nset style textbox opaque fillcolor rgb '#ffffff' noborder margins "
          "0.4,0.4\n",
          file);
    fputs(has_legend(chart) ? "set key title " : "set title ", file);
    gnuplot_put_title(chart->heading.title ? chart->heading.title : "", TITLE_LINE * (size_t)width_of(chart) / WIDTH, file);
    fputc('\n', file);
    put_axes(chart, file);
    put_data(chart, file);
    for (size_t i = 0; i < chart->count; i++)
        if (chart->series[i].draw == DRAW_WORDS)
            put_words(chart, &chart->series[i], file);
    put_plot(chart, file);
}
