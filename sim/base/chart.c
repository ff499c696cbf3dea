/* chart.c - the data of a chart: text and points are copied, and the first failed allocation stops all building. Writes them as JSON;
 * chart_print.c draws them. Read chart_add first: a chart is built series by series, each from left to right.
 *
 * Functions that add return nothing, so that a report can add without checks and ask once at the end, with chart_status. */
#include "base/chart.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* --- data -------------------------------------------------------------------------------------------------------------------------- */

/* Replaces a borrowed text by a copy of its own. NULL stays NULL and is no failure. */
static void copy_text(struct chart *chart, const char **text)
{
    const char *copy = *text ? strdup(*text) : NULL;
    chart->out_of_memory |= *text && !copy;
    *text = copy;
}

/* Text that copy_text made. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

/* The texts of a heading in a list, so that what is copied and what is freed cannot differ. */
enum { HEADING_TEXTS = 8 };
static const char **heading_text(struct chart_heading *heading, int i)
{
    const char **const texts[HEADING_TEXTS] = {&heading->title,  &heading->note,   &heading->x.name, &heading->x.unit,
                                               &heading->y.name, &heading->y.unit, &heading->labels, &heading->panel};
    return texts[i];
}

struct chart *chart_create(const struct chart_heading *heading)
{
    struct chart *chart = calloc(1, sizeof *chart);
    if (!chart)
        return NULL;
    chart->heading = *heading;
    for (int i = 0; i < HEADING_TEXTS; i++)
        copy_text(chart, heading_text(&chart->heading, i));
    return chart;
}

void chart_destroy(struct chart *chart)
{
    if (!chart)
        return;
    for (size_t i = 0; i < chart->count; i++) {
        free_text(chart->series[i].name);
        free_text(chart->series[i].label);
        for (size_t j = 0; chart->series[i].labels && j < chart->series[i].count; j++)
            free(chart->series[i].labels[j]);
        free(chart->series[i].labels);
        free(chart->series[i].points);
    }
    free(chart->series);
    for (size_t i = 0; i < chart->category_count; i++)
        free(chart->categories[i]);
    free(chart->categories);
    for (int i = 0; i < HEADING_TEXTS; i++)
        free_text(*heading_text(&chart->heading, i));
    free(chart);
}

enum status chart_status(const struct chart *chart, struct diag *diag)
{
    return !chart || chart->out_of_memory ? diag_no_memory(diag, sizeof *chart, "a chart") : SIM_OK;
}

void chart_add_series(struct chart *chart, const struct chart_series *series)
{
    struct diag ignored = {0}; /* chart_status tells */
    if (!chart || chart->out_of_memory)
        return;
    if (array_reserve(&chart->series, &chart->capacity, chart->count + 1, sizeof *chart->series, "a chart", &ignored) != SIM_OK) {
        chart->out_of_memory = true;
        return;
    }
    /* Counted before its text is copied, so that chart_destroy frees it even if a copy fails; points always start empty. */
    struct chart_series *added = &chart->series[chart->count++];
    *added = *series;
    copy_text(chart, &added->name);
    copy_text(chart, &added->label);
    added->points = NULL;
    added->count = added->capacity = 0;
    added->labels = NULL;
    added->label_capacity = 0;
}

void chart_add(struct chart *chart, double x, double y)
{
    struct diag ignored = {0};
    if (!chart || chart->out_of_memory || chart->count == 0)
        return;
    struct chart_series *series = &chart->series[chart->count - 1];
    if (array_reserve(&series->points, &series->capacity, series->count + 1, sizeof *series->points, "a chart", &ignored) == SIM_OK)
        series->points[series->count++] = (struct chart_point){x, y};
    else
        chart->out_of_memory = true;
}

/* The point comes last, so that there are never more points than labels. */
void chart_add_labelled(struct chart *chart, double x, double y, const char *label)
{
    struct diag ignored = {0};
    if (!chart || chart->out_of_memory || chart->count == 0)
        return;
    struct chart_series *series = &chart->series[chart->count - 1];
    if (array_reserve(&series->labels, &series->label_capacity, series->count + 1, sizeof *series->labels, "a chart", &ignored) != SIM_OK) {
        chart->out_of_memory = true;
        return;
    }
    char *copy = label ? strdup(label) : NULL;
    series->labels[series->count] = copy;
    chart->out_of_memory |= label && !copy;
    chart_add(chart, x, y);
    if (chart->out_of_memory)
        free(copy); /* there is no point that has it */
}

void chart_add_category(struct chart *chart, const char *name)
{
    struct diag ignored = {0};
    if (!chart || chart->out_of_memory)
        return;
    char *copy = strdup(name);
    if (copy && array_reserve(&chart->categories, &chart->category_capacity, chart->category_count + 1, sizeof *chart->categories,
                              "a chart", &ignored) == SIM_OK)
        chart->categories[chart->category_count++] = copy;
    else
        free(copy), chart->out_of_memory = true;
}

/* In the order of the enumerations. */
static const char *const kind_names[] = {"lines", "areas", "plot", "bars", "heat", "grid"};
static const char *const draw_names[] = {"line", "marks", "steps", "spans", "range", "arcs", "words"};

static size_t name_find(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

const char *chart_kind_name(enum chart_kind kind)
{
    return kind_names[kind];
}

const char *chart_draw_name(enum chart_draw draw)
{
    return draw_names[draw];
}

bool chart_kind_find(const char *name, enum chart_kind *out)
{
    const size_t count = sizeof kind_names / sizeof *kind_names, i = name_find(kind_names, count, name);
    *out = (enum chart_kind)(i % count);
    return i < count;
}

bool chart_draw_find(const char *name, enum chart_draw *out)
{
    const size_t count = sizeof draw_names / sizeof *draw_names, i = name_find(draw_names, count, name);
    *out = (enum chart_draw)(i % count);
    return i < count;
}

/* Constant outside the points (chart.h). By bisection, as chart_print.c asks for each of its columns and a curve may have far more points
 * than those. */
double chart_line_at(const struct chart_series *series, double x)
{
    size_t low = 0, high = series->count; /* points before `low` have x at most this one, those from `high` on a larger one */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (series->points[middle].x <= x)
            low = middle + 1;
        else
            high = middle;
    }
    if (series->count == 0)
        return 0;
    if (low == 0 || low == series->count)
        return series->points[low == 0 ? 0 : low - 1].y;
    const struct chart_point *from = &series->points[low - 1], *to = from + 1;
    return from->y + (x - from->x) / (to->x - from->x) * (to->y - from->y);
}

/* --- JSON -------------------------------------------------------------------------------------------------------------------------- */

static void write_axis(const char *key, const struct chart_axis *axis, double high, const char *scale, struct json_text *json)
{
    json_key(json, key);
    json_open_object(json);
    json_put_string(json, "name", axis->name ? axis->name : "");
    json_put_string(json, "unit", axis->unit ? axis->unit : "");
    json_put_string(json, "scale", scale);
    json_put_double(json, "low", axis->low);
    json_put_double(json, "high", high);
    json_close_object(json);
}

/* Thirds, because labels stand at a third, two thirds and the top. A third of the top is a round step times a power of ten; the small
 * tolerance keeps a value that is a round step already from going to the next one, when the division has rounded up. */
double chart_top(double value)
{
    static const double steps[] = {1, 1.5, 2, 3, 4, 5, 6, 8, 10};
    if (!(value > 0))
        return 1;
    double unit = pow(10, floor(log10(value / 3))), step = value / 3 / unit;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i] >= step * (1 - 1e-12))
            return 3 * steps[i] * unit;
    /* Only an infinite value gets here: a finite one has a step of at most 10. */
    return value;
}

double chart_y_high(const struct chart *chart)
{
    double highest = 0;
    if (chart->heading.y.high > 0)
        return chart->heading.y.high;
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++)
            highest = fmax(highest, chart->series[i].points[j].y);
    const double top = chart_top(highest);
    return chart->heading.kind == CHART_LINES && highest <= 1 ? fmin(top, 1) : top; /* a share of 120 % is none */
}

static void write_series(const struct chart *chart, const struct chart_series *series, struct json_text *json)
{
    json_open_object(json);
    json_put_string(json, "name", series->name ? series->name : "");
    if (chart->heading.kind == CHART_LINES)
        json_put_string(json, "shown_as", series->draw == DRAW_MARKS ? "points" : "line");
    json_key(json, "points");
    json_open_array(json);
    for (size_t i = 0; i < series->count; i++) {
        char x[32], y[32], pair[80];
        plain_double(series->points[i].x, x, sizeof x);
        plain_double(series->points[i].y, y, sizeof y);
        const int length = snprintf(pair, sizeof pair, "[%s, %s]", x, y);
        json_raw(json, pair, (size_t)length);
    }
    json_close_array(json);
    json_close_object(json);
}

void chart_write_json(const struct chart *chart, struct json_text *json)
{
    const struct chart_heading *heading = &chart->heading;
    const bool lines = heading->kind == CHART_LINES;
    json_open_object(json);
    json_put_string(json, "title", heading->title ? heading->title : "");
    json_put_string(json, "kind", chart_kind_name(heading->kind));
    write_axis("x", &heading->x, heading->x.high, lines ? "logarithmic" : "linear", json);
    write_axis("y", &heading->y, chart_y_high(chart), "linear", json);
    json_key(json, "series");
    json_open_array(json);
    for (size_t i = 0; i < chart->count; i++)
        write_series(chart, &chart->series[i], json);
    json_close_array(json);
    json_close_object(json);
}
