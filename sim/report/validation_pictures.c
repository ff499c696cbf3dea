/* validation_pictures.c - the page of `pagesim validate`: each request measured against replayed, both distributions, both timelines. */
#include "report/table_pictures.h"

#include <math.h>

#include "report/picture_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What is compared request by request, by the names of its columns: measured_ttft_ms, simulated_ttft_ms. */
static const struct {
    const char *name, *title;
} latencies[] = {{"ttft", "TTFT"}, {"tpot", "TPOT"}, {"e2el", "E2E"}};

static const struct {
    const char *table, *column, *name;
} sides[] = {{"timeline_measured", "measured", "measured"}, {"timeline_simulated", "simulated", "replayed"}};

static char *column_of(size_t side, const char *latency, char *out, size_t size)
{
    snprintf(out, size, "%s_%s_ms", sides[side].column, latency);
    return out;
}

/* On the line where they are equal. */
static void add_scatter(struct document *document, const struct table *table, const char *latency, const char *latency_title)
{
    char key[48], title[96], measured_column[48], simulated_column[48];
    double low = INFINITY, high = 0;
    snprintf(key, sizeof key, "each_%s", latency);
    snprintf(title, sizeof title, "%s of each request, measured and replayed", latency_title);
    column_of(0, latency, measured_column, sizeof measured_column);
    column_of(1, latency, simulated_column, sizeof simulated_column);
    struct chart *chart = document_chart_for(document, FOR_PAGE, key,
                                             &(struct chart_heading){.kind = CHART_PLOT,
                                                                     .title = title,
                                                                     .note = "above the line the replay is slower than the server was",
                                                                     .x = {.name = "measured", .unit = "ms", .logarithmic = true},
                                                                     .y = {.name = "replayed", .unit = "ms", .logarithmic = true}});
    chart_add_series(chart, &(struct chart_series){.name = "a request", .draw = DRAW_MARKS, .group = 0});
    for (size_t row = 0; row < table_rows(table); row++) {
        const double measured = table_number_at(table, row, measured_column), simulated = table_number_at(table, row, simulated_column);
        if (!(measured > 0) || !(simulated > 0))
            continue;
        chart_add(chart, measured, simulated);
        low = fmin(low, fmin(measured, simulated));
        high = fmax(high, fmax(measured, simulated));
    }
    chart_thin(chart);
    if (high == 0)
        return;
    chart_add_series(chart, &(struct chart_series){.name = "equal", .draw = DRAW_LINE, .group = 6});
    chart_add(chart, low, low);
    chart_add(chart, high, high);
}

static void add_distributions(struct document *document, const struct table *table, const char *latency, const char *latency_title)
{
    char key[48], title[96], column[48];
    snprintf(key, sizeof key, "%s_distributions", latency);
    snprintf(title, sizeof title, "%s: share of requests that took at most so long", latency_title);
    struct chart *chart = document_chart_for(document, FOR_PAGE, key,
                                             &(struct chart_heading){.kind = CHART_PLOT,
                                                                     .title = title,
                                                                     .x = {.name = latency_title, .unit = "ms", .logarithmic = true},
                                                                     .y = {.name = "share of requests", .unit = "%", .high = 100}});
    for (size_t side = 0; side < COUNT(sides); side++)
        picture_column_distribution(document, chart, table, column_of(side, latency, column, sizeof column),
                                    &(struct chart_series){.name = sides[side].name, .group = side ? 0 : 1});
}

static void add_timeline(struct document *document, const char *column, const char *title, const char *unit, double scale)
{
    const struct chart_heading heading = {
        .kind = CHART_PLOT, .title = title, .x = {.name = "time", .unit = "s"}, .y = {.name = unit, .unit = unit}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, column, &heading);
    for (size_t side = 0; side < COUNT(sides); side++) {
        chart_add_series(chart, &(struct chart_series){.name = sides[side].name, .draw = DRAW_LINE, .group = side ? 0 : 1});
        picture_points(chart, picture_table(document, sides[side].table), "t_s", column, scale);
    }
}

void validation_page(struct document *document)
{
    const struct table *requests = picture_table(document, "per_request");
    char mean[UNIT_TEXT], each[UNIT_TEXT];
    document_headline(document, "E2E is %s off in the mean, %s request by request",
                      picture_percent(fabs(picture_figure(document, "mean_e2el_error")), mean),
                      picture_percent(picture_figure(document, "e2el_mape"), each));
    picture_key_figure(document, "ttft_mape", "TTFT, error of a request");
    picture_key_figure(document, "tpot_mape", "TPOT, error of a request");
    picture_key_figure(document, "e2el_mape", "E2E, error of a request");
    picture_key_figure(document, "kv_usage_error", "KV cache usage, error");
    if (!document_pictures(document))
        return;
    for (size_t i = 0; i < COUNT(latencies); i++) {
        add_scatter(document, requests, latencies[i].name, latencies[i].title);
        add_distributions(document, requests, latencies[i].name, latencies[i].title);
    }
    if (table_rows(picture_table(document, "timeline_measured")) == 0)
        return;
    add_timeline(document, "running", "Running requests, measured and replayed", "requests", 1);
    add_timeline(document, "waiting", "Waiting requests, measured and replayed", "requests", 1);
    add_timeline(document, "kv_usage", "Use of the KV cache, measured and replayed", "%", 100);
    add_timeline(document, "output_tokens_per_s", "Output tokens a second, measured and replayed", "tokens/s", 1);
}
