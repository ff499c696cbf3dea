/* page_member.c - writes and reads the member "page" of reports. Read page_member.h first, then KINDS: each kind of element is one row there,
 * with how it is written and how it is read. A new field of a chart or table must be both; the test that every command's page comes out of
 * its JSON byte for byte (tests/cli/saved_pages_are_the_same) sees when one is missing.
 *
 * What is read may be anything. It is held to what renderers rely on: known kinds, finite axes, as many points in each area. */
#include "report/page_member.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { COLUMNS_MOST = 1024, SERIES_MOST = 4096, GROUPS_MOST = 65535, GRID_ROWS_MOST = 4096 };

static const struct {
    const char *name;
    enum document_audience bit;
} audiences[] = {{"people", FOR_PEOPLE}, {"json", FOR_JSON}, {"csv", FOR_CSV}, {"page", FOR_PAGE}, {"not page", NOT_ON_PAGE}};

static void put_text(struct json_text *json, const char *key, const char *text)
{
    if (text)
        json_put_string(json, key, text);
}

static void put_flag(struct json_text *json, const char *key, bool value)
{
    if (!value)
        return;
    json_key(json, key);
    json_bool(json, true);
}

static void put_audience(struct json_text *json, unsigned audience)
{
    json_key(json, "for");
    json_open_array(json);
    for (size_t i = 0; i < COUNT(audiences); i++)
        if (audience & audiences[i].bit)
            json_string(json, audiences[i].name);
    json_close_array(json);
}

static enum document_audience read_audience(const struct json_reader *reader, const cJSON *object)
{
    unsigned audience = 0;
    const cJSON *words = json_member_array(reader, object, "for"), *word;
    cJSON_ArrayForEach(word, words)
    {
        const char *text = cJSON_GetStringValue(word);
        size_t i = 0;
        while (i < COUNT(audiences) && (!text || strcmp(text, audiences[i].name) != 0))
            i++;
        if (i == COUNT(audiences))
            json_member_wrong(reader, word, "\"people\", \"json\", \"csv\", \"page\" or \"not page\"");
        else
            audience |= audiences[i].bit;
    }
    return (enum document_audience)audience;
}

/* --- words ----------------------------------------------------------------------------------------------------------------------------- */

static void write_line(const struct document_element *element, bool at_top, struct json_text *json)
{
    (void)at_top;
    put_text(json, "text", element->text);
}

static void read_line(const struct json_reader *reader, const cJSON *report, const cJSON *element, struct document *document)
{
    const char *text = json_member_text_needed(reader, element, "text");
    (void)report;
    if (text)
        document_line(document, "%s", text);
}

/* A heading's note is where other elements have a key (document.c). */
static void write_heading(const struct document_element *element, bool at_top, struct json_text *json)
{
    (void)at_top;
    put_text(json, "text", element->text);
    put_text(json, "note", element->key);
    put_flag(json, "light", element->light);
}

static void read_heading(const struct json_reader *reader, const cJSON *report, const cJSON *element, struct document *document)
{
    const char *text = json_member_text_needed(reader, element, "text"), *note = json_member_text(reader, element, "note");
    (void)report;
    if (text && json_member_flag(reader, element, "light"))
        document_subheading(document, text, note);
    else if (text)
        document_heading(document, text, note);
}

static void write_key_figure(const struct document_element *element, bool at_top, struct json_text *json)
{
    (void)at_top;
    put_text(json, "label", element->key);
    put_text(json, "value", element->text);
    put_text(json, "note", element->note);
}

static void read_key_figure(const struct json_reader *reader, const cJSON *report, const cJSON *element, struct document *document)
{
    const char *label = json_member_text_needed(reader, element, "label"), *value = json_member_text_needed(reader, element, "value"),
               *note = json_member_text(reader, element, "note");
    (void)report;
    if (label && value)
        document_key_value(document, label, value, note);
}

/* --- figures --------------------------------------------------------------------------------------------------------------------------- */

static void write_figures(const struct document_element *element, bool at_top, struct json_text *json)
{
    (void)at_top;
    json_key(json, "names");
    json_open_array(json);
    for (size_t i = 0; i < element->figure_count; i++)
        json_string(json, element->figures[i].name);
    json_close_array(json);
}

double page_figure_read(const struct json_reader *reader, const cJSON *member, const struct figure_kind *kind)
{
    uint64_t whole;
    if (!member || cJSON_IsNull(member))
        return NAN;
    if (!cJSON_IsNumber(member))
        json_member_wrong(reader, member, "a number or null");
    else if (kind->whole && !(json_uint64(reader->json, member, &whole) && whole <= INT64_MAX))
        json_member_wrong(reader, member, "a whole number from 0, or null");
    else
        return member->valuedouble;
    return NAN;
}

static void read_figures(const struct json_reader *reader, const cJSON *report, const cJSON *element, struct document *document)
{
    struct figure_set set = {.count = 0};
    const cJSON *names = json_member_array(reader, element, "names"), *name;
    cJSON_ArrayForEach(name, names)
    {
        struct figure_kind made;
        const char *text = cJSON_GetStringValue(name);
        const struct figure_kind *kind = text ? figure_kind_find(text, &made) : NULL;
        if (kind && strlen(text) < FIGURE_NAME_SIZE)
            figure_set_add(&set, kind, page_figure_read(reader, cJSON_GetObjectItemCaseSensitive(report, text), kind));
        else
            json_member_wrong(reader, name, "a figure's name, as `pagesim figures` lists them");
    }
    document_figures(document, &set, false);
}

/* --- tables ---------------------------------------------------------------------------------------------------------------------------- */

static void write_table(const struct document_element *element, bool at_top, struct json_text *json)
{
    put_text(json, "key", element->key ? element->key : "table");
    put_audience(json, element->audience);
    table_write_whole(element->table, at_top && (element->audience & FOR_JSON), json);
}

static void read_cell(const struct json_reader *reader, const cJSON *cell, struct table *table)
{
    if (!cell || cJSON_IsNull(cell))
        table_number(table, NAN);
    else if (cJSON_IsNumber(cell))
        table_number(table, cell->valuedouble);
    else if (cJSON_IsString(cell))
        table_text(table, cell->valuestring);
    else if (cJSON_IsBool(cell))
        table_flag(table, cJSON_IsTrue(cell));
    else
        json_member_wrong(reader, cell, "a cell: a number, a string, true, false or null");
}

/* An array has the cells in order. An object has them by name, in the order of the columns where this program wrote it: *next is then the one
 * that is wanted. */
static const cJSON *take_cell(const cJSON *row, const struct table_column *column, const cJSON **next)
{
    const cJSON *cell = *next;
    if (cJSON_IsObject(row) && (!cell || strcmp(cell->string, column->name) != 0))
        return cJSON_GetObjectItemCaseSensitive(row, column->name);
    *next = cell ? cell->next : NULL;
    return cell;
}

struct table *page_table_read(const struct json_reader *reader, const cJSON *rows, enum document_audience audience, const char *key,
                              const struct table_column *columns, size_t column_count, struct document *document)
{
    const cJSON *row;
    struct table *table = document_table_for(document, audience, key, columns, column_count);
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *next = row->child;
        if (!cJSON_IsObject(row) && !(cJSON_IsArray(row) && (size_t)cJSON_GetArraySize(row) == column_count)) {
            json_member_wrong(reader, row, "a row: an object, or an array with a cell for each column");
            return table;
        }
        for (size_t i = 0; i < column_count; i++)
            read_cell(reader, take_cell(row, &columns[i], &next), table);
    }
    return table;
}

/* Objects have no cells for columns that only people see. */
static bool names_are_there(const struct table_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!columns[i].name)
            return false;
    return true;
}

static void read_rows(const struct json_reader *reader, const cJSON *report, const cJSON *element, const struct table_column *columns,
                      size_t count, struct document *document)
{
    const char *key = json_member_text_needed(reader, element, "key");
    const double shown = json_member_number(reader, element, "shown", 0, 1e15, 0);
    const enum document_audience audience = read_audience(reader, element);
    const bool own = json_member(element, "rows") != NULL;
    const cJSON *rows = key ? json_member_array(reader, own ? element : report, own ? "rows" : key) : NULL,
                *first = rows ? rows->child : NULL;
    if (cJSON_IsObject(first) && !names_are_there(columns, count))
        json_member_wrong(reader, first, "an array, as a column has no name");
    if (reader->diag->status != SIM_OK)
        return;
    table_show_first(page_table_read(reader, rows, audience, key, columns, count, document), (size_t)shown);
}

static void read_table(const struct json_reader *reader, const cJSON *report, const cJSON *element, struct document *document)
{
    const cJSON *list = json_member_array(reader, element, "columns"), *item;
    const size_t count = (size_t)cJSON_GetArraySize(list);
    struct table_column *columns;
    size_t at = 0;
    if (!list)
        return;
    if (count == 0 || count > COLUMNS_MOST) {
        json_member_wrong(reader, list, "an array of 1 to 1024 columns");
        return;
    }
    if (array_zeroed(&columns, count, sizeof *columns, "a table", reader->diag) != SIM_OK)
        return;
    cJSON_ArrayForEach(item, list) columns[at++] =
        (struct table_column){.name = json_member_text(reader, item, "name"),
                              .heading = json_member_text(reader, item, "heading"),
                              .decimals = (int)json_member_number(reader, item, "decimals", TABLE_EXACT, 17, 0),
                              .unit = json_member_number(reader, item, "unit", 0, 1e300, 0)};
    read_rows(reader, report, element, columns, count, document);
    free(columns);
}

/* --- charts ---------------------------------------------------------------------------------------------------------------------------- */

static void write_axis(const char *key, const struct chart_axis *axis, struct json_text *json)
{
    json_key(json, key);
    json_open_object(json);
    put_text(json, "name", axis->name);
    put_text(json, "unit", axis->unit);
    json_put_double(json, "low", axis->low);
    json_put_double(json, "high", axis->high);
    put_flag(json, "logarithmic", axis->logarithmic);
    put_flag(json, "bare", axis->bare);
    json_close_object(json);
}

struct chart_axis page_axis_read(const struct json_reader *reader, const cJSON *chart, const char *key)
{
    const cJSON *axis = json_member(chart, key);
    return (struct chart_axis){.name = json_member_text(reader, axis, "name"),
                               .unit = json_member_text(reader, axis, "unit"),
                               .low = json_member_number(reader, axis, "low", -1e300, 1e300, 0),
                               .high = json_member_number(reader, axis, "high", -1e300, 1e300, 0),
                               .logarithmic = json_member_flag(reader, axis, "logarithmic"),
                               .bare = json_member_flag(reader, axis, "bare")};
}

static void write_labels(const struct chart_series *series, struct json_text *json)
{
    if (!series->labels)
        return;
    json_key(json, "labels");
    json_open_array(json);
    for (size_t i = 0; i < series->count; i++)
        if (series->labels[i])
            json_string(json, series->labels[i]);
        else
            json_null(json);
    json_close_array(json);
}

static void write_series(const struct chart_series *series, struct json_text *json)
{
    json_open_object(json);
    put_text(json, "name", series->name);
    put_text(json, "label", series->label);
    if (series->mark)
        json_put_string(json, "mark", (const char[]){series->mark, '\0'});
    json_put_uint(json, "group", series->group);
    json_put_string(json, "draw", chart_draw_name(series->draw));
    json_key(json, "points");
    json_open_array(json);
    for (size_t i = 0; i < series->count; i++) {
        json_exact(json, series->points[i].x);
        json_exact(json, series->points[i].y);
    }
    json_close_array(json);
    write_labels(series, json);
    json_close_object(json);
}

static double point_number(const struct json_reader *reader, const cJSON *node)
{
    if (cJSON_IsNumber(node))
        return node->valuedouble;
    if (!cJSON_IsNull(node))
        json_member_wrong(reader, node, "a number or null");
    return NAN;
}

/* Of one more point; NULL: that of the point before. */
static const char *point_label(const struct json_reader *reader, const cJSON *node)
{
    if (node && !cJSON_IsString(node) && !cJSON_IsNull(node))
        json_member_wrong(reader, node, "a string or null");
    return cJSON_GetStringValue(node);
}

void page_points_read(const struct json_reader *reader, const cJSON *points, const cJSON *labels, struct chart *chart)
{
    const cJSON *x = points ? points->child : NULL, *label = labels ? labels->child : NULL;
    while (x && reader->diag->status == SIM_OK) {
        const bool pair = cJSON_IsArray(x);
        const cJSON *from = pair ? x->child : x, *y = from ? from->next : NULL;
        if (!y || (pair && y->next)) {
            json_member_wrong(reader, x, "followed by its y: points are x and y");
            return;
        }
        if (labels)
            chart_add_labelled(chart, point_number(reader, from), point_number(reader, y), point_label(reader, label));
        else
            chart_add(chart, point_number(reader, from), point_number(reader, y));
        x = pair ? x->next : y->next;
        label = label ? label->next : NULL;
    }
}

static void read_series(const struct json_reader *reader, const cJSON *item, struct chart *chart)
{
    const char *draw = json_member_text_needed(reader, item, "draw"), *mark = json_member_text(reader, item, "mark");
    const cJSON *points = json_member_array(reader, item, "points"),
                *labels = json_member(item, "labels") ? json_member_array(reader, item, "labels") : NULL;
    const char *name = json_member_text(reader, item, "name");
    struct chart_series series = {.name = name ? name : "",
                                  .label = json_member_text(reader, item, "label"),
                                  .group = (size_t)json_member_number(reader, item, "group", 0, GROUPS_MOST, 0)};
    if (draw && !chart_draw_find(draw, &series.draw))
        json_member_wrong(reader, json_member(item, "draw"), "\"line\", \"marks\", \"steps\", \"spans\", \"range\", \"arcs\" or \"words\"");
    if (mark && (mark[0] <= ' ' || mark[0] > '~' || mark[1]))
        json_member_wrong(reader, json_member(item, "mark"), "one character of ASCII");
    series.mark = mark ? mark[0] : '\0';
    if (reader->diag->status != SIM_OK)
        return;
    chart_add_series(chart, &series);
    page_points_read(reader, points, labels, chart);
}

static void write_grid(const struct chart_grid *grid, struct json_text *json)
{
    json_key(json, "grid");
    json_open_object(json);
    json_put_uint(json, "rows", grid->rows);
    json_key(json, "width");
    json_exact(json, grid->column_width);
    json_key(json, "height");
    json_exact(json, grid->row_height);
    json_close_object(json);
}

static struct chart_grid read_grid(const struct json_reader *reader, const cJSON *element)
{
    const cJSON *grid = json_member(element, "grid");
    return (struct chart_grid){.rows = (size_t)json_member_number(reader, grid, "rows", 1, GRID_ROWS_MOST, 1),
                               .column_width = json_member_number(reader, grid, "width", 0, 1e300, 1),
                               .row_height = json_member_number(reader, grid, "height", 0, 1e300, 1)};
}

static void write_chart(const struct document_element *element, bool at_top, struct json_text *json)
{
    const struct chart *chart = element->chart;
    (void)at_top;
    put_text(json, "key", element->key);
    put_audience(json, element->audience);
    json_put_string(json, "draw", chart_kind_name(chart->heading.kind));
    put_text(json, "title", chart->heading.title);
    put_text(json, "note", chart->heading.note);
    put_text(json, "labels", chart->heading.labels);
    put_text(json, "panel", chart->heading.panel);
    if (chart->heading.kind == CHART_GRID)
        write_grid(&chart->heading.grid, json);
    write_axis("x", &chart->heading.x, json);
    write_axis("y", &chart->heading.y, json);
    json_key(json, "categories");
    json_open_array(json);
    for (size_t i = 0; i < chart->category_count; i++)
        json_string(json, chart->categories[i]);
    json_close_array(json);
    json_key(json, "series");
    json_open_array(json);
    for (size_t i = 0; i < chart->count; i++)
        write_series(&chart->series[i], json);
    json_close_array(json);
}

static void read_lists(const struct json_reader *reader, const cJSON *element, struct chart *chart)
{
    const cJSON *categories = json_member_array(reader, element, "categories"), *list = json_member_array(reader, element, "series"), *item;
    cJSON_ArrayForEach(item, categories)
    {
        if (cJSON_IsString(item))
            chart_add_category(chart, item->valuestring);
        else
            json_member_wrong(reader, item, "a string");
    }
    if (cJSON_GetArraySize(list) > SERIES_MOST)
        json_member_wrong(reader, list, "an array of at most 4096 series");
    cJSON_ArrayForEach(item, list)
    {
        if (reader->diag->status != SIM_OK)
            return;
        read_series(reader, item, chart);
    }
}

/* What lies on another must have the same x. That memory ran out is told by the document. */
static bool areas_match(const struct chart *chart)
{
    for (size_t i = 1; chart && !chart->out_of_memory && i < chart->count; i++) {
        const struct chart_series *first = &chart->series[0], *series = &chart->series[i];
        if (series->count != first->count)
            return false;
        for (size_t j = 0; j < series->count; j++)
            if (series->points[j].x != first->points[j].x)
                return false;
    }
    return true;
}

/* All series have a whole number in each cell. */
static bool cells_match(const struct chart *chart)
{
    for (size_t i = 0; chart && !chart->out_of_memory && i < chart->count; i++) {
        const struct chart_series *series = &chart->series[i];
        if (series->count != chart->series[0].count || series->count % chart->heading.grid.rows > 0)
            return false;
        for (size_t j = 0; j < series->count; j++)
            if (!(series->points[j].y >= 0 && series->points[j].y <= 1e15) || fmod(series->points[j].y, 1) > 0)
                return false;
    }
    return true;
}

static void read_chart(const struct json_reader *reader, const cJSON *report, const cJSON *element, struct document *document)
{
    const char *kind = json_member_text_needed(reader, element, "draw"), *key = json_member_text(reader, element, "key");
    const enum document_audience audience = read_audience(reader, element);
    struct chart_heading heading = {.title = json_member_text(reader, element, "title"),
                                    .note = json_member_text(reader, element, "note"),
                                    .labels = json_member_text(reader, element, "labels"),
                                    .panel = json_member_text(reader, element, "panel"),
                                    .grid = read_grid(reader, element),
                                    .x = page_axis_read(reader, element, "x"),
                                    .y = page_axis_read(reader, element, "y")};
    (void)report;
    if (kind && !chart_kind_find(kind, &heading.kind))
        json_member_wrong(reader, json_member(element, "draw"), "\"lines\", \"areas\", \"plot\", \"bars\", \"heat\" or \"grid\"");
    if ((audience & FOR_PEOPLE) && heading.kind != CHART_LINES && heading.kind != CHART_AREAS)
        json_member_wrong(reader, json_member(element, "for"), "without \"people\": a terminal draws lines and areas alone");
    if (reader->diag->status != SIM_OK)
        return;
    struct chart *chart = document_chart_for(document, audience, key, &heading);
    read_lists(reader, element, chart);
    if (heading.kind == CHART_AREAS && reader->diag->status == SIM_OK && !areas_match(chart))
        json_member_wrong(reader, json_member(element, "series"), "series of the same x, as areas lie on each other");
    if (heading.kind == CHART_GRID && reader->diag->status == SIM_OK && !cells_match(chart))
        json_member_wrong(reader, json_member(element, "series"), "series with a whole number from 0 in each cell");
}

/* --- all ------------------------------------------------------------------------------------------------------------------------------- */

static const struct {
    enum document_element_kind kind;
    const char *name;
    void (*write)(const struct document_element *element, bool at_top, struct json_text *json);
    void (*read)(const struct json_reader *reader, const cJSON *report, const cJSON *element, struct document *document);
} kinds[] = {
    {DOCUMENT_HEADING, "heading", write_heading, read_heading},
    {DOCUMENT_LINE, "line", write_line, read_line},
    {DOCUMENT_KEY_FIGURE, "key figure", write_key_figure, read_key_figure},
    {DOCUMENT_FIGURES, "figures", write_figures, read_figures},
    {DOCUMENT_TABLE, "table", write_table, read_table},
    {DOCUMENT_CHART, "chart", write_chart, read_chart},
};

static void write_element(const struct document_element *element, bool at_top, struct json_text *json)
{
    /* Figures inside of another member are those of this machine, which pages leave out. */
    if (element->kind == DOCUMENT_FIGURES && !at_top)
        return;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (kinds[i].kind == element->kind) {
            json_open_object(json);
            json_put_string(json, "kind", kinds[i].name);
            kinds[i].write(element, at_top, json);
            json_close_object(json);
        }
}

void page_member_write(const struct document *document, struct json_text *json)
{
    struct json_text page;
    size_t depth = 0;
    json_text_init(&page, false);
    json_open_object(&page);
    json_key(&page, "elements");
    json_open_array(&page);
    for (size_t i = 0; i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        depth += element->kind == DOCUMENT_OPEN_OBJECT || element->kind == DOCUMENT_OPEN_ARRAY;
        depth -= element->kind == DOCUMENT_CLOSE;
        write_element(element, depth == 0, &page);
    }
    json_close_array(&page);
    json_close_object(&page);
    json_key(json, PAGE_MEMBER);
    if (!page.failed)
        json_raw(json, page.text, page.length);
    json->failed |= page.failed;
    json_text_deinit(&page);
}

void page_member_read(const struct json_reader *reader, const cJSON *report, const cJSON *page, struct document *document)
{
    const cJSON *elements = json_member_array(reader, page, "elements"), *element;
    cJSON_ArrayForEach(element, elements)
    {
        const char *kind = json_member_text_needed(reader, element, "kind");
        size_t i = 0;
        if (reader->diag->status != SIM_OK)
            return;
        while (i < COUNT(kinds) && strcmp(kinds[i].name, kind) != 0)
            i++;
        if (i < COUNT(kinds))
            kinds[i].read(reader, report, element, document);
        else
            json_member_wrong(reader, json_member(element, "kind"),
                              "\"heading\", \"line\", \"key figure\", \"figures\", \"table\" or \"chart\"");
    }
}
