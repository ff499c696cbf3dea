/* chart.c - the data of a chart: text and points are copied, and the first failed allocation stops all building. Writes them as JSON;
 * chart_print.c draws them.
 */
#include "base/chart.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* --- data -------------------------------------------------------------------------------------------------------------------------- */

static const char *copy_text(struct chart *chart, const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    chart->out_of_memory |= text && !copy;
    return copy;
}

struct chart *chart_create(const struct chart_heading *heading)
{
    struct chart *chart = calloc(1, sizeof *chart);
    if (!chart)
        return NULL;
    chart->heading = *heading;
    chart->heading.title = copy_text(chart, heading->title);
    chart->heading.note = copy_text(chart, heading->note);
    chart->heading.x.name = copy_text(chart, heading->x.name);
    chart->heading.x.unit = copy_text(chart, heading->x.unit);
    chart->heading.y.name = copy_text(chart, heading->y.name);
    chart->heading.y.unit = copy_text(chart, heading->y.unit);
    return chart;
}

/* Text that copy_text made. */
static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

void chart_destroy(struct chart *chart)
{
    if (!chart)
        return;
    for (size_t i = 0; i < chart->count; i++) {
        free_text(chart->series[i].name);
        free_text(chart->series[i].label);
        free(chart->series[i].x);
        free(chart->series[i].y);
    }
    free(chart->series);
    free_text(chart->heading.title);
    free_text(chart->heading.note);
    free_text(chart->heading.x.name);
    free_text(chart->heading.x.unit);
    free_text(chart->heading.y.name);
    free_text(chart->heading.y.unit);
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
    struct chart_series *added = &chart->series[chart->count++];
    *added = *series;
    added->name = copy_text(chart, series->name);
    added->label = copy_text(chart, series->label);
    added->x = added->y = NULL;
    added->count = added->capacity = 0;
}

void chart_add(struct chart *chart, double x, double y)
{
    struct diag ignored = {0};
    if (!chart || chart->out_of_memory || chart->count == 0)
        return;
    struct chart_series *series = &chart->series[chart->count - 1];
    size_t capacity = series->capacity; /* of both arrays: they grow alike */
    if (array_reserve(&series->x, &series->capacity, series->count + 1, sizeof *series->x, "a chart", &ignored) != SIM_OK ||
        array_reserve(&series->y, &capacity, series->count + 1, sizeof *series->y, "a chart", &ignored) != SIM_OK) {
        chart->out_of_memory = true;
        return;
    }
    series->x[series->count] = x;
    series->y[series->count++] = y;
}

double chart_line_at(const struct chart_series *series, double x)
{
    size_t low = 0, high = series->count; /* points before `low` have x at most this one, those from `high` on a larger one */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (series->x[middle] <= x)
            low = middle + 1;
        else
            high = middle;
    }
    if (series->count == 0)
        return 0;
    if (low == 0 || low == series->count)
        return series->y[low == 0 ? 0 : low - 1];
    const double from = series->x[low - 1], part = (x - from) / (series->x[low] - from);
    return series->y[low - 1] + part * (series->y[low] - series->y[low - 1]);
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

double chart_y_high(const struct chart *chart)
{
    double highest = 0;
    if (chart->heading.y.high > 0)
        return chart->heading.y.high;
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; j < chart->series[i].count; j++)
            highest = fmax(highest, chart->series[i].y[j]);
    return chart_top(highest);
}

static void write_series(const struct chart *chart, const struct chart_series *series, struct json_text *json)
{
    json_open_object(json);
    json_put_string(json, "name", series->name ? series->name : "");
    if (chart->heading.kind == CHART_LINES)
        json_put_string(json, "shown_as", series->marks ? "points" : "line");
    json_key(json, "points");
    json_open_array(json);
    for (size_t i = 0; i < series->count; i++) {
        char x[32], y[32], pair[80];
        plain_double(series->x[i], x, sizeof x);
        plain_double(series->y[i], y, sizeof y);
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
    json_put_string(json, "kind", lines ? "lines" : "areas");
    write_axis("x", &heading->x, heading->x.high, lines ? "logarithmic" : "linear", json);
    write_axis("y", &heading->y, chart_y_high(chart), "linear", json);
    json_key(json, "series");
    json_open_array(json);
    for (size_t i = 0; i < chart->count; i++)
        write_series(chart, &chart->series[i], json);
    json_close_array(json);
    json_close_object(json);
}
