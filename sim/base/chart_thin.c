/* chart_thin.c - clouds of marks that a picture cannot show one by one. Read chart.h first. A grid is laid over the range of the newest
 * series, and the first mark in each of its cells stays: what is drawn looks the same, as marks are larger than cells. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/chart.h"

enum { COLUMNS = 200, ROWS = 120 };

static double on_axis(const struct chart_axis *axis, double value)
{
    return axis->logarithmic ? log(value) : value;
}

struct range {
    double low, high;
    size_t lowest, highest; /* which points have them; the first of several */
};

static struct range range_of(const struct chart_series *series, const struct chart_axis *axis, bool of_y)
{
    struct range range = {INFINITY, -INFINITY, 0, 0};
    for (size_t i = 0; i < series->count; i++) {
        const double value = on_axis(axis, of_y ? series->points[i].y : series->points[i].x);
        if (!isfinite(value))
            continue;
        if (value < range.low)
            range.low = value, range.lowest = i;
        if (value > range.high)
            range.high = value, range.highest = i;
    }
    return range;
}

static size_t cell_at(const struct range *range, double value, size_t cells)
{
    const double part = range->high > range->low ? (value - range->low) / (range->high - range->low) : 0;
    const size_t cell = part > 0 && part <= 1 ? (size_t)(part * (double)cells) : 0;
    return cell < cells ? cell : cells - 1;
}

void chart_thin(struct chart *chart)
{
    bool taken[ROWS][COLUMNS];
    if (!chart || chart->count == 0)
        return;
    struct chart_series *series = &chart->series[chart->count - 1];
    const struct chart_axis *x_axis = &chart->heading.x, *y_axis = &chart->heading.y;
    const struct range x = range_of(series, x_axis, false), y = range_of(series, y_axis, true);
    size_t kept = 0;
    memset(taken, 0, sizeof taken);
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point point = series->points[i];
        if (!isfinite(on_axis(x_axis, point.x)) || !isfinite(on_axis(y_axis, point.y)))
            continue; /* no axis has a place for it */
        bool *cell = &taken[cell_at(&y, on_axis(y_axis, point.y), ROWS)][cell_at(&x, on_axis(x_axis, point.x), COLUMNS)];
        const bool extreme = i == x.lowest || i == x.highest || i == y.lowest || i == y.highest;
        if (*cell && !extreme) {
            if (series->labels)
                free(series->labels[i]);
            continue;
        }
        *cell = true;
        if (series->labels)
            series->labels[kept] = series->labels[i];
        series->points[kept++] = point;
    }
    series->count = kept;
}
