/* compare_pictures.c - the page of `pagesim compare`: all distributions, what each request gains or loses by its prompt, by classes of prompts
 * and by its arrival, and where the schedules part. Two sides are A and B, or as many have the names of the table "sides". */
#include "report/table_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/compare.h"
#include "report/picture_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- the sides --------------------------------------------------------------------------------------------------------------------------- */

enum { SIDES_MOST = 8, COLUMN_SIZE = 96, TEXT_SIZE = 128, NOTE_SIZE = 256 };

struct sides {
    size_t count;
    bool named;
    const char *keys[SIDES_MOST], *names[SIDES_MOST]; /* in columns; for people */
};

/* In a report that was read back a name may be anything; what is too long for one is not cut, which could be in the middle of a character. */
static struct sides sides_of(const struct document *document)
{
    enum { NAME_MOST = 40 };
    const struct table *table = picture_table(document, "sides");
    struct sides sides = {.named = true};
    while (sides.count < SIDES_MOST && sides.count < table_rows(table)) {
        const char *name = table_text_at(table, sides.count, "side");
        if (strlen(name) > NAME_MOST)
            break;
        sides.keys[sides.count] = sides.names[sides.count] = name;
        sides.count++;
    }
    return sides.count >= 2 ? sides : (struct sides){.count = 2, .keys = {"a", "b"}, .names = {"A", "B"}};
}

/* "b_ttft_ms" */
static const char *column_of(const struct sides *sides, size_t side, const char *what, char out[COLUMN_SIZE])
{
    snprintf(out, COLUMN_SIZE, "%s_%s", sides->keys[side], what);
    return out;
}

/* "delta_e2el_ms", "delta_sjf_e2el_ms": what requests gain or lose. */
static const char *gain_column(const struct sides *sides, size_t side, char out[COLUMN_SIZE])
{
    snprintf(out, COLUMN_SIZE, "delta_%s%se2el_ms", sides->named ? sides->keys[side] : "", sides->named ? "_" : "");
    return out;
}

/* "B - A"; of several "less fcfs" */
static const char *difference_name(const struct sides *sides, char out[COLUMN_SIZE])
{
    snprintf(out, COLUMN_SIZE, sides->named ? "less %s" : "B - A", sides->names[0]);
    return out;
}

/* What a picture of gains says below its title. `side` 0: all of them. */
static const char *gain_note(const struct sides *sides, size_t side, const char *further, char out[NOTE_SIZE])
{
    if (!sides->named)
        snprintf(out, NOTE_SIZE, "E2E with B less that with A%s: below 0, B is faster", further);
    else
        snprintf(out, NOTE_SIZE, "E2E with %s less that with %s%s: below 0, it is faster", side ? sides->names[side] : "a side",
                 sides->names[0], further);
    return out;
}

/* --- all requests ------------------------------------------------------------------------------------------------------------------------ */

static void add_gain_marks(struct chart *chart, const struct table *table, const char *column, bool gains, bool losses)
{
    for (size_t row = 0; row < table_rows(table); row++) {
        const double delta = table_number_at(table, row, column);
        if ((losses && delta > 0) || (gains && delta <= 0))
            chart_add(chart, table_number_at(table, row, "input_tokens"), delta);
    }
    chart_thin(chart);
}

/* The difference of each request: below 0 it gains. Of two sides gains and losses are told apart, of more the sides are. */
static void add_gains(struct document *document, const struct sides *sides, const struct table *table)
{
    static const char *const names[] = {"B faster", "B slower"};
    char note[NOTE_SIZE], name[COLUMN_SIZE], column[COLUMN_SIZE];
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = "What each request gains or loses",
                                          .note = gain_note(sides, 0, "", note),
                                          .x = {.name = "prompt", .unit = "tokens", .logarithmic = true},
                                          .y = {.name = difference_name(sides, name), .unit = "ms"}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, "gains", &heading);
    for (size_t slower = 0; slower < 2 && !sides->named; slower++) {
        chart_add_series(chart, &(struct chart_series){.name = names[slower], .draw = DRAW_MARKS, .group = slower});
        add_gain_marks(chart, table, gain_column(sides, 1, column), !slower, slower);
    }
    for (size_t side = 1; side < sides->count && sides->named; side++) {
        chart_add_series(chart, &(struct chart_series){.name = sides->names[side], .draw = DRAW_MARKS, .group = side});
        add_gain_marks(chart, table, gain_column(sides, side, column), true, true);
    }
}

static void add_distributions(struct document *document, const struct sides *sides, const struct table *table, const char *latency,
                              const char *name, const char *title)
{
    char column[COLUMN_SIZE], what[32];
    const struct chart_heading heading = {.kind = CHART_PLOT,
                                          .title = title,
                                          .x = {.name = name, .unit = "ms", .logarithmic = true},
                                          .y = {.name = "share of requests", .unit = "%", .high = 100}};
    struct chart *chart = document_chart_for(document, FOR_PAGE, latency, &heading);
    snprintf(what, sizeof what, "%s_ms", latency);
    for (size_t side = 0; side < sides->count; side++)
        picture_column_distribution(document, chart, table, column_of(sides, side, what, column),
                                    &(struct chart_series){.name = sides->names[side], .group = side});
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
static double *sort_into_classes(const struct table *table, const char *column, struct prompt_class classes[CLASSES])
{
    double *all = calloc(table_rows(table) + 1, sizeof *all);
    size_t sizes[CLASSES] = {0}, start = 0;
    for (size_t row = 0; row < table_rows(table); row++)
        sizes[class_of(table_number_at(table, row, "input_tokens"))] += isnan(table_number_at(table, row, column)) ? 0 : 1;
    for (size_t i = 0; i < CLASSES && all; start += sizes[i++])
        classes[i] = (struct prompt_class){.deltas = all + start};
    for (size_t row = 0; row < table_rows(table) && all; row++) {
        const double delta = table_number_at(table, row, column);
        struct prompt_class *class = &classes[class_of(table_number_at(table, row, "input_tokens"))];
        if (!isnan(delta))
            class->deltas[class->count++] = delta;
    }
    for (size_t i = 0; i < CLASSES && all; i++)
        qsort(classes[i].deltas, classes[i].count, sizeof *all, compare_double_items);
    return all;
}

/* Bars are medians; the line over each goes from a tenth of its requests to nine tenths. Of several sides each has a picture, as bars stand on
 * each other. */
static void add_class_bars(struct document *document, const struct sides *sides, size_t side, const struct prompt_class classes[CLASSES])
{
    char key[COLUMN_SIZE] = "gains_by_prompt", title[TEXT_SIZE] = "", note[NOTE_SIZE], less[COLUMN_SIZE];
    if (sides->named) {
        snprintf(key, sizeof key, "gains_by_prompt_%s", sides->keys[side]);
        snprintf(title, sizeof title, "%s: ", sides->names[side]);
    }
    snprintf(title + strlen(title), sizeof title - strlen(title), "%chat requests gain or lose, by length of the prompt",
             sides->named ? 'w' : 'W');
    struct chart *chart = document_chart_for(document, FOR_PAGE, key,
                                             &(struct chart_heading){.kind = CHART_BARS,
                                                                     .title = title,
                                                                     .note = gain_note(sides, side, "", note),
                                                                     .x = {.name = "prompt tokens"},
                                                                     .y = {.name = difference_name(sides, less), .unit = "ms"}});
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

static void add_classes(struct document *document, const struct sides *sides, size_t side, const struct table *table)
{
    struct prompt_class classes[CLASSES] = {{0}};
    char column[COLUMN_SIZE];
    double *all = sort_into_classes(table, gain_column(sides, side, column), classes);
    if (all)
        add_class_bars(document, sides, side, classes);
    else if (document)
        document->out_of_memory = true;
    free(all);
}

/* --- the first difference ------------------------------------------------------------------------------------------------------------------ */

/* When the step began, on the side that came to it first; NaN: no decision differs. Of several sides: of the one that parts first, *step. */
static double parted_s(const struct document *document, const struct sides *sides, double *step, const char **who)
{
    const struct table *table = picture_table(document, "first_differences");
    double at_ns =
        fmin(picture_number(document, "first_difference", "a_start_ns"), picture_number(document, "first_difference", "b_start_ns"));
    *step = sides->named ? (double)INFINITY : picture_number(document, "first_difference", "step");
    *who = NULL;
    for (size_t row = 0; sides->named && row < table_rows(table); row++) {
        const double own = table_number_at(table, row, "step");
        if (isnan(own) || own >= *step)
            continue;
        *step = own;
        *who = table_text_at(table, row, "side");
        at_ns = fmin(table_number_at(table, row, "first_start_ns"), table_number_at(table, row, "own_start_ns"));
    }
    return at_ns / 1e9;
}

/* "step 17 at 0.52 s": "request 30: A admits it (768), B (96)". */
static void say_first_difference(struct document *document, const struct sides *sides)
{
    const char *who;
    double step;
    const double at_s = parted_s(document, sides, &step, &who);
    const struct table *decisions = picture_table(document, "decisions_that_differ");
    char where[96], what[160], digits[UNIT_TEXT];
    if (isnan(step) || isinf(step)) {
        document_key_value(document, "first decision that differs", "none", NULL);
        return;
    }
    snprintf(where, sizeof where, "step %s", unit_count((uint64_t)step, digits));
    if (!isnan(at_s))
        snprintf(where + strlen(where), sizeof where - strlen(where), " at %s", unit_seconds(at_s, digits));
    if (who) {
        snprintf(what, sizeof what, "of %s from %s; the others part later, if they do", who, sides->names[0]);
    } else if (table_rows(decisions) > 0) {
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
static void add_gains_over_time(struct document *document, const struct sides *sides, const struct table *table)
{
    char note[NOTE_SIZE], name[COLUMN_SIZE], x[COLUMN_SIZE], y[COLUMN_SIZE];
    const char *who;
    double step;
    if (sides->named)
        gain_note(sides, 0, ", by arrival", note);
    else
        snprintf(note, sizeof note, "E2E with B less that with A, by arrival; upright: the first decision that differs");
    struct chart *chart = document_chart_for(document, FOR_PAGE, "gains_over_time",
                                             &(struct chart_heading){.kind = CHART_PLOT,
                                                                     .title = "When requests gain or lose",
                                                                     .note = note,
                                                                     .x = {.name = "arrival", .unit = "s"},
                                                                     .y = {.name = difference_name(sides, name), .unit = "ms"}});
    for (size_t side = 1; side < sides->count; side++) {
        chart_add_series(chart, &(struct chart_series){.name = sides->named ? sides->names[side] : "a request",
                                                       .draw = DRAW_MARKS,
                                                       .group = sides->named ? side : 2});
        picture_points(chart, table, column_of(sides, 0, "arrival_s", x), gain_column(sides, side, y), 1);
        chart_thin(chart);
    }
    const double at_s = parted_s(document, sides, &step, &who);
    picture_upright(chart, at_s, "the schedules part", sides->named ? sides->count : 3);
}

/* --- the page ------------------------------------------------------------------------------------------------------------------------------ */

/* "15,501.0 -> 75,413.5", a value a side. */
static void add_values(struct document *document, const struct sides *sides, const struct table *figures, const char *figure,
                       const char *label, int digits)
{
    double values[SIDES_MOST], largest = 0;
    char names[(size_t)SIDES_MOST * COLUMN_SIZE] = "", text[SIDES_MOST * (UNIT_TEXT + 8)] = "", number[UNIT_TEXT];
    for (size_t side = 0; side < sides->count; side++) {
        values[side] = picture_number_of(figures, "figure", figure, sides->keys[side]);
        if (isnan(values[side]))
            return;
        largest = fmax(largest, fabs(values[side]));
    }
    for (size_t side = 0; side < sides->count; side++) {
        const char *arrow = side ? " \xe2\x86\x92 " : "";
        unit_fixed(values[side], largest < 1000 ? digits : 0, number, sizeof number);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", arrow, number);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", arrow, sides->names[side]);
    }
    document_key_value(document, label, text, names);
}

void compare_page(struct document *document)
{
    const struct table *figures = picture_table(document, "figures");
    const struct sides sides = sides_of(document);
    add_values(document, &sides, figures, "median_ttft_ms", "TTFT, median (ms)", 1);
    add_values(document, &sides, figures, "p99_ttft_ms", "TTFT, p99 (ms)", 1);
    add_values(document, &sides, figures, "p99_itl_ms", "ITL, p99 (ms)", 1);
    add_values(document, &sides, figures, "p99_e2el_ms", "E2E, p99 (ms)", 1);
    add_values(document, &sides, figures, "output_throughput", "output tokens/s", 0);
    add_values(document, &sides, figures, "preemptions", "preemptions", 0);
    say_first_difference(document, &sides);
    if (!document_pictures(document))
        return;
    const struct table *requests = picture_table(document, "per_request");
    add_distributions(document, &sides, requests, "ttft", "TTFT", "Time to first token: share of requests that waited at most so long");
    add_distributions(document, &sides, requests, "e2el", "E2E", "Time to the end: share of requests that took at most so long");
    add_gains(document, &sides, requests);
    for (size_t side = 1; side < sides.count; side++)
        add_classes(document, &sides, side, requests);
    add_gains_over_time(document, &sides, requests);
}
