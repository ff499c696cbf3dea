/* chart_print.c - draws charts with characters: lines on a grid that remembers whose each character is, areas cell by cell. Read
 * print_lines and print_areas first.
 *
 * For lines and areas the picture asks the data what stands in a column or cell, not the other way round. So a curve has exactly one mark
 * in each column, however many points it has, and areas have neither holes nor overlaps. */
#include "base/chart_print.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/printable.h"
#include "base/units.h"

/* With the labels to their left both kinds fit the 80 columns of a terminal. 16 rows make 15 steps, so thirds of the axis (chart_top)
 * fall on rows 0, 5, 10 and 15. */
enum { WIDTH = 68, HEIGHT = 16, MARGIN = 10 };
enum { AREA_WIDTH = 72, AREA_HEIGHT = 12, SHOWN_SIZE = 512 };

/* Names of others may stand in a saved report's charts. */
static const char *shown(const char *text, char out[SHOWN_SIZE])
{
    printable_copy(text, out, SHOWN_SIZE);
    return out;
}

/* --- lines ------------------------------------------------------------------------------------------------------------------------- */

/* What is drawn in a place, and as which group's. */
struct cell {
    char mark;
    uint16_t group;
};

/* The part of the plane that is shown. */
struct plane {
    double x_low, x_high, y_high;
};

/* x is logarithmic: equal distances are equal factors. These two are each other's inverse, up to rounding to a column. */
static double x_of_column(const struct plane *plane, int column)
{
    return plane->x_low * pow(plane->x_high / plane->x_low, (double)column / (WIDTH - 1));
}

static int column_of(const struct plane *plane, double x)
{
    return (int)lround(log(x / plane->x_low) / log(plane->x_high / plane->x_low) * (WIDTH - 1));
}

/* Later marks replace earlier ones. What lies outside the plane is left out, not moved to its edge, where it would look like a value. */
static void put(const struct plane *plane, const struct chart_series *series, int column, double y, struct cell grid[HEIGHT][WIDTH])
{
    int row = (int)lround(y / plane->y_high * (HEIGHT - 1)); /* row 0 is the lowest */
    if (row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH)
        grid[row][column] = (struct cell){series->mark, (uint16_t)series->group};
}

/* Lines or marks of all series. print_lines calls it for lines first, so that a mark is never hidden by a line. */
static void fill(const struct chart *chart, const struct plane *plane, bool marks, struct cell grid[HEIGHT][WIDTH])
{
    for (size_t i = 0; i < chart->count; i++) {
        const struct chart_series *series = &chart->series[i];
        if (!series->mark || (series->draw == DRAW_MARKS) != marks)
            continue;
        for (int column = 0; !marks && column < WIDTH; column++)
            put(plane, series, column, chart_line_at(series, x_of_column(plane, column)), grid);
        for (size_t j = 0; marks && j < series->count; j++)
            put(plane, series, column_of(plane, series->points[j].x), series->points[j].y, grid);
    }
}

/* Blanks at the end are cut, except on the axis. Colors are by group, so that a line and its marks look alike. */
static void print_row(const struct cell *cells, char empty, bool color, FILE *file)
{
    static const int colors[] = {36, 33, 35, 32, 34, 31};
    int last = WIDTH - 1;
    while (empty == ' ' && last >= 0 && !cells[last].mark)
        last--;
    for (int column = 0; column <= last; column++) {
        if (!cells[column].mark)
            fputc(empty, file);
        else if (color)
            fprintf(file, "\033[%dm%c\033[0m", colors[cells[column].group % (sizeof colors / sizeof *colors)], cells[column].mark);
        else
            fputc(cells[column].mark, file);
    }
    fputc('\n', file);
}

/* Powers of ten, where there is room: from the left, each label that neither touches the one before nor leaves the picture. The tolerance
 * lets a power that is the end of the axis count, although its logarithm may be a little off. */
static void print_x_labels(const struct plane *plane, FILE *file)
{
    char line[MARGIN + WIDTH + UNIT_TEXT], label[UNIT_TEXT];
    int free_from = 0, end = 0;
    memset(line, ' ', sizeof line);
    const int first = (int)ceil(log10(plane->x_low) - 1e-9), last = (int)floor(log10(plane->x_high) + 1e-9);
    for (int power = first; power <= last; power++) {
        const double x = pow(10, power);
        int at = MARGIN + column_of(plane, x), length = (int)strlen(unit_short(x, label));
        if (at < free_from || at + length > MARGIN + WIDTH)
            continue;
        memcpy(line + at, label, (size_t)length);
        end = at + length;
        free_from = end + 1;
    }
    fprintf(file, "%.*s\n", end, line);
}

/* "  Title: a first, b second;", then the note on a line of its own. */
static void print_legend(const struct chart *chart, FILE *file)
{
    const char *separator = ":";
    char text[SHOWN_SIZE];
    int column = chart->heading.title ? fprintf(file, "  %s", shown(chart->heading.title, text)) : 0;
    for (size_t i = 0; i < chart->count; i++) {
        const struct chart_series *series = &chart->series[i];
        if (!series->label || !series->mark)
            continue;
        fputs(separator, file);
        column++;
        if (column + 3 + (int)strlen(shown(series->label, text)) + 1 > 78)
            column = fprintf(file, "\n ") - 1;
        column += fprintf(file, " %c %s", series->mark, text);
        separator = ",";
    }
    if (chart->heading.note)
        fprintf(file, ";\n  %s", shown(chart->heading.note, text));
    fputc('\n', file);
}

static void print_lines(const struct chart *chart, bool color, FILE *file)
{
    const struct plane plane = {chart->heading.x.low, chart->heading.x.high, chart_y_high(chart)};
    struct cell grid[HEIGHT][WIDTH] = {{{0}}};
    if (!(plane.x_low > 0 && plane.x_high > plane.x_low && isfinite(plane.x_high)))
        return;
    print_legend(chart, file);
    fill(chart, &plane, false, grid);
    fill(chart, &plane, true, grid);
    for (int row = HEIGHT - 1; row >= 0; row--) {
        if (row % 5 == 0)
            fprintf(file, "%7.4g %%%c", plane.y_high * 100 * row / (HEIGHT - 1), row == 0 ? '+' : '|');
        else
            fprintf(file, "%*s", MARGIN, "|");
        print_row(grid[row], row == 0 ? '-' : ' ', color, file);
    }
    print_x_labels(&plane, file);
}

/* --- areas ------------------------------------------------------------------------------------------------------------------------- */

/* How the areas look, from the bottom of the stack up; those above the fourth look like it. */
static const struct {
    const char *block, *color; /* UTF-8; number of an ANSI code */
} palette[] = {{"\u2588", "32"}, {"\u2593", "31"}, {"\u2592", "34"}, {"\u2591", "90"}};
enum { PALETTE = sizeof palette / sizeof *palette };

static void print_cell(const struct chart_series *series, bool color, bool utf8, FILE *file)
{
    const size_t look = series->group < PALETTE ? series->group : PALETTE - 1;
    if (color)
        fprintf(file, "\033[%sm", palette[look].color);
    if (utf8)
        fputs(palette[look].block, file);
    else
        fputc(series->mark, file);
    if (color)
        fputs("\033[0m", file);
}

/* The series that covers this height, a share of the whole, at x. Values are steps: each holds from its x on. Rounding may leave a gap at
 * the very top, which the last series fills. */
static const struct chart_series *series_at(const struct chart *chart, double x, double height)
{
    double below = 0;
    size_t piece = 0, series = 0;
    while (piece + 1 < chart->series[0].count && chart->series[0].points[piece + 1].x <= x)
        piece++;
    for (; series + 1 < chart->count; series++) {
        below += chart->series[series].points[piece].y / chart->heading.y.high;
        if (height < below)
            break;
    }
    return &chart->series[series];
}

static void print_areas(const struct chart *chart, bool color, bool utf8, FILE *file)
{
    const struct chart_axis *x = &chart->heading.x;
    char length[UNIT_TEXT], text[SHOWN_SIZE];
    const char *gap = " ";
    if (chart->count == 0 || chart->series[0].count == 0 || !(x->high > x->low) || !(chart->heading.y.high > 0))
        return;
    for (int row = AREA_HEIGHT - 1; row >= 0; row--) {
        if (row == AREA_HEIGHT - 1)
            fputs(" 100 % ", file);
        else
            fputs(row == 0 ? "   0 % " : "       ", file);
        for (int column = 0; column < AREA_WIDTH; column++) {
            /* The middle of the cell, so that the error of showing one value for all of it is the same on both sides. */
            const double at = x->low + (column + 0.5) / AREA_WIDTH * (x->high - x->low);
            print_cell(series_at(chart, at, (row + 0.5) / AREA_HEIGHT), color, utf8, file);
        }
        fputc('\n', file);
    }
    unit_seconds(x->high - x->low, length);
    fprintf(file, "       0 s%*s\n      ", AREA_WIDTH - 3, length);
    for (size_t i = 0; i < chart->count; i++)
        if (chart->series[i].label) {
            fputs(gap, file);
            print_cell(&chart->series[i], color, utf8, file);
            fprintf(file, " %s", shown(chart->series[i].label, text));
            gap = "  ";
        }
    fputc('\n', file);
}

void chart_print(const struct chart *chart, bool color, bool utf8, FILE *file)
{
    if (chart->heading.kind == CHART_AREAS)
        print_areas(chart, color, utf8, file);
    else
        print_lines(chart, color, file);
}
