/* reports_compared.c - a document of several saved reports. Read reports_compared.h first, then reports_compared() at the end. Sides are a, b,
 * c, ... for programs; people see a label: the file's name, or the one setting that differs. */
#include "report/reports_compared.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/line.h"
#include "base/printable.h"
#include "base/units.h"
#include "report/lean_report.h"
#include "report/picture_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ARROW        " \xe2\x86\x92 "

enum { LABEL_SIZE = 48, KEY_SIZE = 128, OVERLAYS_MOST = 24, SIDES = REPORTS_COMPARED_MOST };

struct sides {
    const struct saved_report *reports;
    size_t count;
    char labels[SIDES][LABEL_SIZE];
    const char *names[SIDES]; /* the labels, as a list */
};

/* The letter of a side, as a column of tables. */
static const char *letter(size_t side)
{
    static const char *const letters[SIDES] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    return letters[side];
}

enum status reports_compared_check(const struct saved_report *reports, size_t count, struct diag *diag)
{
    static const char *const known[] = {"replay", "explain", "validate", "curve"};
    const char *command = reports[0].document->origin.command;
    for (size_t i = 1; i < count; i++)
        if (strcmp(reports[i].document->origin.command, command) != 0)
            return diag_set(diag, SIM_USAGE, "%s is of `pagesim %s` and %s of `pagesim %s`; only reports of one command can be compared",
                            reports[0].name, command, reports[i].name, reports[i].document->origin.command);
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(command, known[i]) == 0)
            return SIM_OK;
    return diag_set(diag, SIM_USAGE,
                    "reports of `pagesim %s` have no figures of one run to compare; those of replay, explain, validate and curve have",
                    command);
}

/* --- settings ---------------------------------------------------------------------------------------------------------------------------- */

/* Calls `each` for every key that has not the same text on all sides, as "step_time.base_ns". Keys come in the order in which sides have
 * them; one of a later side is told by the first that has it. */
struct settings_walk {
    const struct sides *sides;
    void (*each)(void *self, const char *key, const cJSON *const *values);
    void *self;
};

static bool same_text(const struct sides *sides, const cJSON *const *values)
{
    const char *first, *other;
    for (size_t side = 1; side < sides->count; side++) {
        if (!values[0] || !values[side]) {
            if (values[0] != values[side])
                return false;
            continue;
        }
        const size_t length = json_source(&sides->reports[0].json, values[0], &first);
        if (json_source(&sides->reports[side].json, values[side], &other) != length || memcmp(first, other, length) != 0)
            return false;
    }
    return true;
}

static void walk_settings(const struct settings_walk *walk, const char *prefix, const cJSON *const *groups)
{
    const struct sides *sides = walk->sides;
    for (size_t side = 0; side < sides->count; side++) {
        const cJSON *member;
        cJSON_ArrayForEach(member, groups[side])
        {
            const cJSON *values[SIDES] = {NULL};
            char key[KEY_SIZE];
            bool told = false, groups_all = true;
            for (size_t i = 0; i < sides->count; i++) {
                values[i] = cJSON_GetObjectItemCaseSensitive(groups[i], member->string);
                told |= i < side && values[i];
                groups_all &= cJSON_IsObject(values[i]);
            }
            char whole[2 * KEY_SIZE];
            snprintf(whole, sizeof whole, "%s%s%s", prefix, *prefix ? "." : "", member->string);
            printable_copy(whole, key, sizeof key);
            if (!told && groups_all && !*prefix)
                walk_settings(walk, key, values);
            else if (!told && !same_text(sides, values))
                walk->each(walk->self, key, values);
        }
    }
}

static void walk_differences(const struct settings_walk *walk)
{
    const cJSON *groups[SIDES] = {NULL};
    for (size_t side = 0; side < walk->sides->count; side++)
        groups[side] = saved_report_configuration(&walk->sides->reports[side]);
    walk_settings(walk, "", groups);
}

/* A value as it stands in the file, without a string's quotes; whole characters where it is cut. */
static void value_text(const struct saved_report *report, const cJSON *value, char *out, size_t size)
{
    const char *text = value ? value->valuestring : "-";
    char raw[2 * KEY_SIZE];
    const size_t length = value && !cJSON_IsString(value) ? json_source(&report->json, value, &text) : strlen(text);
    snprintf(raw, sizeof raw, "%.*s", (int)(length < sizeof raw ? length : sizeof raw - 1), text);
    printable_copy(raw, out, size);
}

static void add_setting(void *self, const char *key, const cJSON *const *values)
{
    struct {
        const struct sides *sides;
        struct table *table;
    } *to = self;
    table_text(to->table, key);
    for (size_t side = 0; side < to->sides->count; side++) {
        char text[KEY_SIZE];
        value_text(&to->sides->reports[side], values[side], text, sizeof text);
        table_text(to->table, text);
    }
}

static void add_settings(struct document *document, const struct sides *sides)
{
    document_heading(document, "Settings that differ", NULL);
    struct {
        const struct sides *sides;
        struct table *table;
    } to = {sides, document_table(document, "keys_that_differ", &(struct table_column){"key", "key", TABLE_TEXT, 0}, 1)};
    for (size_t side = 0; side < sides->count; side++)
        table_add_column(to.table, &(struct table_column){letter(side), sides->labels[side], TABLE_TEXT, 0});
    walk_differences(&(struct settings_walk){.sides = sides, .each = add_setting, .self = &to});
    if (table_rows(to.table) == 0)
        document_line(document, "  none");
}

/* --- labels ------------------------------------------------------------------------------------------------------------------------------ */

/* "runs/before.json" -> "before" */
static void label_by_file(const char *name, char out[LABEL_SIZE])
{
    const char *slash = strrchr(name, '/'), *base = slash && slash[1] ? slash + 1 : name, *dot = strrchr(base, '.');
    const size_t length = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    char whole[4 * LABEL_SIZE];
    snprintf(whole, sizeof whole, "%.*s", (int)(length < sizeof whole ? length : sizeof whole - 1), base);
    printable_copy(whole, out, LABEL_SIZE - 2); /* a letter may have to come after it */
}

struct only_key {
    struct sides *sides;
    size_t count;
};

static void label_by_key(void *self, const char *key, const cJSON *const *values)
{
    struct only_key *only = self;
    only->count++;
    for (size_t side = 0; side < only->sides->count && only->count == 1; side++) {
        char name[29], text[19];
        printable_copy(key, name, sizeof name);
        value_text(&only->sides->reports[side], values[side], text, sizeof text);
        snprintf(only->sides->labels[side], LABEL_SIZE, "%s %s", name, text);
    }
}

static bool labels_differ(const struct sides *sides)
{
    for (size_t i = 0; i < sides->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(sides->labels[i], sides->labels[j]) == 0)
                return false;
    return true;
}

/* The setting, where one alone differs and tells all sides apart; else the files; else their letters as well. */
static void choose_labels(struct sides *sides)
{
    struct only_key only = {.sides = sides};
    walk_differences(&(struct settings_walk){.sides = sides, .each = label_by_key, .self = &only});
    for (size_t side = 0; side < sides->count; side++)
        sides->names[side] = sides->labels[side];
    if (only.count == 1 && labels_differ(sides))
        return;
    for (size_t side = 0; side < sides->count; side++)
        label_by_file(sides->reports[side].name, sides->labels[side]);
    if (labels_differ(sides))
        return;
    for (size_t side = 0; side < sides->count; side++) {
        char *end = sides->labels[side] + strlen(sides->labels[side]);
        memcpy(end, (const char[]){' ', letter(side)[0], '\0'}, 3);
    }
}

/* --- figures ------------------------------------------------------------------------------------------------------------------------------ */

static double value_of(const struct sides *sides, size_t side, const char *name)
{
    return figure_set_value(&sides->reports[side].figures, name);
}

/* What people see first, and what the verdict is about. */
static const struct {
    const char *name, *label, *in_words;
} key_figures[] = {{"median_ttft_ms", "TTFT, median", "median TTFT"},
                   {"p99_ttft_ms", "TTFT, p99", "p99 TTFT"},
                   {"p99_itl_ms", "ITL, p99", "p99 ITL"},
                   {"p99_e2el_ms", "E2E, p99", "p99 E2E"},
                   {"output_throughput", "output tokens", "output tokens"},
                   {"preemptions", "preemptions", "preemptions"},
                   {"prefix_hit_rate", "prompt tokens from the cache", "prefix hits"},
                   {"unserved", "requests not served", "requests not served"},
                   {"e2el_mape", "E2E, error of a request", "error of E2E"},
                   {"ttft_mape", "TTFT, error of a request", "error of TTFT"}};

/* The side that is best, alone; sides->count: several are, or nobody has it. */
static size_t best_side(const struct sides *sides, const char *name)
{
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(name, &made);
    size_t best = sides->count;
    double value = NAN;
    bool shared = false;
    for (size_t side = 0; side < sides->count; side++) {
        const double other = value_of(sides, side, name);
        if (!kind || kind->sense == FIGURE_NEITHER || isnan(other))
            return sides->count;
        shared = other == value || (shared && !(kind->sense == FIGURE_LESS_IS_BETTER ? other < value : other > value));
        if (side == 0 || (kind->sense == FIGURE_LESS_IS_BETTER ? other < value : other > value)) {
            best = side;
            value = other;
        }
    }
    return shared ? sides->count : best;
}

/* "b is best at p99 TTFT and preemptions; a at output tokens" */
static void add_headline(struct document *document, const struct sides *sides)
{
    struct line line = {0};
    for (size_t side = 0; side < sides->count; side++) {
        size_t wins = 0, told = 0;
        for (size_t i = 0; i < COUNT(key_figures); i++)
            wins += best_side(sides, key_figures[i].name) == side;
        if (wins > 0)
            line_put(&line, "%s%s %s ", line.length ? "; " : "", sides->labels[side], line.length ? "at" : "is best at");
        for (size_t i = 0; i < COUNT(key_figures); i++)
            if (best_side(sides, key_figures[i].name) == side) {
                told++;
                line_put(&line, "%s%s", told == 1 ? "" : told == wins ? " and " : ", ", key_figures[i].in_words);
            }
    }
    if (line.length > 0)
        document_headline(document, "%s", line.text);
    else
        document_headline(document, "None of %zu reports is better than the others", sides->count);
}

static void add_key_figures(struct document *document, const struct sides *sides)
{
    for (size_t i = 0; i < COUNT(key_figures); i++) {
        struct figure_kind made;
        const struct figure_kind *kind = figure_kind_find(key_figures[i].name, &made);
        struct line line = {0};
        bool any = false;
        for (size_t side = 0; side < sides->count; side++) {
            char text[2 * UNIT_TEXT] = "-";
            const double value = value_of(sides, side, key_figures[i].name);
            if (!isnan(value))
                document_figure_text(kind, value, text, sizeof text);
            any |= !isnan(value);
            line_put(&line, "%s%s", side ? ARROW : "", text);
        }
        if (any)
            document_key_value(document, key_figures[i].label, line.text, figure_sense_text(kind->sense));
    }
}

static bool is_key_figure(const char *name)
{
    for (size_t i = 0; i < COUNT(key_figures); i++)
        if (strcmp(key_figures[i].name, name) == 0)
            return true;
    return false;
}

static bool some_have(const struct sides *sides, size_t count, const char *name)
{
    for (size_t side = 0; side < count; side++)
        if (figure_set_find(&sides->reports[side].figures, name))
            return true;
    return false;
}

/* For programs numbers, for people the same with units and the difference to the first side in per cent. */
static struct table *open_figures(struct document *document, const struct sides *sides)
{
    static const struct table_column columns[] = {{"figure", "figure", TABLE_TEXT, 0}};
    static char names[SIDES][16];
    struct table *table = document_table(document, "figures", columns, COUNT(columns));
    for (size_t side = 0; side < sides->count; side++)
        table_add_column(table, &(struct table_column){letter(side), NULL, 0, 0});
    for (size_t side = 1; side < sides->count; side++) {
        snprintf(names[side], sizeof names[side], "delta_%s", letter(side));
        table_add_column(table, &(struct table_column){names[side], NULL, 0, 0});
    }
    for (size_t side = 0; side < sides->count; side++)
        table_add_column(table, &(struct table_column){NULL, sides->labels[side], TABLE_TEXT, 0});
    return table;
}

static void add_figure(struct table *table, const struct sides *sides, const char *name)
{
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(name, &made);
    const double first = value_of(sides, 0, name);
    table_text(table, name);
    for (size_t side = 0; side < sides->count; side++)
        table_number(table, value_of(sides, side, name));
    for (size_t side = 1; side < sides->count; side++)
        table_number(table, value_of(sides, side, name) - first);
    for (size_t side = 0; side < sides->count; side++) {
        const double value = value_of(sides, side, name), share = 100 * (value - first) / fabs(first);
        char text[2 * UNIT_TEXT];
        struct line line = {0};
        if (!isnan(value))
            document_figure_text(kind, value, text, sizeof text);
        line_put(&line, "%s", isnan(value) ? "-" : text);
        if (side > 0 && isfinite(share))
            line_put(&line, " (%+.1f %%)", share);
        table_text(table, line.text);
    }
}

/* Key figures first, which people see; then all others, in the order of the first side that has them. */
static void add_figures(struct document *document, const struct sides *sides)
{
    document_heading(document, "Figures", NULL);
    struct table *table = open_figures(document, sides);
    for (size_t i = 0; i < COUNT(key_figures); i++)
        if (some_have(sides, sides->count, key_figures[i].name))
            add_figure(table, sides, key_figures[i].name);
    table_show_first(table, table_rows(table));
    for (size_t side = 0; side < sides->count; side++)
        for (size_t i = 0; i < sides->reports[side].figures.count; i++) {
            const char *name = sides->reports[side].figures.list[i].name;
            if (!is_key_figure(name) && !some_have(sides, side, name))
                add_figure(table, sides, name);
        }
}

/* --- curves over each other ------------------------------------------------------------------------------------------------------------- */

/* Marks of single requests and spans would hide each other. */
static bool lies_over(const struct chart *chart, const struct chart_series *series)
{
    return (chart->heading.kind == CHART_PLOT || chart->heading.kind == CHART_LINES) && series->name && series->count > 1 &&
           (series->draw == DRAW_LINE || series->draw == DRAW_STEPS);
}

static const struct chart_series *series_of(const struct saved_report *report, const char *key, const char *name)
{
    const struct chart *chart = picture_chart(report->document, key);
    for (size_t i = 0; chart && i < chart->count; i++)
        if (lies_over(chart, &chart->series[i]) && strcmp(chart->series[i].name, name) == 0)
            return &chart->series[i];
    return NULL;
}

/* The plane that all sides fit. */
static struct chart_heading heading_of(const struct sides *sides, const char *key, const char *title)
{
    struct chart_heading heading = picture_chart(sides->reports[0].document, key)->heading;
    heading.title = title;
    heading.note = NULL;
    for (size_t side = 1; side < sides->count; side++) {
        const struct chart *chart = picture_chart(sides->reports[side].document, key);
        if (!chart)
            continue;
        heading.x.low = fmin(heading.x.low, chart->heading.x.low);
        heading.x.high = fmax(heading.x.high, chart->heading.x.high);
        heading.y.high = heading.y.high > 0 && chart->heading.y.high > 0 ? fmax(heading.y.high, chart->heading.y.high) : 0;
    }
    return heading;
}

static bool always(const struct chart_series *series, double y)
{
    bool same = true;
    for (size_t i = 0; series && same && i < series->count; i++)
        same = series->points[i].y == y;
    return same;
}

/* A height that is always the same on all sides, such as a budget, tells nothing. */
static bool add_overlay(struct document *document, const struct sides *sides, const char *key, const struct chart_series *first)
{
    const char *whole = picture_chart(sides->reports[0].document, key)->heading.title;
    char title[256], name[256], begin[150], end[80];
    bool others = false, same = always(first, first->points[0].y);
    for (size_t side = 1; side < sides->count; side++) {
        const struct chart_series *series = series_of(&sides->reports[side], key, first->name);
        others |= series != NULL;
        same &= always(series, first->points[0].y);
    }
    if (!others || same)
        return false;
    printable_copy(whole ? whole : key, begin, sizeof begin);
    printable_copy(first->name, end, sizeof end);
    snprintf(title, sizeof title, "%s: %s", begin, end);
    printable_copy(key, begin, KEY_SIZE / 2);
    printable_copy(first->name, end, KEY_SIZE / 2);
    snprintf(name, sizeof name, "%s %s", begin, end);
    const struct chart_heading heading = heading_of(sides, key, title);
    struct chart *chart = document_chart_for(document, FOR_PAGE, name, &heading);
    for (size_t side = 0; side < sides->count; side++) {
        const struct chart_series *series = series_of(&sides->reports[side], key, first->name);
        if (!series)
            continue;
        chart_add_series(chart, &(struct chart_series){.name = sides->labels[side], .draw = series->draw, .group = side});
        for (size_t i = 0; i < series->count; i++)
            chart_add(chart, series->points[i].x, series->points[i].y);
    }
    return true;
}

static void add_overlays(struct document *document, const struct sides *sides)
{
    const struct document *first = sides->reports[0].document;
    size_t count = 0;
    for (size_t i = 0; i < first->count; i++) {
        const struct document_element *element = &first->elements[i];
        const struct chart *chart = element->kind == DOCUMENT_CHART && element->key ? element->chart : NULL;
        for (size_t j = 0;
             chart && chart == picture_chart(sides->reports[0].document, element->key) && j < chart->count && count < OVERLAYS_MOST; j++)
            if (lies_over(chart, &chart->series[j]))
                count += add_overlay(document, sides, element->key, &chart->series[j]);
    }
}

static void add_charts(struct document *document, const struct sides *sides)
{
    const struct figure_set *sets[SIDES];
    for (size_t side = 0; side < sides->count; side++)
        sets[side] = &sides->reports[side].figures;
    latency_bars(document, sets, sides->names, sides->count);
    add_overlays(document, sides);
}

/* --- all ---------------------------------------------------------------------------------------------------------------------------------- */

static void add_files(struct document *document, const struct sides *sides)
{
    static const struct table_column columns[] = {{"side", NULL, TABLE_TEXT, 0},         {"file", "file", TABLE_TEXT, 0},
                                                  {"label", "called", TABLE_TEXT, 0},    {"trace", "trace", TABLE_TEXT, 0},
                                                  {"command_line", NULL, TABLE_TEXT, 0}, {"pagesim", NULL, TABLE_TEXT, 0}};
    document_line(document, "%zu reports of pagesim %s", sides->count, sides->reports[0].document->origin.command);
    struct table *table = document_table(document, "files", columns, COUNT(columns));
    for (size_t side = 0; side < sides->count; side++) {
        const struct document_origin *origin = &sides->reports[side].document->origin;
        table_text(table, letter(side));
        table_text(table, sides->reports[side].name);
        table_text(table, sides->labels[side]);
        table_text(table, origin->trace);
        table_text(table, origin->command_line);
        table_text(table, origin->saved->pagesim);
    }
}

/* Other requests make other figures, whatever was set. */
static void tell_of_traces(struct document *document, const struct sides *sides)
{
    const char *first = sides->reports[0].document->origin.trace;
    for (size_t side = 1; side < sides->count; side++) {
        const char *trace = sides->reports[side].document->origin.trace;
        if ((first || trace) && (!first || !trace || strcmp(first, trace) != 0)) {
            document_line(document, "These are of different traces: differences may come from the requests.");
            return;
        }
    }
}

struct document *reports_compared(const struct saved_report *reports, size_t count, const struct document_origin *origin)
{
    struct sides sides = {.reports = reports, .count = count};
    struct document *document = document_create(origin);
    choose_labels(&sides);
    add_headline(document, &sides);
    add_key_figures(document, &sides);
    add_files(document, &sides);
    tell_of_traces(document, &sides);
    add_figures(document, &sides);
    add_settings(document, &sides);
    if (document_pictures(document))
        add_charts(document, &sides);
    return document;
}
