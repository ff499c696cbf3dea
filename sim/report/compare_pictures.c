/* compare_pictures.c - the page of `pagesim compare`: both distributions, what each request gains or loses by its prompt, by classes of prompts
 * and by its arrival, and where the two schedules part. */
#include "report/table_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compare.h"
#include "report/picture_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

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

static void add_both_distributions(struct document *document, const struct table *table, const char *latency, const char *name,
                                   const char *title)
{
    char column[64];
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = title,
                                          .x = {.name = name, .unit = "ms", .logarithmic = true},
                                          .y = {.name = "share of requests", .unit = "%", .high = 100}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, latency, &heading);
    for (int side = 0; side < 2; side++) {
        snprintf(column, sizeof column, "%c_%s_ms", side ? 'b' : 'a', latency);
        picture_column_distribution(document, chart, table, column,
                                    &(struct chart_series){.name = side ? "B" : "A", .group = side ? 1 : 0});
    }
}

/* --- classes of prompts ------------------------------------------------------------------------------------------------------------------- */

/* Class i holds prompts of 2^i to 2^(i+1) - 1 tokens. */
enum { CLASSES = 32 };

struct prompt_class {
    double *deltas;
    size_t count;
};

static size_t class_of(double tokens)
{
    int exponent;
    frexp(fmin(fmax(tokens, 1), 1e18), &exponent); /* a document that was read back may hold any number */
    return (size_t)(exponent - 1 < CLASSES ? exponent - 1 : CLASSES - 1);
}

/* The value below which the part lies; sorted values, linear between ranks as in all reports. */
static double quantile(const double *values, size_t count, double part)
{
    const double rank = part * (double)(count - 1);
    const size_t low = (size_t)rank;
    return low + 1 < count ? values[low] + (rank - (double)low) * (values[low + 1] - values[low]) : values[low];
}

/* One array for all classes, each in its own part of it. NULL: out of memory. */
static double *sort_into_classes(const struct table *table, struct prompt_class classes[CLASSES])
{
    double *all = calloc(table_rows(table) + 1, sizeof *all);
    size_t sizes[CLASSES] = {0}, start = 0;
    for (size_t row = 0; row < table_rows(table); row++)
        sizes[class_of(table_number_at(table, row, "input_tokens"))] += isnan(table_number_at(table, row, "delta_e2el_ms")) ? 0 : 1;
    for (size_t i = 0; i < CLASSES && all; start += sizes[i++])
        classes[i] = (struct prompt_class){.deltas = all + start};
    for (size_t row = 0; row < table_rows(table) && all; row++) {
        const double delta = table_number_at(table, row, "delta_e2el_ms");
        struct prompt_class *class = &classes[class_of(table_number_at(table, row, "input_tokens"))];
        if (!isnan(delta))
            class->deltas[class->count++] = delta;
    }
    for (size_t i = 0; i < CLASSES && all; i++)
        qsort(classes[i].deltas, classes[i].count, sizeof *all, compare_double_items);
    return all;
}

/* Bars are medians; the line over each goes from a tenth of its requests to nine tenths. */
static void add_class_bars(struct document *document, const struct prompt_class classes[CLASSES])
{
    struct chart *chart = document_chart_for(document, FOR_PAGE, "gains_by_prompt",
                                             &(struct chart_heading){.kind = CHART_BARS,
                                                                     .title = "What requests gain or lose, by length of the prompt",
                                                                     .note = "E2E with B less that with A: below 0, B is faster",
                                                                     .x = {.name = "prompt tokens"},
                                                                     .y = {.name = "B - A", .unit = "ms"}});
    static const double ends[] = {0.1, 0.9};
    for (int part = 0; part < 2; part++) {
        size_t shown = 0;
        chart_add_series(chart, &(struct chart_series){.name = part ? "10 to 90 % of requests" : "median",
                                                       .draw = part ? DRAW_SPANS : DRAW_LINE,
                                                       .group = part ? 1 : 0});
        for (size_t i = 0; i < CLASSES; i++) {
            char name[64], from[UNIT_TEXT], to[UNIT_TEXT];
            if (classes[i].count == 0)
                continue;
            snprintf(name, sizeof name, "%s to %s", unit_count(UINT64_C(1) << i, from), unit_count((UINT64_C(2) << i) - 1, to));
            if (part == 0) {
                chart_add_category(chart, name);
                chart_add(chart, (double)shown, quantile(classes[i].deltas, classes[i].count, 0.5));
            }
            for (size_t end = 0; end < COUNT(ends) && part == 1; end++)
                chart_add(chart, (double)shown, quantile(classes[i].deltas, classes[i].count, ends[end]));
            shown++;
        }
    }
}

static void add_classes(struct document *document, const struct table *table)
{
    struct prompt_class classes[CLASSES] = {{0}};
    double *all = sort_into_classes(table, classes);
    if (all)
        add_class_bars(document, classes);
    else if (document)
        document->out_of_memory = true;
    free(all);
}

/* --- the first difference ------------------------------------------------------------------------------------------------------------------ */

/* When the step began, on the side that came to it first; NaN: no decision differs. */
static double parted_s(const struct document *document)
{
    return fmin(picture_number(document, "first_difference", "a_start_ns"), picture_number(document, "first_difference", "b_start_ns")) /
           1e9;
}

/* "step 17 at 0.52 s": "request 30: A admits it (768), B (96)". */
static void say_first_difference(struct document *document)
{
    const double step = picture_number(document, "first_difference", "step"), at_s = parted_s(document);
    const struct table *decisions = picture_table(document, "decisions_that_differ");
    char where[96], what[160], digits[UNIT_TEXT];
    if (isnan(step)) {
        document_key_value(document, "first decision that differs", "none", NULL);
        return;
    }
    snprintf(where, sizeof where, "step %s", unit_count((uint64_t)step, digits));
    if (!isnan(at_s))
        snprintf(where + strlen(where), sizeof where - strlen(where), " at %s", unit_seconds(at_s, digits));
    if (table_rows(decisions) > 0) {
        const double a = table_number_at(decisions, 0, "a"), b = table_number_at(decisions, 0, "b");
        const char *decision = table_text_at(decisions, 0, "decision");
        const int length = snprintf(what, sizeof what, "request %.0f: %s %s it", table_number_at(decisions, 0, "request"),
                                    isnan(a)   ? "only B"
                                    : isnan(b) ? "only A"
                                               : "A",
                                    decision);
        if (!isnan(a) && !isnan(b))
            snprintf(what + length, sizeof what - (size_t)length, " with %.0f tokens, B with %.0f", a, b);
    } else {
        snprintf(what, sizeof what, "the same decisions in another order, or an end");
    }
    document_key_value(document, "first decision that differs", where, what);
}

/* When the gains come: before the schedules part there are none. */
static void add_gains_over_time(struct document *document, const struct table *table)
{
    struct chart *chart = document_chart_for(
        document, FOR_PAGE, "gains_over_time",
        &(struct chart_heading){.kind = CHART_PLOT,
                                .title = "When requests gain or lose",
                                .note = "E2E with B less that with A, by arrival; upright: the first decision that differs",
                                .x = {.name = "arrival", .unit = "s"},
                                .y = {.name = "B - A", .unit = "ms"}});
    chart_add_series(chart, &(struct chart_series){.name = "a request", .draw = DRAW_MARKS, .group = 2});
    picture_points(chart, table, "a_arrival_s", "delta_e2el_ms", 1);
    chart_thin(chart);
    picture_upright(chart, parted_s(document), "the schedules part", 3);
}

/* --- the page ------------------------------------------------------------------------------------------------------------------------------ */

static void add_pair(struct document *document, const struct table *figures, const char *name, const char *label, int digits)
{
    const double a = picture_number_of(figures, "figure", name, "a"), b = picture_number_of(figures, "figure", name, "b");
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
    const struct table *figures = picture_table(document, "figures");
    add_pair(document, figures, "median_ttft_ms", "TTFT, median (ms)", 1);
    add_pair(document, figures, "p99_ttft_ms", "TTFT, p99 (ms)", 1);
    add_pair(document, figures, "p99_itl_ms", "ITL, p99 (ms)", 1);
    add_pair(document, figures, "p99_e2el_ms", "E2E, p99 (ms)", 1);
    add_pair(document, figures, "output_throughput", "output tokens/s", 0);
    add_pair(document, figures, "preemptions", "preemptions", 0);
    say_first_difference(document);
    if (!document_pictures(document))
        return;
    const struct table *requests = picture_table(document, "per_request");
    add_both_distributions(document, requests, "ttft", "TTFT", "Time to first token: share of requests that waited at most so long");
    add_both_distributions(document, requests, "e2el", "E2E", "Time to the end: share of requests that took at most so long");
    add_gains(document, requests);
    add_classes(document, requests);
    add_gains_over_time(document, requests);
}
