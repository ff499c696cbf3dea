/* chart.h - a picture as data: series of numbers and what their axes mean, for whoever draws it.
 *
 * Two kinds that terminals draw too, and four for pages of pictures alone (render_html.c):
 *
 *   lines   y is a share (0..1), from 0 up; x is on a logarithmic scale. Between two points of a series lies a straight line in x and y;
 *           before its first and after its last point it is constant. Series of marks are single points over the lines.
 *   areas   series stacked on each other, from the bottom up; y.high is the height of all together. x is time or the like, linear; a value
 *           holds from its x to the next one, the last to x.high. All series have the same x.
 *   plot    lines, steps, marks and spans over two axes, each linear or logarithmic. x.high 0: as far as the points reach.
 *   bars    a bar a point, at the category that is its x (0, 1, ...; chart_add_category); series stand on each other.
 *   heat    a map: columns are categories, rows are series, y is the value.
 *   grid    a map over two linear axes, cut into equal cells (struct chart_grid): a point a cell, column after column and in each of them row
 *           after row from y.low up; x is where the column begins, y how much of the cell is of the series. A cell's colour is the mixture.
 *
 * Whoever shows a chart needs nothing but this: chart_print.h draws it for a terminal, a page of pictures draws the same data its own way.
 *
 * A chart copies all text. All functions that add take NULL (a chart that could not be made) for nothing to do; chart_status tells of it.
 */
#ifndef PAGESIM_CHART_H
#define PAGESIM_CHART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "base/json.h"

enum chart_kind { CHART_LINES, CHART_AREAS, CHART_PLOT, CHART_BARS, CHART_HEAT, CHART_GRID };

/* How a series is drawn. Steps: a value holds until the next point. Spans: each pair of points is the two ends of one. Range: a pair of points
 * has the lowest and the highest value from its x to the next one; it belongs to the steps of its group, which come before it. Arcs: as spans,
 * but bent, up from the first point and then over to the second. Words: the label of each point stands there, and no mark. */
enum chart_draw { DRAW_LINE, DRAW_MARKS, DRAW_STEPS, DRAW_SPANS, DRAW_RANGE, DRAW_ARCS, DRAW_WORDS };

struct chart_axis {
    const char *name, *unit; /* "pool_tokens", "tokens" */
    double low, high;        /* what is shown; y of lines: 0, 0 for from 0 to the highest value */
    bool logarithmic;        /* of plots; x of lines always is */
    bool bare;               /* only a place: no numbers stand along it */
};

/* Of a grid: from x.low and y.low on; the last row may reach beyond y.high. */
struct chart_grid {
    size_t rows;
    double column_width, row_height;
};

struct chart_heading {
    enum chart_kind kind;
    const char *title; /* of lines: ends before the colon that introduces the legend. NULL: none */
    const char *note;  /* after the legend; NULL: none */
    struct chart_axis x, y;
    struct chart_grid grid;
    const char *labels; /* what the labels of points are: "command"; NULL: there are none that a reader asks for */
    const char *panel;  /* one of several small pictures alike that stand together under this title; NULL: it stands alone */
};

struct chart_point {
    double x, y;
};

struct chart_series {
    const char *name;           /* for programs; never NULL */
    const char *label;          /* in the legend; NULL: not in it */
    char mark;                  /* how a terminal draws it; '\0': not at all */
    size_t group;               /* series of a group look alike: a line and the marks that belong to it */
    enum chart_draw draw;       /* of lines: a line or marks */
    struct chart_point *points; /* owned by the chart */
    size_t count, capacity;
    char **labels; /* of each point; NULL: points have none. Owned by the chart */
    size_t label_capacity;
};

struct chart {
    struct chart_heading heading;
    struct chart_series *series;
    size_t count, capacity;
    char **categories; /* of bars and heat maps */
    size_t category_count, category_capacity;
    bool out_of_memory;
};

/* NULL: out of memory. */
struct chart *chart_create(const struct chart_heading *heading);
void chart_destroy(struct chart *chart);
SIM_NODISCARD enum status chart_status(const struct chart *chart, struct diag *diag);

/* A new series, without points. */
void chart_add_series(struct chart *chart, const struct chart_series *series);
/* One more point of the newest series; x rises, but for marks. */
void chart_add(struct chart *chart, double x, double y);
/* The same with a label, which all points of the series have, or none. Both ends of a span share the first one's: NULL for the second. */
void chart_add_labelled(struct chart *chart, double x, double y, const char *label);

/* Of the newest series keep the marks that a picture can tell apart: the first in each cell of a grid over their range, and the extremes of x
 * and y. At most some ten thousand are left. On logarithmic axes all must be above 0. Labels go with their marks. */
void chart_thin(struct chart *chart);
/* The name of the next category, from 0 on. */
void chart_add_category(struct chart *chart, const char *name);
/* Names for programs: "lines", "marks"; and back, false: there is no such. */
const char *chart_kind_name(enum chart_kind kind);
const char *chart_draw_name(enum chart_draw draw);
bool chart_kind_find(const char *name, enum chart_kind *out);
bool chart_draw_find(const char *name, enum chart_draw *out);

/* An object: title, kind, axes, series of [x, y]. */
void chart_write_json(const struct chart *chart, struct json_text *json);

/* The y of a line at any x. O(log points). */
double chart_line_at(const struct chart_series *series, double x);

/* Where the axis of y ends: heading.y.high, or above the highest value; for shares not above 1. */
double chart_y_high(const struct chart *chart);
/* The next number from `value` up whose thirds, which are the labels of y, are round. 1 for 0. */
double chart_top(double value);

#endif
