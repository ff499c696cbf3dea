/* chart.h - a drawing of curves for the terminal, at most 80 columns wide: y from 0 up, x on a logarithmic scale.
 *
 *      40 % |                       aaaaaaaa
 *           |              aaAaaaaaa   B
 *           |       aaaaaaabbbb
 *       0 % +aaaabbbbbbbb---------------------
 *            1k          10k          100k
 */
#ifndef PAGESIM_CHART_H
#define PAGESIM_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"

/* One curve: y at any x, marked with a letter. */
struct chart_curve {
    char mark;
    double (*y_at)(const void *self, double x);
    const void *self;
};

/* Single points over the curves. */
struct chart_point {
    char mark;
    double x, y;
    size_t curve; /* whose colour it has */
};

struct chart {
    double x_low, x_high; /* 0 < x_low < x_high */
    double y_high;        /* a share: 0.4 is labelled 40 % */
    const struct chart_curve *curves;
    size_t curve_count;
    const struct chart_point *points;
    size_t point_count;
    bool color;
};

/* Later curves are drawn over earlier ones, points over all. */
SIM_NODISCARD enum status chart_print(const struct chart *chart, FILE *file, struct diag *diag);

/* The next number from `value` up whose thirds, which are the labels of y, are round. 1 for 0. */
double chart_top(double value);

#endif
