/* chart.c - curves on a grid of characters, each cell with the number of the curve whose colour it takes. The grid is filled first and
 * printed afterwards, top row first, so that later curves and points can cover earlier ones. Read chart_print at the end first.
 */
#include "base/chart.h"

#include <math.h>
#include <string.h>

#include "base/units.h"

enum { WIDTH = 68, HEIGHT = 16, MARGIN = 10 };

/* mark 0: nothing is drawn here. */
struct cell {
    char mark;
    size_t curve;
};

/* Columns are equally spaced in log x: pool sizes and rates span decades, and what happens at the small end matters as much. */
static double x_of_column(const struct chart *chart, int column)
{
    return chart->x_low * pow(chart->x_high / chart->x_low, (double)column / (WIDTH - 1));
}

static int column_of(const struct chart *chart, double x)
{
    return (int)lround(log(x / chart->x_low) / log(chart->x_high / chart->x_low) * (WIDTH - 1));
}

/* Row 0 is the lowest. */
static int row_of(const struct chart *chart, double y)
{
    return (int)lround(y / chart->y_high * (HEIGHT - 1));
}

/* One mark a column for each curve. Rows outside the grid are left out, so a curve that leaves the chart just ends. */
static void fill(const struct chart *chart, struct cell grid[HEIGHT][WIDTH])
{
    for (size_t i = 0; i < chart->curve_count; i++)
        for (int column = 0; column < WIDTH; column++) {
            int row = row_of(chart, chart->curves[i].y_at(chart->curves[i].self, x_of_column(chart, column)));
            if (row >= 0 && row < HEIGHT)
                grid[row][column] = (struct cell){chart->curves[i].mark, i};
        }
    for (size_t i = 0; i < chart->point_count; i++) {
        int row = row_of(chart, chart->points[i].y), column = column_of(chart, chart->points[i].x);
        if (row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH)
            grid[row][column] = (struct cell){chart->points[i].mark, chart->points[i].curve};
    }
}

/* A row of marks; blanks at its end are not printed, so that piped output has no trailing spaces. */
static void print_row(const struct chart *chart, const struct cell *cells, char empty, FILE *file)
{
    static const int colors[] = {36, 33, 35, 32, 34, 31};
    int last = WIDTH - 1;
    while (empty == ' ' && last >= 0 && !cells[last].mark)
        last--;
    for (int column = 0; column <= last; column++) {
        if (!cells[column].mark)
            fputc(empty, file);
        else if (chart->color)
            fprintf(file, "\033[%dm%c\033[0m", colors[cells[column].curve % (sizeof colors / sizeof *colors)], cells[column].mark);
        else
            fputc(cells[column].mark, file);
    }
    fputc('\n', file);
}

/* Powers of ten, where there is room. */
static void print_x_labels(const struct chart *chart, FILE *file)
{
    char line[MARGIN + WIDTH + UNIT_TEXT], label[UNIT_TEXT];
    int free_from = 0, end = 0;
    memset(line, ' ', sizeof line);
    const int first = (int)ceil(log10(chart->x_low) - 1e-9), last = (int)floor(log10(chart->x_high) + 1e-9);
    for (int power = first; power <= last; power++) {
        const double x = pow(10, power);
        int at = MARGIN + column_of(chart, x), length = (int)strlen(unit_short(x, label));
        if (at < free_from || at + length > MARGIN + WIDTH)
            continue;
        memcpy(line + at, label, (size_t)length);
        end = at + length;
        free_from = end + 1;
    }
    fprintf(file, "%.*s\n", end, line);
}

/* The axis has three labels above 0, so its top is three times a step that reads well. */
double chart_top(double value)
{
    static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
    if (!(value > 0))
        return 1;
    double unit = pow(10, floor(log10(value / 3))), step = value / 3 / unit;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i] >= step * (1 - 1e-12))
            return 3 * steps[i] * unit;
    return value;
}

/* Every fifth row has a label, which leaves four of them over the height. */
enum status chart_print(const struct chart *chart, FILE *file, struct diag *diag)
{
    if (!(chart->x_low > 0 && chart->x_high > chart->x_low && chart->y_high > 0))
        return diag_set(diag, SIM_FAILED, "internal error: a chart without extent");
    struct cell grid[HEIGHT][WIDTH] = {{{0}}};
    fill(chart, grid);
    for (int row = HEIGHT - 1; row >= 0; row--) {
        if (row % 5 == 0)
            fprintf(file, "%7.4g %%%c", chart->y_high * 100 * row / (HEIGHT - 1), row == 0 ? '+' : '|');
        else
            fprintf(file, "%*s", MARGIN, "|");
        print_row(chart, grid[row], row == 0 ? '-' : ' ', file);
    }
    print_x_labels(chart, file);
    return SIM_OK;
}
