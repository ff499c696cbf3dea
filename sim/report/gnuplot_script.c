/* gnuplot_script.c - writes scripts. Read gnuplot_script at the end first: terminal, axes, data, and one plot command for all series.
 *
 * Ranges and labels of axes are made here and not left to gnuplot, so that labels are as short as on the page ("10k", not "10000") and a
 * chart without points has axes, too. */
#include "report/gnuplot_script.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"
#include "base/units.h"
#include "report/page_files.h"

/* Pixels of the SVG. Scaled to a column of 8.5 cm letters are 7 points high. A PNG has three times as many each way: 380 to the inch then. */
enum { WIDTH = 420, HEIGHT = 290, TALL = 460, ROW_HEIGHT = 24, PNG_SCALE = 3 };
/* Letters of a line of the title, of a name in the legend or of an axis, of a category; a longer one is cut. */
enum { TITLE_LINE = 56, NAME_MOST = 40, CATEGORY_MOST = 24 };
/* From so many marks on they are smaller, then smaller still and let others through; from so many spans on these are thin, and the picture is
 * tall. */
enum { MARKS_SOME = 60, MARKS_MANY = 400, SPANS_MANY = 100 };
/* A map of more columns or rows shows colours alone. */
enum { CELLS_ACROSS = 8, CELLS_DOWN = 16 };

struct range {
    double low, high;
    bool logarithmic;
};

/* --- text of others ----------------------------------------------------------------------------------------------------------------- */

/* One character between single quotes. `category`: labels of axes are formats. XML cannot hold U+FFFE and U+FFFF, and gnuplot leaves "&#" as it
 * is, which would be any character there. */
static size_t put_character(const char *text, bool category, FILE *file)
{
    char shown[PRINTABLE_ESCAPE];
    long code;
    const size_t length = printable_next(text, &code);
    printable_show(text, shown);
    if (code >= 0 && (code & 0xfffe) == 0xfffe)
        fputc('?', file);
    else if (*text == '\'')
        fputs("\xe2\x80\x99", file); /* U+2019 */
    else if (text[0] == '&' && text[1] == '#')
        fputs("& ", file);
    else if (*text == '`')
        fputs("\xcb\x8b", file); /* U+02CB */
    else if (category && *text == '%')
        fputs("%%", file);
    else
        fputs(shown, file);
    return length;
}

static void put_quoted(const char *text, bool category, FILE *file)
{
    fputc('\'', file);
    for (int left = category ? CATEGORY_MOST : NAME_MOST; *text && left > 0; left--)
        text += put_character(text, category, file);
    fputs(*text ? "...'" : "'", file);
}

/* In lines of at most TITLE_LINE letters, cut at spaces; joined by a line end, which single quotes cannot hold. */
static void put_title(const char *title, FILE *file)
{
    enum { LINES_MOST = 3 };
    for (int line = 0; *title && line < LINES_MOST; line++) {
        size_t letters = 0, bytes = 0, fits = 0;
        long code;
        while (title[bytes] && letters < TITLE_LINE) {
            bytes += printable_next(title + bytes, &code);
            letters++;
            if (title[bytes] == ' ' || !title[bytes])
                fits = bytes;
        }
        const char *end = title + (fits > 0 ? fits : bytes);
        fputs(line > 0 ? ".\"\\n\".'" : "'", file);
        while (title < end)
            title += put_character(title, false, file);
        title += *title == ' ';
        fputc('\'', file);
    }
}

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
    put_quoted(label, false, file);
    fputc('\n', file);
}

const char *gnuplot_color(size_t group, char out[8])
{
    enum { COLORS = 7 };
    char name[16];
    snprintf(name, sizeof name, "--c%zu: #", group % COLORS);
    const char *found = strstr(page_css.text, name);
    snprintf(out, 8, "#%.6s", found ? found + strlen(name) : "000000");
    return out;
}

/* --- axes --------------------------------------------------------------------------------------------------------------------------- */

/* A point that the picture can show. */
static bool shown(const struct chart *chart, const struct chart_point *point)
{
    const struct chart_heading *heading = &chart->heading;
    const bool x_logarithmic = heading->kind == CHART_LINES || heading->x.logarithmic;
    return isfinite(point->x) && isfinite(point->y) && (!x_logarithmic || point->x > 0) && (!heading->y.logarithmic || point->y > 0);
}

static bool has_draw(const struct chart *chart, enum chart_draw draw)
{
    for (size_t i = 0; i < chart->count; i++)
        if (chart->series[i].draw == draw)
            return true;
    return false;
}

/* From the lowest to the highest point. Without points or without extent: something around it. */
static struct range extent(const struct chart *chart, bool vertical)
{
    struct range range = {INFINITY, -INFINITY, vertical ? chart->heading.y.logarithmic : chart->heading.x.logarithmic};
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++) {
            const struct chart_point *point = &chart->series[i].points[j];
            if (!shown(chart, point))
                continue;
            range.low = fmin(range.low, vertical ? point->y : point->x);
            range.high = fmax(range.high, vertical ? point->y : point->x);
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
    return unit * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

/* How far each bar or each pile of areas reaches, above 0 and below. */
static struct range reach(const struct chart *chart)
{
    struct range range = {0, 0, false};
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++) {
            double above = 0, below = 0;
            for (size_t k = 0; k < chart->count; k++)
                for (size_t l = 0; l < chart->series[k].count; l++)
                    if (chart->series[k].points[l].x == chart->series[i].points[j].x)
                        *(chart->series[k].points[l].y < 0 ? &below : &above) += chart->series[k].points[l].y;
            range.high = fmax(range.high, above);
            range.low = fmin(range.low, below);
        }
    return range.low < range.high ? range : (struct range){0, 1, false};
}

static struct range range_of_y(const struct chart *chart)
{
    const struct chart_heading *heading = &chart->heading;
    if (heading->y.high > heading->y.low)
        return (struct range){heading->y.low, heading->y.high, heading->y.logarithmic};
    if (heading->kind == CHART_LINES || heading->kind == CHART_AREAS)
        return (struct range){0, chart_y_high(chart), false};
    struct range range = heading->kind == CHART_BARS ? reach(chart) : extent(chart, true);
    if (range.logarithmic)
        return (struct range){range.low / 1.1, range.high * 1.1, true};
    if (has_draw(chart, DRAW_SPANS))
        return (struct range){range.low - 1, range.high + 1, false};
    range.low = fmin(range.low, 0);
    range.high = fmax(range.high, 0);
    const double step = step_of(&range);
    return (struct range){step * floor(range.low / step + 1e-9), step * ceil(range.high / step - 1e-9), false};
}

static struct range range_of_x(const struct chart *chart)
{
    const struct chart_heading *heading = &chart->heading;
    const bool logarithmic = heading->x.logarithmic || heading->kind == CHART_LINES;
    if (heading->kind == CHART_BARS || heading->kind == CHART_HEAT)
        return (struct range){-0.5, (double)(chart->category_count > 0 ? chart->category_count : 1) - 0.5, false};
    if (heading->x.high > heading->x.low && (!logarithmic || heading->x.low > 0))
        return (struct range){heading->x.low, heading->x.high, logarithmic};
    struct range range = extent(chart, false);
    range.logarithmic = logarithmic;
    if (logarithmic)
        return (struct range){range.low / 1.1, range.high * 1.1, true};
    const double step = step_of(&range);
    return (struct range){step * floor(range.low / step + 1e-9), range.high, false};
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

/* Names below the bars; at a slant where they would run into each other. */
static bool slanted(const struct chart *chart)
{
    enum { LETTER = 7, MARGINS = 60 };
    size_t longest = 0;
    for (size_t i = 0; i < chart->category_count; i++) {
        const size_t length = strlen(chart->categories[i]);
        longest = length > longest ? length : longest;
    }
    longest = longest < CATEGORY_MOST ? longest : CATEGORY_MOST;
    return (longest + 1) * LETTER * chart->category_count > WIDTH - MARGINS;
}

static void put_categories(const struct chart *chart, FILE *file)
{
    const struct range range = range_of_x(chart);
    fprintf(file, "set xrange [%.12g:%.12g] noextend\nset xtics %sscale 0 (", range.low, range.high,
            slanted(chart) ? "rotate by -30 left " : "");
    for (size_t i = 0; i < chart->category_count; i++) {
        fputs(i > 0 ? ", " : "", file);
        put_quoted(chart->categories[i], true, file);
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
        put_quoted(name_of(&chart->series[i]), true, file);
        fprintf(file, " %zu", chart->count - 1 - i);
    }
    fprintf(file, ")\nset palette defined (0 '#f4f8fb', 1 '%s')\nset colorbox\nset cbrange [%.12g:%.12g]\n", gnuplot_color(5, color),
            values.low, values.high);
    put_tics("cb", &values, file);
    put_axis_label("cb", &chart->heading.y, file);
    fputs("set cblabel offset 1.5,0\nset rmargin at screen 0.8\n", file);
}

static void put_axes(const struct chart *chart, FILE *file)
{
    const struct chart_heading *heading = &chart->heading;
    const struct range x = range_of_x(chart), y = range_of_y(chart);
    if (heading->kind == CHART_BARS || heading->kind == CHART_HEAT)
        put_categories(chart, file);
    else
        put_range("x", &x, file);
    put_axis_label("x", &heading->x, file);
    if (heading->kind == CHART_HEAT) {
        put_map_axes(chart, file);
        return;
    }
    put_range("y", &y, file);
    put_axis_label("y", &heading->y, file);
    fputs(heading->kind == CHART_BARS ? "set grid ytics lc rgb '#e4e7ea' lw 0.7 lt 1\n"
                                      : "set grid xtics ytics lc rgb '#e4e7ea' lw 0.7 lt 1\n",
          file);
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
        for (size_t j = 0; j < chart->series[i].count; j++) {
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

static void put_pairs(const struct chart *chart, const struct chart_series *series, FILE *file)
{
    for (size_t i = 0; i + 1 < series->count; i += 2) {
        const struct chart_point *one = &series->points[i], *other = one + 1;
        if (!shown(chart, one) || !shown(chart, other))
            continue;
        if (series->draw == DRAW_SPANS) {
            ROW(file, one->x, one->y, other->x - one->x, other->y - one->y);
            continue;
        }
        ROW(file, one->x, one->y, other->y);
        if (i + 2 < series->count)
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

/* A block a series: "$s0". */
static void put_data(const struct chart *chart, FILE *file)
{
    for (size_t i = 0; i < chart->count; i++) {
        const struct chart_series *series = &chart->series[i];
        fprintf(file, "$s%zu << EOD\n", i);
        if (chart->heading.kind == CHART_BARS)
            put_bars(chart, i, file);
        else if (chart->heading.kind == CHART_AREAS)
            put_area(chart, i, file);
        else if (chart->heading.kind == CHART_HEAT)
            put_cells(chart, i, file);
        else if (series->draw == DRAW_SPANS || series->draw == DRAW_RANGE)
            put_pairs(chart, series, file);
        else
            put_points(chart, series, file);
        fputs("EOD\n", file);
    }
}

/* --- the plot ----------------------------------------------------------------------------------------------------------------------- */

/* Of a single series the title tells enough. */
static bool has_legend(const struct chart *chart)
{
    size_t named = 0;
    for (size_t i = 0; i < chart->count; i++)
        named += chart->series[i].draw != DRAW_RANGE && chart->series[i].count > 0;
    return named > 1 && chart->heading.kind != CHART_HEAT;
}

static size_t count_spans(const struct chart *chart)
{
    size_t spans = 0;
    for (size_t i = 0; i < chart->count; i++)
        spans += chart->series[i].draw == DRAW_SPANS ? chart->series[i].count / 2 : 0;
    return spans;
}

/* Shapes and dashes tell series apart where a printer has no colours. `sample`: for the legend, where nothing is too small to be seen. */
static void put_style(const struct chart *chart, size_t number, bool sample, FILE *file)
{
    static const int shapes[] = {7, 9, 5, 13}, dashes[] = {1, 2, 4, 3};
    const struct chart_series *series = &chart->series[number];
    const bool many = series->count > MARKS_MANY && !sample;
    const char *size = many ? "0.22" : series->count > MARKS_SOME && !sample ? "0.35" : "0.6";
    char color[8];
    gnuplot_color(series->group, color);
    if (chart->heading.kind == CHART_BARS)
        fprintf(file, "with boxxyerror fs solid 0.85 noborder lc rgb '%s'", color);
    else if (chart->heading.kind == CHART_AREAS)
        fprintf(file, "with filledcurves fs solid 0.8 noborder lc rgb '%s'", color);
    else if (chart->heading.kind == CHART_HEAT)
        fputs("with boxxyerror fs solid 1 border lc rgb '#ffffff' fc palette", file);
    else if (series->draw == DRAW_MARKS)
        fprintf(file, "with points pt %d ps %s lc rgb '#%s%s'", shapes[number % 4], size, many ? "60" : "00", color + 1);
    else if (series->draw == DRAW_SPANS && sample)
        fprintf(file, "with lines lw 4 lc rgb '%s'", color);
    else if (series->draw == DRAW_SPANS)
        fprintf(file, "with vectors nohead lw %s lc rgb '%s'", count_spans(chart) > SPANS_MANY ? "1" : "3", color);
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
    switch (chart->heading.kind) {
    case CHART_BARS:
        return 6;
    case CHART_HEAT:
        return 7;
    case CHART_AREAS:
        return 3;
    default:
        return series->draw == DRAW_SPANS ? 4 : series->draw == DRAW_RANGE ? 3 : 2;
    }
}

/* Numbers of one series, then its place in the legend: nothing, drawn as the series is. */
static void put_series(const struct chart *chart, size_t number, FILE *file)
{
    const struct chart_series *series = &chart->series[number];
    fprintf(file, "$s%zu using 1", number);
    for (size_t column = 2; column <= columns_of(chart, series); column++)
        fprintf(file, ":%zu", column);
    fputc(' ', file);
    put_style(chart, number, false, file);
    fputs(" notitle", file);
    if (!has_legend(chart) || series->draw == DRAW_RANGE)
        return;
    fputs(", \\\n     NaN ", file);
    put_style(chart, number, true, file);
    fputs(" title ", file);
    put_quoted(name_of(series), false, file);
}

/* Ranges lie below the lines that they belong to, and marks above all. */
static void put_plot(const struct chart *chart, FILE *file)
{
    static const enum chart_draw order[] = {DRAW_RANGE, DRAW_SPANS, DRAW_STEPS, DRAW_LINE, DRAW_MARKS};
    const bool numbers = chart->heading.kind == CHART_HEAT && chart->category_count <= CELLS_ACROSS && chart->count <= CELLS_DOWN;
    bool any = false;
    if (numbers)
        put_cell_numbers(chart, file);
    for (size_t layer = 0; layer < sizeof order / sizeof *order; layer++)
        for (size_t i = 0; i < chart->count; i++) {
            const struct chart_series *series = &chart->series[i];
            if (series->draw != order[layer] || series->count == 0)
                continue;
            fputs(any ? ", \\\n     " : "plot ", file);
            put_series(chart, i, file);
            any = true;
        }
    if (any && numbers)
        fputs(", \\\n     $numbers using 1:2:3 with labels font ',9' tc rgb '#1c2024' notitle", file);
    fputs(any ? "\n" : "plot NaN notitle\n", file);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------------------- */

/* Lines that the legend takes, which is as wide as the axes and has columns of one width. */
static int legend_lines(const struct chart *chart)
{
    enum { LETTER = 7, SAMPLE = 40, ROOM = 330 };
    size_t longest = 0, named = 0;
    for (size_t i = 0; i < chart->count; i++)
        if (chart->series[i].draw != DRAW_RANGE && chart->series[i].count > 0) {
            const size_t length = strlen(name_of(&chart->series[i]));
            longest = length > longest ? length : longest;
            named++;
        }
    const size_t columns = ROOM / (SAMPLE + LETTER * (longest < NAME_MOST ? longest : NAME_MOST));
    return !has_legend(chart) ? 1 : columns < 2 ? (int)named : (int)((named + columns - 1) / columns);
}

/* Legends, slanted names and the rows of a map make it higher, so that there is always room for the data. */
static int height_of(const struct chart *chart)
{
    enum { LINE = 15, SLANT = 40, FRAME = 130, ROWS_MOST = 24 };
    const int rows = chart->count < ROWS_MOST ? (int)chart->count : ROWS_MOST, needed = FRAME + ROW_HEIGHT * rows;
    if (chart->heading.kind == CHART_HEAT)
        return (HEIGHT > needed ? HEIGHT : needed) + (slanted(chart) ? SLANT : 0);
    if (count_spans(chart) > SPANS_MANY)
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
                PNG_SCALE * WIDTH, PNG_SCALE * height_of(chart), PNG_SCALE, PNG_SCALE, PNG_SCALE);
    else
        fprintf(file, "set terminal svg noenhanced size %d,%d dashlength 0.6 font 'sans-serif,11' background '#ffffff'\n", WIDTH,
                height_of(chart));
}

void gnuplot_script(const struct chart *chart, enum picture_form form, FILE *file)
{
    put_terminal(chart, form, file);
    fputs("set encoding utf8\nset border 3 lc rgb '#5b6470' lw 0.8\nset tics nomirror out scale 0.5,0.25\n"
          "set key tmargin center horizontal Left reverse samplen 2\n",
          file);
    fputs(has_legend(chart) ? "set key title " : "set title ", file);
    put_title(chart->heading.title ? chart->heading.title : "", file);
    fputc('\n', file);
    put_axes(chart, file);
    put_data(chart, file);
    put_plot(chart, file);
}
