/* lean_report.c - a document from the members of a report's JSON. Read lean_report.h first, then lean_report_build. What a member is, is seen
 * by its form: a number with a figure's name is that figure, an array of objects is a table, an object with series is a chart. */
#include "report/lean_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "report/page_member.h"
#include "report/replay_report.h"
#include "report/table_pictures.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Rows that people see of a table: a page and --format csv have more. */
enum { SHOWN_ROWS = 20, COLUMNS_MOST = 256 };

/* --- tables ---------------------------------------------------------------------------------------------------------------------------- */

/* What a column of a table is, as far as its cells so far tell. */
struct found_column {
    const char *name;
    bool text, flag, nested;
};

struct found_columns {
    struct found_column list[COLUMNS_MOST];
    size_t count;
};

/* Rows have the same members in the same order nearly always, so it is looked for from `from` on. NULL: there are too many. */
static struct found_column *column_of(struct found_columns *columns, const char *name, size_t from)
{
    for (size_t i = 0; i < columns->count; i++) {
        struct found_column *column = &columns->list[(from + i) % columns->count];
        if (strcmp(column->name, name) == 0)
            return column;
    }
    if (columns->count == COLUMNS_MOST)
        return NULL;
    columns->list[columns->count] = (struct found_column){.name = name};
    return &columns->list[columns->count++];
}

static void look_at_rows(const cJSON *rows, struct found_columns *columns)
{
    const cJSON *row, *cell;
    cJSON_ArrayForEach(row, rows)
    {
        size_t at = 0;
        cJSON_ArrayForEach(cell, row)
        {
            struct found_column *column = column_of(columns, cell->string, at++);
            if (!column)
                continue;
            column->text |= cJSON_IsString(cell);
            column->flag |= cJSON_IsBool(cell);
            column->nested |= cJSON_IsObject(cell) || cJSON_IsArray(cell);
        }
    }
}

static int decimals_of(const struct found_column *column)
{
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(column->name, &made);
    return column->text ? TABLE_TEXT : column->flag ? TABLE_YES_NO : kind ? figure_decimals(kind) : TABLE_EXACT;
}

/* Cells that hold more than a value are left to JSON. */
static size_t describe_columns(const struct found_columns *found, struct table_column *columns)
{
    size_t count = 0;
    for (size_t i = 0; i < found->count; i++)
        if (!found->list[i].nested)
            columns[count++] = (struct table_column){
                .name = found->list[i].name, .heading = found->list[i].name, .decimals = decimals_of(&found->list[i])};
    return count;
}

static bool is_rows(const cJSON *member)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, member)
    {
        if (!cJSON_IsObject(row))
            return false;
    }
    return cJSON_IsArray(member) && member->child;
}

static void add_table(const struct json_reader *reader, const cJSON *member, struct document *document)
{
    struct {
        struct found_columns found;
        struct table_column columns[COLUMNS_MOST];
    } * work;
    if (array_zeroed(&work, 1, sizeof *work, "a table", reader->diag) != SIM_OK)
        return;
    look_at_rows(member, &work->found);
    const size_t count = describe_columns(&work->found, work->columns);
    if (count > 0) {
        document_heading(document, member->string, NULL);
        table_show_first(page_table_read(reader, member, FOR_PEOPLE | FOR_CSV, member->string, work->columns, count, document), SHOWN_ROWS);
    }
    free(work);
}

/* For people; programs have them as they are. */
static void add_figures(const struct figure_set *figures, struct document *document)
{
    static const struct table_column columns[] = {{NULL, "figure", TABLE_TEXT, 0}, {NULL, "value", TABLE_TEXT, 0}};
    if (figures->count == 0)
        return;
    document_figures(document, figures, false);
    document_heading(document, "Figures", NULL);
    struct table *table = document_table_for(document, FOR_PEOPLE, "figures_for_people", columns, COUNT(columns));
    for (size_t i = 0; i < figures->count; i++) {
        struct figure_kind made;
        char text[128];
        const struct figure_kind *kind = figure_kind_find(figures->list[i].name, &made);
        if (!kind || figures->list[i].undefined)
            continue;
        document_figure_text(kind, figures->list[i].value, text, sizeof text);
        table_text(table, figures->list[i].name);
        table_text(table, text);
    }
}

/* --- charts ---------------------------------------------------------------------------------------------------------------------------- */

/* chart_write_json names the scale. */
static struct chart_axis axis_of(const struct json_reader *reader, const cJSON *chart, const char *key)
{
    struct chart_axis axis = page_axis_read(reader, chart, key);
    const char *scale = json_member_text(reader, json_member(chart, key), "scale");
    axis.logarithmic = scale && strcmp(scale, "logarithmic") == 0;
    return axis;
}

/* As chart_write_json writes it (chart.h). Areas lie on each other, so they need what page_member.c asks of them; lines do not. */
static void add_chart(const struct json_reader *reader, const cJSON *member, struct document *document)
{
    const char *kind = json_member_text(reader, member, "kind");
    const cJSON *list = json_member_array(reader, member, "series"), *item;
    struct chart_heading heading = {
        .title = json_member_text(reader, member, "title"), .x = axis_of(reader, member, "x"), .y = axis_of(reader, member, "y")};
    size_t group = 0;
    if (!kind || !chart_kind_find(kind, &heading.kind))
        return;
    struct chart *chart = document_chart_for(document, FOR_PAGE, member->string, &heading);
    cJSON_ArrayForEach(item, list)
    {
        const char *as = json_member_text(reader, item, "shown_as");
        const char *name = json_member_text(reader, item, "name");
        const bool marks = as && strcmp(as, "points") == 0;
        chart_add_series(chart, &(struct chart_series){.name = name ? name : "", .draw = marks ? DRAW_MARKS : DRAW_LINE, .group = group++});
        page_points_read(reader, json_member_array(reader, item, "points"), NULL, chart);
    }
}

void latency_bars(struct document *document, const struct figure_set *const *runs, const char *const *names, size_t count)
{
    static const struct {
        const char *name, *title;
    } latencies[] = {{"ttft", "Time to first token"}, {"itl", "Time between tokens"}, {"e2el", "Time to the end"}};
    static const char *const ranks[] = {"median", "p90", "p95", "p99", "max"};
    for (size_t latency = 0; latency < COUNT(latencies); latency++) {
        char key[64], title[96], figure[FIGURE_NAME_SIZE], category[32];
        bool any = false;
        for (size_t run = 0; run < count; run++) {
            snprintf(figure, sizeof figure, "median_%s_ms", latencies[latency].name);
            any |= !isnan(figure_set_value(runs[run], figure));
        }
        if (!any)
            continue;
        snprintf(key, sizeof key, "%s_percentiles", latencies[latency].name);
        snprintf(title, sizeof title, "%s: percentiles", latencies[latency].title);
        struct chart *chart = document_chart_for(
            document, FOR_PAGE, key,
            &(struct chart_heading){
                .kind = CHART_BARS, .title = title, .x = {.name = "percentile"}, .y = {.name = latencies[latency].name, .unit = "ms"}});
        for (size_t rank = 0; rank < COUNT(ranks); rank++)
            for (size_t run = 0; run < count; run++) {
                snprintf(category, sizeof category, names ? "%s %c" : "%s", ranks[rank], (char)('a' + run));
                chart_add_category(chart, category);
            }
        for (size_t run = 0; run < count; run++) {
            chart_add_series(chart, &(struct chart_series){.name = names ? names[run] : latencies[latency].title, .group = run});
            for (size_t rank = 0; rank < COUNT(ranks); rank++) {
                snprintf(figure, sizeof figure, "%s_%s_ms", ranks[rank], latencies[latency].name);
                const double value = figure_set_value(runs[run], figure);
                if (!isnan(value))
                    chart_add(chart, (double)(rank * count + run), value);
            }
        }
    }
}

/* The memory's accounts, in the mean over time: one bar. */
static void add_memory_bar(struct document *document, const struct figure_set *figures)
{
    static const struct {
        const char *figure, *name;
        size_t color;
    } parts[] = {{"mean_used_blocks", "in use", 0}, {"mean_cached_idle_blocks", "cached, idle", 2}, {"mean_free_blocks", "free", 6}};
    if (isnan(figure_set_value(figures, parts[0].figure)))
        return;
    struct chart *chart = document_chart_for(document, FOR_PAGE, "mean_blocks",
                                             &(struct chart_heading){.kind = CHART_BARS,
                                                                     .title = "Blocks in use, cached and free, in the mean over time",
                                                                     .x = {.name = "run"},
                                                                     .y = {.name = "blocks", .unit = "blocks"}});
    chart_add_category(chart, "mean");
    for (size_t i = 0; i < COUNT(parts); i++) {
        const double value = figure_set_value(figures, parts[i].figure);
        chart_add_series(chart, &(struct chart_series){.name = parts[i].name, .group = parts[i].color});
        if (!isnan(value))
            chart_add(chart, 0, value);
    }
}

/* --- by command ------------------------------------------------------------------------------------------------------------------------ */

static void open_replay(struct document *document, const struct figure_set *figures)
{
    replay_key_figures(document, figures);
    if (!document_pictures(document))
        return;
    latency_bars(document, &figures, NULL, 1);
    add_memory_bar(document, figures);
}

/* What the pages of these commands need is in their members. */
static const struct {
    const char *command;
    void (*open)(struct document *document);
} openings[] = {{"ledger", ledger_page},   {"compare", compare_page},     {"curve", curve_page},
                {"explain", explain_page}, {"validate", validation_page}, {"sweep", sweep_page}};

void lean_report_build(const struct json_reader *reader, const struct figure_set *figures, struct document *document)
{
    const cJSON *member;
    document_line(
        document, "%s",
        "This report was saved without its page: what happened over time is not in it;\n`--charts` next to `--format json` keeps it.");
    add_figures(figures, document);
    cJSON_ArrayForEach(member, reader->json->root)
    {
        if (is_rows(member))
            add_table(reader, member, document);
        else if (cJSON_IsArray(json_member(member, "series")))
            add_chart(reader, member, document);
    }
    if (document && strcmp(document->origin.command, "replay") == 0)
        open_replay(document, figures);
    for (size_t i = 0; i < COUNT(openings); i++)
        if (document && strcmp(openings[i].command, document->origin.command) == 0)
            openings[i].open(document);
}
