/* table_pictures.c - openings and charts of pages, a function a command. Read table_pictures.h first. A table is found by its key, a column by
 * its name for programs, so a page needs nothing that JSON does not have. */
#include "report/table_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compare.h"
#include "base/units.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { STEPS_MOST = 2000 }; /* of a count over time */

/* --- for all ----------------------------------------------------------------------------------------------------------------------------- */

static const struct table *find_table(const struct document *document, const char *key)
{
    for (size_t i = 0; document && i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        if (element->kind == DOCUMENT_TABLE && (element->audience & FOR_CSV) && element->key && strcmp(element->key, key) == 0)
            return element->table;
    }
    return NULL;
}

void picture_points(struct chart *chart, const struct table *table, const char *x, const char *y, double scale)
{
    for (size_t row = 0; row < table_rows(table); row++) {
        const double at = x ? table_number_at(table, row, x) : (double)row, value = table_number_at(table, row, y);
        if (!isnan(at) && !isnan(value))
            chart_add(chart, at, scale * value);
    }
}

static int compare_values(const void *a, const void *b)
{
    return compare_doubles(*(const double *)a, *(const double *)b);
}

/* At most a point for each thousandth of the values, and the last ones all: the tail is what is looked at. */
void picture_distribution(struct chart *chart, double *values, size_t count, const struct chart_series *series)
{
    enum { PARTS = 500, TAIL = 100 };
    qsort(values, count, sizeof *values, compare_values);
    chart_add_series(chart, series);
    for (size_t i = 0; i < count; i++)
        if (values[i] > 0 && (i % (count / PARTS + 1) == 0 || i + TAIL >= count))
            chart_add(chart, values[i], 100 * (double)(i + 1) / (double)count);
}

static void add_categories(struct chart *chart, const struct table *table, const char *names)
{
    for (size_t row = 0; row < table_rows(table); row++)
        chart_add_category(chart, table_text_at(table, row, names));
}

/* The row whose first word is this; the number of rows if there is none. */
static size_t row_of(const struct table *table, const char *column, const char *word)
{
    size_t row = 0;
    while (row < table_rows(table) && strcmp(table_text_at(table, row, column), word) != 0)
        row++;
    return row;
}

static double number_of(const struct table *table, const char *column, const char *word, const char *wanted)
{
    const size_t row = row_of(table, column, word);
    return row < table_rows(table) ? table_number_at(table, row, wanted) : (double)NAN;
}

static char *percent(double share, char *out)
{
    char digits[UNIT_TEXT];
    snprintf(out, UNIT_TEXT, isnan(share) ? "-" : "%.20s %%", unit_fixed(100 * share, 1, digits, sizeof digits));
    return out;
}

/* --- ledger ------------------------------------------------------------------------------------------------------------------------------ */

static void add_reserving_bars(struct document *document, const struct table *table)
{
    static const char *const parts[][2] = {{"token_share", "tokens"},
                                           {"future_share", "reserved for the future"},
                                           {"internal_share", "reserved for nothing"},
                                           {"external_share", "between reservations"},
                                           {"free_share", "free or cached"}};
    static const size_t colors[] = {0, 5, 1, 3, 6};
    struct chart *chart = document_chart_for(document, FOR_PAGE, "reserving_shares",
                                             &(struct chart_heading){.kind = CHART_BARS,
                                                                     .title = "Paged blocks beside contiguous reservations",
                                                                     .note = "what the memory holds while a request waits",
                                                                     .x = {.name = "way"},
                                                                     .y = {.name = "share of the memory", .unit = "%", .high = 100}});
    add_categories(chart, table, "way");
    for (size_t i = 0; i < COUNT(parts); i++) {
        chart_add_series(chart, &(struct chart_series){.name = parts[i][1], .group = colors[i]});
        picture_points(chart, table, NULL, parts[i][0], 100);
    }
}

void ledger_page(struct document *document)
{
    static const char *const accounts[][2] = {
        {"useful", "useful tokens"}, {"tail_waste", "tail waste"}, {"cached_idle", "cached, idle"}, {"free", "free"}};
    const struct table *table = find_table(document, "accounts"), *reserving = find_table(document, "reserving");
    const double waiting = number_of(table, "account", "useful", "share_while_waiting"),
                 maximum = number_of(reserving, "way", "maximum", "token_share");
    char a[UNIT_TEXT], b[UNIT_TEXT];
    if (isnan(waiting))
        document_headline(document, "Nobody waits: tokens fill %s of the memory in the mean",
                          percent(number_of(table, "account", "useful", "share"), a));
    else
        document_headline(document, "While requests wait, tokens fill %s of the memory; reserving the maximum length they would fill %s",
                          percent(waiting, a), percent(maximum, b));
    for (size_t i = 0; i < COUNT(accounts); i++)
        document_key_value(document, accounts[i][1], percent(number_of(table, "account", accounts[i][0], "share"), a), "of pool x time");
    if (document_pictures(document) && !isnan(waiting))
        add_reserving_bars(document, reserving);
}

/* --- compare ------------------------------------------------------------------------------------------------------------------------------ */

/* B - A of each request: below 0 it gains from B. */
static void add_gains(struct document *document, const struct table *table)
{
    static const char *const names[] = {"B faster", "B slower"};
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = "What each request gains or loses",
                                          .note = "E2E with B less that with A: below 0, B is faster",
                                          .x = {.name = "prompt", .unit = "tokens", .logarithmic = true},
                                          .y = {.name = "B - A", .unit = "ms"}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, "gains", &heading);
    for (int slower = 0; slower < 2; slower++) {
        chart_add_series(chart, &(struct chart_series){.name = names[slower], .draw = DRAW_MARKS, .group = slower ? 1 : 0});
        for (size_t row = 0; row < table_rows(table); row++) {
            const double delta = table_number_at(table, row, "delta_e2el_ms");
            if (slower ? delta > 0 : delta <= 0)
                chart_add(chart, table_number_at(table, row, "input_tokens"), delta);
        }
        chart_thin(chart);
    }
}

static void add_both_distributions(struct document *document, const struct table *table, const char *latency, const char *title)
{
    char column[64];
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = title,
                                          .x = {.name = latency, .unit = "ms", .logarithmic = true},
                                          .y = {.name = "share of requests", .unit = "%", .high = 100}};
    double *values = calloc(table_rows(table) + 1, sizeof *values);
    struct chart *chart = document_chart_for(document, FOR_PAGE, latency, &heading);
    if (!values && document)
        document->out_of_memory = true;
    for (int side = 0; side < 2 && values; side++) {
        size_t count = 0;
        snprintf(column, sizeof column, "%c_%s_ms", side ? 'b' : 'a', latency);
        for (size_t row = 0; row < table_rows(table); row++) {
            const double value = table_number_at(table, row, column);
            if (!isnan(value))
                values[count++] = value;
        }
        picture_distribution(chart, values, count, &(struct chart_series){.name = side ? "B" : "A", .group = side ? 1 : 0});
    }
    free(values);
}

static void add_pair(struct document *document, const struct table *figures, const char *name, const char *label, int digits)
{
    const double a = number_of(figures, "figure", name, "a"), b = number_of(figures, "figure", name, "b");
    char text[3 * UNIT_TEXT], first[UNIT_TEXT], second[UNIT_TEXT];
    if (isnan(a) || isnan(b))
        return;
    const int decimals = fmax(fabs(a), fabs(b)) < 1000 ? digits : 0;
    snprintf(text, sizeof text, "%s \xe2\x86\x92 %s", unit_fixed(a, decimals, first, sizeof first),
             unit_fixed(b, decimals, second, sizeof second));
    document_key_value(document, label, text, "A \xe2\x86\x92 B");
}

void compare_page(struct document *document)
{
    const struct table *latencies = find_table(document, "latencies"), *figures = find_table(document, "figures");
    const double a = number_of(latencies, "latency", "e2el", "mean_a_ms"), delta = number_of(latencies, "latency", "e2el", "delta_ms"),
                 low = number_of(latencies, "latency", "e2el", "batch_ci_low_ms"),
                 high = number_of(latencies, "latency", "e2el", "batch_ci_high_ms");
    if (isnan(a))
        document_headline(document, "No request ended with both A and B");
    else if (delta == 0)
        document_headline(document, "A and B take the same time to the end in the mean, %.1f ms", a);
    else if (low <= 0 && high >= 0)
        document_headline(document,
                          "This trace does not tell A from B: E2E differs by %.2f ms of %.1f (batched 95 %% interval %.2f to %.2f)", delta,
                          a, low, high);
    else
        document_headline(document, "B is %s: E2E %.1f ms instead of %.1f in the mean (%+.1f %%)", delta < 0 ? "faster" : "slower",
                          a + delta, a, 100 * delta / a);
    add_pair(document, figures, "median_ttft_ms", "TTFT, median (ms)", 1);
    add_pair(document, figures, "p99_ttft_ms", "TTFT, p99 (ms)", 1);
    add_pair(document, figures, "p99_itl_ms", "ITL, p99 (ms)", 1);
    add_pair(document, figures, "p99_e2el_ms", "E2E, p99 (ms)", 1);
    add_pair(document, figures, "output_throughput", "output tokens/s", 0);
    add_pair(document, figures, "preemptions", "preemptions", 0);
    if (!document_pictures(document))
        return;
    const struct table *requests = find_table(document, "per_request");
    add_both_distributions(document, requests, "ttft", "Time to first token: share of requests that waited at most so long");
    add_both_distributions(document, requests, "e2el", "Time to the end: share of requests that took at most so long");
    add_gains(document, requests);
}

/* --- explain ------------------------------------------------------------------------------------------------------------------------------ */

/* The last row is the sum of the others. */
static void add_miss_bars(struct document *document, const struct table *table)
{
    struct chart *chart = document_chart_for(document, FOR_PAGE, "prompt_tokens",
                                             &(struct chart_heading){.kind = CHART_BARS,
                                                                     .title = "Prompt tokens: from the cache, or why not",
                                                                     .x = {.name = "class"},
                                                                     .y = {.name = "share of prompt tokens", .unit = "%"}});
    chart_add_series(chart, &(struct chart_series){.name = "share of prompt tokens", .group = 0});
    for (size_t row = 0; row + 1 < table_rows(table); row++) {
        const double share = table_number_at(table, row, "share");
        chart_add_category(chart, table_text_at(table, row, "class"));
        chart_add(chart, (double)row, isnan(share) ? 0 : 100 * share);
    }
}

static void add_preemption_charts(struct document *document, const struct table *table)
{
    const struct chart_axis time = {.name = "time", .unit = "s"};
    const struct chart_heading so_far = {
        .kind = CHART_PLOT, .title = "Preemptions so far", .x = time, .y = {.name = "preemptions", .unit = "preemptions"}};
    const struct chart_heading lost = {.kind = CHART_PLOT,
                                       .title = "What each preemption cost",
                                       .note = "computed tokens that were given up",
                                       .x = time,
                                       .y = {.name = "tokens lost", .unit = "tokens"}};
    const size_t rows = table_rows(table);
    struct chart *chart = document_chart_for(document, FOR_PAGE, "preemptions_so_far", &so_far);
    chart_add_series(chart, &(struct chart_series){.name = "preemptions", .draw = DRAW_STEPS, .group = 3});
    for (size_t row = 0; row < rows; row++)
        if (row % (rows / STEPS_MOST + 1) == 0 || row + 1 == rows)
            chart_add(chart, table_number_at(table, row, "time_s"), (double)row + 1);
    chart = document_chart_for(document, FOR_PAGE, "tokens_lost", &lost);
    chart_add_series(chart, &(struct chart_series){.name = "a preemption", .draw = DRAW_MARKS, .group = 3});
    picture_points(chart, table, "time_s", "tokens_lost", 1);
    chart_thin(chart);
}

/* The verdict is the report's own sentence (explain_report.c). */
void explain_page(struct document *document)
{
    if (!document_pictures(document))
        return;
    const struct table *preemptions = find_table(document, "each_preemption");
    if (table_rows(preemptions) > 0)
        add_preemption_charts(document, preemptions);
    add_miss_bars(document, find_table(document, "misses"));
}

/* --- validate ------------------------------------------------------------------------------------------------------------------------------ */

static void add_timeline_chart(struct document *document, const char *column, const char *title, const char *unit, double scale)
{
    static const char *const tables[][2] = {{"timeline_measured", "measured"}, {"timeline_simulated", "replayed"}};
    const struct chart_heading heading = {
        .kind = CHART_PLOT, .title = title, .x = {.name = "time", .unit = "s"}, .y = {.name = unit, .unit = unit}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, column, &heading);
    for (size_t i = 0; i < COUNT(tables); i++) {
        chart_add_series(chart, &(struct chart_series){.name = tables[i][1], .draw = DRAW_LINE, .group = i ? 0 : 1});
        picture_points(chart, find_table(document, tables[i][0]), "t_s", column, scale);
    }
}

void validation_page(struct document *document, const struct figure_set *figures)
{
    char mean[UNIT_TEXT], each[UNIT_TEXT];
    document_headline(document, "E2E is %s off in the mean, %s request by request",
                      percent(fabs(figure_set_value(figures, "mean_e2el_error")), mean),
                      percent(figure_set_value(figures, "e2el_mape"), each));
    document_key_figure(document, figures, "ttft_mape", "TTFT, error of a request");
    document_key_figure(document, figures, "tpot_mape", "TPOT, error of a request");
    document_key_figure(document, figures, "e2el_mape", "E2E, error of a request");
    document_key_figure(document, figures, "kv_usage_error", "KV cache usage, error");
    if (!document_pictures(document) || table_rows(find_table(document, "timeline_measured")) == 0)
        return;
    add_timeline_chart(document, "running", "Running requests, measured and replayed", "requests", 1);
    add_timeline_chart(document, "waiting", "Waiting requests, measured and replayed", "requests", 1);
    add_timeline_chart(document, "kv_usage", "Use of the KV cache, measured and replayed", "%", 100);
    add_timeline_chart(document, "output_tokens_per_s", "Output tokens a second, measured and replayed", "tokens/s", 1);
}

/* --- sweep -------------------------------------------------------------------------------------------------------------------------------- */

/* The keys that vary, as the table's columns are named; a replicated seed is none. */
static uint32_t varied_keys(const struct sweep_groups *groups, char names[2][SWEEP_KEY_NAME_SIZE])
{
    const struct sweep_keys *keys = &groups->sweep->plan->varied;
    uint32_t count = 0;
    for (uint32_t key = 0; key < keys->count; key++) {
        if (groups->replicated && key == groups->seed_key)
            continue;
        if (count < 2)
            sweep_key_name(keys->list[key], names[count], SWEEP_KEY_NAME_SIZE);
        count++;
    }
    return count;
}

static const char *unit_of(const struct figure_kind *kind)
{
    static const char *const units[] = {
        [FIGURE_COUNT] = "",   [FIGURE_MS] = "ms",       [FIGURE_S] = "s",          [FIGURE_SHARE] = "share",
        [FIGURE_PER_S] = "/s", [FIGURE_BYTES] = "bytes", [FIGURE_GB_PER_S] = "GB/s"};
    return units[kind->unit];
}

static bool key_is_number(const struct table *table, const char *key)
{
    for (size_t row = 0; row < table_rows(table); row++)
        if (isnan(table_number_at(table, row, key)))
            return false;
    return true;
}

/* A value of a key as a category; its number among those before it. */
static size_t category_of(const struct table *table, size_t row, const char *key, char (*names)[UNIT_TEXT], size_t *count, size_t most)
{
    char name[UNIT_TEXT];
    const double number = table_number_at(table, row, key);
    if (isnan(number))
        snprintf(name, sizeof name, "%.31s", table_text_at(table, row, key));
    else
        plain_double(number, name, sizeof name);
    for (size_t i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    if (*count == most)
        return most;
    memcpy(names[*count], name, sizeof name);
    return (*count)++;
}

enum { MAP_MOST = 64 };

/* Two keys: a cell a pair of values. The first key goes down, the second to the right. */
static void add_map(struct document *document, const struct table *table, char keys[2][SWEEP_KEY_NAME_SIZE], const struct figure_kind *kind)
{
    char rows[MAP_MOST][UNIT_TEXT], columns[MAP_MOST][UNIT_TEXT], title[192];
    size_t row_count = 0, column_count = 0;
    snprintf(title, sizeof title, "%s by %s and %s", kind->name, keys[0], keys[1]);
    struct chart *chart = document_chart_for(
        document, FOR_PAGE, kind->name,
        &(struct chart_heading){
            .kind = CHART_HEAT, .title = title, .x = {.name = keys[1]}, .y = {.name = kind->name, .unit = unit_of(kind)}});
    for (size_t row = 0; row < table_rows(table); row++) {
        category_of(table, row, keys[0], rows, &row_count, MAP_MOST);
        category_of(table, row, keys[1], columns, &column_count, MAP_MOST);
    }
    for (size_t i = 0; i < column_count; i++)
        chart_add_category(chart, columns[i]);
    for (size_t i = 0; i < row_count; i++) {
        char name[SWEEP_KEY_NAME_SIZE + UNIT_TEXT];
        snprintf(name, sizeof name, "%s %s", keys[0], rows[i]);
        chart_add_series(chart, &(struct chart_series){.name = name, .group = 0});
        for (size_t row = 0; row < table_rows(table); row++) {
            const size_t column = category_of(table, row, keys[1], columns, &column_count, MAP_MOST);
            const double value = table_number_at(table, row, kind->name);
            if (category_of(table, row, keys[0], rows, &row_count, MAP_MOST) == i && column < MAP_MOST && !isnan(value))
                chart_add(chart, (double)column, value);
        }
    }
}

/* One key: a line over its numbers, or a bar for each of its words. */
static void add_line(struct document *document, const struct table *table, const char *key, const struct figure_kind *kind)
{
    const bool number = key_is_number(table, key);
    char title[160];
    snprintf(title, sizeof title, "%s by %s", kind->name, key);
    struct chart *chart = document_chart_for(document, FOR_PAGE, kind->name,
                                             &(struct chart_heading){.kind = number ? CHART_PLOT : CHART_BARS,
                                                                     .title = title,
                                                                     .x = {.name = key},
                                                                     .y = {.name = kind->name, .unit = unit_of(kind)}});
    if (!number)
        add_categories(chart, table, key);
    chart_add_series(chart, &(struct chart_series){.name = kind->name, .draw = DRAW_LINE, .group = 0});
    picture_points(chart, table, number ? key : NULL, kind->name, 1);
    if (!number)
        return;
    chart_add_series(chart, &(struct chart_series){.name = "replayed", .draw = DRAW_MARKS, .group = 0});
    picture_points(chart, table, key, kind->name, 1);
}

/* The first two objectives against each other. */
static void add_front(struct document *document, const struct table *table, const struct sweep_view *view)
{
    static const char *const names[] = {"other settings", "on the front"};
    struct figure_kind made[2];
    const struct figure_kind *x = figure_kind_find(view->objectives[0].name, &made[0]),
                             *y = figure_kind_find(view->objectives[1].name, &made[1]);
    char note[192];
    snprintf(note, sizeof note, "wanted: %s %s, %s %s%s", view->objectives[0].maximise ? "most" : "least", x->name,
             view->objectives[1].maximise ? "most" : "least", y->name, view->objective_count > 2 ? " and more" : "");
    struct chart *chart = document_chart_for(document, FOR_PAGE, "front",
                                             &(struct chart_heading){.kind = CHART_PLOT,
                                                                     .title = "Settings against each other, and the front of the best",
                                                                     .note = note,
                                                                     .x = {.name = x->name, .unit = unit_of(x)},
                                                                     .y = {.name = y->name, .unit = unit_of(y)}});
    for (int front = 0; front < 2; front++) {
        chart_add_series(chart, &(struct chart_series){.name = names[front], .draw = DRAW_MARKS, .group = front ? 1 : 6});
        for (size_t row = 0; row < table_rows(table); row++) {
            const double at = table_number_at(table, row, x->name), value = table_number_at(table, row, y->name);
            if ((table_number_at(table, row, "on_front") > 0) == front && !isnan(at) && !isnan(value))
                chart_add(chart, at, value);
        }
    }
}

void sweep_page(struct document *document, const struct sweep_groups *groups)
{
    const struct table *table = find_table(document, "rows");
    const struct sweep_view *view = groups->view;
    char keys[2][SWEEP_KEY_NAME_SIZE], a[UNIT_TEXT], b[UNIT_TEXT];
    const uint32_t key_count = varied_keys(groups, keys);
    size_t best = 0;
    for (size_t i = 0; i < groups->count; i++)
        best += groups->list[i].on_front;
    document_headline(document, "%s of %s settings %s not beaten by another", unit_count(best, a), unit_count(groups->count, b),
                      best == 1 ? "is" : "are");
    if (!document_pictures(document))
        return;
    if (view->objective_count > 1)
        add_front(document, table, view);
    for (size_t i = 0; i < view->figure_count; i++) {
        struct figure_kind made;
        const struct figure_kind *kind = figure_kind_find(view->figures[i], &made);
        if (key_count == 1 && kind)
            add_line(document, table, keys[0], kind);
        else if (key_count == 2 && kind)
            add_map(document, table, keys, kind);
    }
}
