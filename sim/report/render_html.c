/* render_html.c - a document as one page of HTML that needs nothing else: no network, no other file. Read renderer.h first, and html/page.js
 * for what happens in the reader's browser.
 *
 * The page is written in the reader's order: headline, the figures that matter, charts, the report in words, all tables, the configuration
 * and the command. The words are HTML as they are. Numbers of charts and tables stand in one JSON object in a script element, from which
 * page.js draws charts by Chart.js and makes tables when they are opened.
 *
 * Text of others (names of traces, files, options) reaches the page by two ways alone: put_text for HTML, put_data for JSON. The page's own
 * policy forbids every request. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/memory_stream.h"
#include "base/printable.h"
#include "base/units.h"
#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "report/page_files.h"
#include "report/renderer.h"
#include "sim_version.h"

/* Rows and cells of a table that a page holds; CSV has all. A table of a million requests would make a page that no browser opens. */
enum { PAGE_ROWS_MOST = 2000, PAGE_CELLS_MOST = 100000 };

/* --- text of others ----------------------------------------------------------------------------------------------------------------- */

/* Characters that mean something in HTML or in its attributes become references. What a terminal would obey is shown as an escape here as
 * well: it would turn the text around, or not be seen. NULL: nothing, as what nobody named. */
static void put_text(const char *text, FILE *file)
{
    static const struct {
        char character;
        const char *reference;
    } special[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}, {'\n', "\n"}};
    while (text && *text) {
        char shown[PRINTABLE_ESCAPE];
        const char *reference = NULL;
        for (size_t i = 0; i < sizeof special / sizeof *special; i++)
            if (*text == special[i].character)
                reference = special[i].reference;
        const size_t length = printable_show(text, shown);
        fputs(reference ? reference : shown, file);
        text += length;
    }
}

/* JSON inside of a script element: only < could end the element or begin a comment there, and in JSON it stands in strings alone. */
static void put_data(const char *json, size_t length, FILE *file)
{
    for (const char *end = json + length; json < end;) {
        const char *less = memchr(json, '<', (size_t)(end - json));
        fwrite(json, 1, (size_t)((less ? less : end) - json), file);
        if (less)
            fputs("\\u003c", file);
        json = less ? less + 1 : end;
    }
}

/* json_string takes text as it is, also what is no UTF-8. NULL is an empty word; `length`: no more of it than that. */
static void add_start(struct json_text *json, const char *text, size_t length)
{
    const size_t size = PRINTABLE_GROWTH * length + PRINTABLE_ESCAPE;
    char *word = text ? strndup(text, length) : NULL, *shown = malloc(size);
    if (shown)
        printable_copy(word ? word : "", shown, size);
    if (shown && (word || !text))
        json_string(json, shown);
    else
        json->failed = true;
    free(word);
    free(shown);
}

static void add_word(struct json_text *json, const char *text)
{
    add_start(json, text, text ? strlen(text) : 0);
}

static void put_string(struct json_text *json, const char *key, const char *text)
{
    json_key(json, key);
    add_word(json, text);
}

/* --- what the page shows ------------------------------------------------------------------------------------------------------------- */

/* Those for JSON alone have a fuller one of the same name for CSV. What was measured on this machine is left out: the page is the same for
 * the same run. */
static bool is_table(const struct document_element *element)
{
    return (element->kind == DOCUMENT_FIGURES && element->figure_count > 0 && !element->figures[0].measured) ||
           (element->kind == DOCUMENT_TABLE && (element->audience & FOR_CSV) && table_rows(element->table) > 0);
}

static size_t count_of(const struct document *document, bool (*is)(const struct document_element *element))
{
    size_t count = 0;
    for (size_t i = 0; i < document->count; i++)
        count += is(&document->elements[i]);
    return count;
}

static void put_head(const struct document *document, FILE *file)
{
    const struct document_origin *origin = &document->origin;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline'; "
          "style-src 'unsafe-inline'; img-src data:\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>pagesim ",
          file);
    put_text(origin->command, file);
    fputs(origin->trace ? ": " : "", file);
    put_text(origin->trace ? origin->trace : "", file);
    fputs("</title>\n<style>\n", file);
    fwrite(page_css.text, 1, page_css.length, file);
    fputs("</style>\n</head>\n<body>\n", file);
}

/* The finding, then the trace that it is about. */
static void put_opening(const struct document *document, FILE *file)
{
    const struct document_origin *origin = &document->origin;
    const char *headline = document_headline_of(document);
    fputs("<header>\n<p class=\"kind\">pagesim ", file);
    put_text(origin->command, file);
    if (origin->trace && headline) {
        fputs(" <span>", file);
        put_text(origin->trace, file);
        fputs("</span>", file);
    }
    fputs("</p>\n<h1>", file);
    put_text(headline ? headline : origin->trace ? origin->trace : origin->command, file);
    fputs("</h1>\n</header>\n<main>\n", file);
}

static void put_key_figures(const struct document *document, FILE *file)
{
    bool any = false;
    for (size_t i = 0; i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        if (element->kind != DOCUMENT_KEY_FIGURE)
            continue;
        fputs(any ? "" : "<dl class=\"key\">\n", file);
        fputs("<div><dt>", file);
        put_text(element->key, file);
        fputs("</dt><dd>", file);
        put_text(element->text, file);
        fputs("</dd>", file);
        if (element->note) {
            fputs("<dd class=\"note\">", file);
            put_text(element->note, file);
            fputs("</dd>", file);
        }
        fputs("</div>\n", file);
        any = true;
    }
    fputs(any ? "</dl>\n" : "", file);
}

/* --- charts ------------------------------------------------------------------------------------------------------------------------- */

/* How much of a grid a series has, column by column: the least and the most, in percent. */
static void put_shares(const struct chart *chart, const struct chart_series *series, FILE *file)
{
    const size_t rows = chart->heading.grid.rows;
    const double whole = chart->heading.y.high - chart->heading.y.low;
    double low = INFINITY, high = 0;
    for (size_t from = 0; rows > 0 && from + rows <= series->count; from += rows) {
        double sum = 0;
        for (size_t row = 0; row < rows; row++)
            sum += series->points[from + row].y;
        low = fmin(low, sum);
        high = fmax(high, sum);
    }
    if (series->count >= rows && whole > 0)
        fprintf(file, ": from %.0f to %.0f %% of all.", 100 * low / whole, 100 * high / whole);
}

/* What a chart shows, for who cannot see it: its axes, and how far each series goes. */
static void put_description(const struct chart *chart, FILE *file)
{
    const struct chart_heading *heading = &chart->heading;
    put_text(heading->title ? heading->title : "Chart", file);
    fputs(". ", file);
    put_text(heading->y.name ? heading->y.name : "", file);
    fputs(" over ", file);
    put_text(heading->x.name ? heading->x.name : "", file);
    fputs(".", file);
    for (size_t i = 0; i < chart->count; i++) {
        const struct chart_series *series = &chart->series[i];
        double low = INFINITY, high = -INFINITY;
        if (series->draw == DRAW_RANGE)
            continue;
        for (size_t j = 0; j < series->count; j++) {
            low = fmin(low, series->points[j].y);
            high = fmax(high, series->points[j].y);
        }
        fputs(" ", file);
        put_text(series->label ? series->label : series->name, file);
        if (heading->kind == CHART_GRID)
            put_shares(chart, series, file);
        else if (series->count > 0 && series->draw != DRAW_SPANS)
            fprintf(file, ": from %.4g to %.4g.", low, high);
        else
            fprintf(file, ": %zu points.", series->count);
    }
}

static bool has_ranges(const struct chart *chart)
{
    for (size_t i = 0; i < chart->count; i++)
        if (chart->series[i].draw == DRAW_RANGE)
            return true;
    return false;
}

/* The title of the next pictures that stand together, *open; what the first of them notes is about all. */
static void put_panel(const struct chart_heading *heading, const char **open, FILE *file)
{
    const char *next = heading->panel;
    if (*open && (!next || strcmp(*open, next) != 0))
        fputs("</div>\n", file);
    if (next && (!*open || strcmp(*open, next) != 0)) {
        fputs("<div class=\"panel\">\n<h2>", file);
        put_text(next, file);
        fputs("</h2>\n<p class=\"note\">", file);
        put_text(heading->note ? heading->note : "", file);
        fputs("</p>\n", file);
    }
    *open = next;
}

static void put_charts(const struct document *document, FILE *file)
{
    const struct chart_heading none = {0};
    const char *panel = NULL;
    size_t number = 0;
    if (count_of(document, document_is_picture) == 0)
        return;
    fputs("<section class=\"charts\" aria-label=\"Charts\">\n<noscript><p>The charts need JavaScript; words and numbers below do not."
          "</p></noscript>\n",
          file);
    for (size_t i = 0; i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        if (!document_is_picture(element))
            continue;
        put_panel(&element->chart->heading, &panel, file);
        fprintf(file, "<figure data-chart=\"%zu\">\n<figcaption><h2>", number++);
        put_text(element->chart->heading.title ? element->chart->heading.title : element->key, file);
        fputs("</h2>", file);
        if (element->chart->heading.note && (element->audience & FOR_PAGE) && !panel) { /* others explain the letters of a terminal */
            fputs("<p>", file);
            put_text(element->chart->heading.note, file);
            fputs("</p>", file);
        }
        if (has_ranges(element->chart) && !panel)
            fputs("<p>line: mean of a piece of time; shade: from its lowest to its highest value</p>", file);
        fputs("</figcaption>\n<div class=\"plot\" role=\"img\" tabindex=\"0\" aria-label=\"", file);
        put_description(element->chart, file);
        fputs("\"></div>\n</figure>\n", file);
    }
    put_panel(&none, &panel, file);
    fputs("</section>\n", file);
}

/* x and y in turn. Nine digits: a picture has no more, and they make the page a third smaller. */
static void add_points(const struct chart_series *series, struct json_text *json)
{
    json_key(json, "points");
    json_open_array(json);
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        char pair[64];
        const int length = isfinite(point->x) && isfinite(point->y) ? snprintf(pair, sizeof pair, "%.9g,%.9g", point->x, point->y)
                                                                    : snprintf(pair, sizeof pair, "null,null");
        json_raw(json, pair, (size_t)length);
    }
    json_close_array(json);
}

/* Of a grid, where x follows from the place: whole numbers, of which the same ones in a row are told once. "7,0*3," is 7, 0, 0, 0. */
static void add_cells(const struct chart_series *series, struct json_text *json)
{
    json_key(json, "cells");
    json_raw(json, "\"", 1);
    for (size_t i = 0, same; i < series->count; i += same) {
        char text[2 * DIGITS_MOST + 2], *end = digits_put(text, (uint64_t)series->points[i].y);
        for (same = 1; i + same < series->count && series->points[i + same].y == series->points[i].y;)
            same++;
        if (same > 1) {
            *end++ = '*';
            end = digits_put(end, same);
        }
        *end++ = ',';
        json_append(json, text, (size_t)(end - text));
    }
    json_append(json, "\"", 1);
}

static void add_grid(const struct chart_grid *grid, struct json_text *json)
{
    json_key(json, "grid");
    json_open_object(json);
    json_put_uint(json, "rows", grid->rows);
    json_put_double(json, "width", grid->column_width);
    json_put_double(json, "height", grid->row_height);
    json_close_object(json);
}

/* What all labels of a chart begin with is said once: commands differ in their last words. */
static size_t common_prefix(const struct chart *chart, const char **first)
{
    size_t length = 0;
    *first = NULL;
    for (size_t i = 0; i < chart->count; i++)
        for (size_t j = 0; chart->series[i].labels && chart->series[i].draw != DRAW_WORDS && j < chart->series[i].count; j++) {
            const char *label = chart->series[i].labels[j];
            size_t same = 0;
            if (!label)
                continue;
            if (!*first)
                length = strlen(*first = label);
            while (same < length && label[same] == (*first)[same])
                same++;
            length = same;
        }
    while (length > 0 && (*first)[length - 1] != ' ') /* whole words, and no character in two */
        length--;
    return length;
}

static void add_labels(const struct chart_series *series, size_t prefix, struct json_text *json)
{
    if (!series->labels)
        return;
    json_key(json, "labels");
    json_open_array(json);
    for (size_t i = 0; i < series->count; i++)
        if (series->labels[i])
            add_word(json, series->labels[i] + (series->draw == DRAW_WORDS ? 0 : prefix));
        else
            json_null(json);
    json_close_array(json);
}

static void add_axis(const char *key, const struct chart_axis *axis, bool logarithmic, double high, struct json_text *json)
{
    json_key(json, key);
    json_open_object(json);
    put_string(json, "name", axis->name);
    put_string(json, "unit", axis->unit);
    json_key(json, "logarithmic");
    json_bool(json, logarithmic);
    if (axis->bare) {
        json_key(json, "bare");
        json_bool(json, true);
    }
    if (high > axis->low) {
        json_put_double(json, "low", axis->low);
        json_put_double(json, "high", high);
    }
    json_close_object(json);
}

static void add_series(const struct chart_series *series, bool in_grid, size_t prefix, struct json_text *json)
{
    json_open_object(json);
    put_string(json, "name", series->label ? series->label : series->name);
    json_put_string(json, "draw", chart_draw_name(series->draw));
    json_put_uint(json, "group", series->group);
    in_grid ? add_cells(series, json) : add_points(series, json);
    add_labels(series, prefix, json);
    json_close_object(json);
}

static void add_chart(const struct document_element *element, struct json_text *json)
{
    const struct chart *chart = element->chart;
    const struct chart_heading *heading = &chart->heading;
    const bool lines = heading->kind == CHART_LINES;
    const char *label;
    const size_t prefix = common_prefix(chart, &label);
    json_open_object(json);
    put_string(json, "key", element->key);
    json_put_string(json, "kind", chart_kind_name(heading->kind));
    if (heading->labels) {
        put_string(json, "labels", heading->labels);
        json_key(json, "prefix");
        add_start(json, label, prefix);
    }
    add_axis("x", &heading->x, lines || heading->x.logarithmic, heading->x.high, json);
    add_axis("y", &heading->y, heading->y.logarithmic, heading->kind == CHART_AREAS ? chart_y_high(chart) : heading->y.high, json);
    if (heading->kind == CHART_GRID)
        add_grid(&heading->grid, json);
    json_key(json, "categories");
    json_open_array(json);
    for (size_t i = 0; i < chart->category_count; i++)
        add_word(json, chart->categories[i]);
    json_close_array(json);
    json_key(json, "series");
    json_open_array(json);
    for (size_t i = 0; i < chart->count; i++)
        add_series(&chart->series[i], heading->kind == CHART_GRID, prefix, json);
    json_close_array(json);
    json_close_object(json);
}

/* --- words and tables --------------------------------------------------------------------------------------------------------------- */

static void put_fence(bool *open, bool wanted, FILE *file)
{
    if (*open != wanted)
        fputs(wanted ? "<pre>" : "</pre>\n", file);
    *open = wanted;
}

static enum status put_table(const struct table *table, const struct render_options *options, FILE *file, struct diag *diag)
{
    struct memory_stream stream;
    char *text = NULL;
    size_t length;
    enum status status = memory_stream_open(&stream, diag);
    if (status != SIM_OK)
        return status;
    status = table_print(table, "  ", options->width, stream.file, diag);
    const enum status closed = memory_stream_close(&stream, &text, &length, diag);
    if (status == SIM_OK && closed == SIM_OK)
        put_text(text, file);
    free(text);
    return status == SIM_OK ? closed : status;
}

/* The report as a terminal shows it, without the charts, which stand above. */
static enum status put_report(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag)
{
    enum status status = SIM_OK;
    bool open = false;
    fputs("<section class=\"report\">\n<h2>The report in words</h2>\n", file);
    for (size_t i = 0; i < document->count && status == SIM_OK; i++) {
        const struct document_element *element = &document->elements[i];
        if (element->kind == DOCUMENT_HEADING && i + 1 < document->count && element[1].kind == DOCUMENT_CHART)
            continue; /* of nothing else than a chart */
        if (element->kind == DOCUMENT_HEADING) {
            put_fence(&open, false, file);
            fputs("<h3>", file);
            put_text(element->text, file);
            fputs("<small>", file);
            put_text(element->key ? element->key : "", file);
            fputs("</small></h3>\n", file);
        } else if (element->kind == DOCUMENT_LINE) {
            put_fence(&open, true, file);
            put_text(element->text, file);
            fputc('\n', file);
        } else if (element->kind == DOCUMENT_TABLE && (element->audience & FOR_PEOPLE) && table_rows(element->table) > 0) {
            put_fence(&open, true, file);
            status = put_table(element->table, options, file, diag);
        }
    }
    put_fence(&open, false, file);
    fputs("</section>\n", file);
    return status;
}

static size_t rows_of(const struct document_element *element)
{
    return element->kind == DOCUMENT_FIGURES ? element->figure_count : table_rows(element->table);
}

static size_t page_rows_of(const struct document_element *element)
{
    const size_t columns = element->kind == DOCUMENT_TABLE ? table_columns(element->table) : 0;
    return columns * PAGE_ROWS_MOST > PAGE_CELLS_MOST ? PAGE_CELLS_MOST / columns : PAGE_ROWS_MOST;
}

static void put_tables(const struct document *document, FILE *file)
{
    size_t number = 0;
    fputs("<section class=\"tables\">\n<h2>All numbers</h2>\n", file);
    for (size_t i = 0; i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        char rows[UNIT_TEXT], most[UNIT_TEXT];
        if (!is_table(element))
            continue;
        fprintf(file, "<details data-table=\"%zu\"><summary>", number++);
        put_text(element->key ? element->key : "table", file);
        fprintf(file, " <small>%s rows", unit_count(rows_of(element), rows));
        if (rows_of(element) > page_rows_of(element))
            fprintf(file, "; the first %s are here, --format csv has all", unit_count(page_rows_of(element), most));
        fputs("</small></summary></details>\n", file);
    }
    fputs("</section>\n", file);
}

/* A table is its CSV, as --format csv prints it: what the reader downloads is what the program writes. */
static enum status add_table(const struct document_element *element, struct json_text *json, struct diag *diag)
{
    struct memory_stream stream;
    char *text = NULL;
    size_t length;
    enum status status = memory_stream_open(&stream, diag);
    if (status != SIM_OK)
        return status;
    if (element->kind == DOCUMENT_FIGURES) {
        fputs("name,value\n", stream.file);
        for (size_t i = 0; i < element->figure_count; i++) {
            char digits[32];
            fprintf(stream.file, "%s,%s\n", element->figures[i].name, figure_text(&element->figures[i], digits));
        }
    } else {
        table_print_csv_first(element->table, page_rows_of(element), stream.file);
    }
    status = memory_stream_close(&stream, &text, &length, diag);
    if (status != SIM_OK)
        return status;
    json_open_object(json);
    put_string(json, "key", element->key ? element->key : "table");
    json_put_string(json, "csv", text);
    json_close_object(json);
    free(text);
    return SIM_OK;
}

/* --- where it comes from ------------------------------------------------------------------------------------------------------------ */

static void put_configuration(const char *text, FILE *file)
{
    fputs("<details><summary>The configuration <small>as a file for --config, defaults included</small></summary>\n<pre>", file);
    put_text(text, file);
    fputs("</pre></details>\n", file);
}

static enum status put_origin(const struct document_origin *origin, FILE *file, struct diag *diag)
{
    const struct document_saved *saved = origin->saved;
    const char *vllm = saved ? saved->vllm : origin->config ? engine_facts_of(origin->config)->vllm_version : NULL;
    fputs("<section class=\"origin\">\n", file);
    if (origin->command_line) {
        fputs("<h2>The command</h2>\n<pre class=\"command\">", file);
        put_text(origin->command_line, file);
        fputs("</pre>\n", file);
    }
    if (saved && saved->configuration) {
        put_configuration(saved->configuration, file);
    } else if (origin->config) {
        struct json_text json;
        json_text_init(&json, true);
        config_write(origin->config, &json);
        const enum status status = json_text_status(&json, diag);
        if (status == SIM_OK)
            put_configuration(json.text, file);
        json_text_deinit(&json);
        if (status != SIM_OK)
            return status;
    }
    fputs("</section>\n</main>\n<footer>pagesim ", file);
    put_text(saved ? saved->pagesim : SIM_VERSION, file);
    fputs(vllm ? ", vLLM " : "", file);
    put_text(vllm ? vllm : "", file);
    fputs("</footer>\n", file);
    return SIM_OK;
}

/* Charts and tables by number, as data-chart and data-table name them. */
static enum status put_numbers(const struct document *document, FILE *file, struct diag *diag)
{
    struct json_text json;
    enum status status = SIM_OK;
    json_text_init(&json, false);
    json_open_object(&json);
    json_key(&json, "charts");
    json_open_array(&json);
    for (size_t i = 0; i < document->count; i++)
        if (document_is_picture(&document->elements[i]))
            add_chart(&document->elements[i], &json);
    json_close_array(&json);
    json_key(&json, "tables");
    json_open_array(&json);
    for (size_t i = 0; i < document->count && status == SIM_OK; i++)
        if (is_table(&document->elements[i]))
            status = add_table(&document->elements[i], &json, diag);
    json_close_array(&json);
    json_close_object(&json);
    if (status == SIM_OK)
        status = json_text_status(&json, diag);
    if (status == SIM_OK) {
        fputs("<script type=\"application/json\" id=\"data\">", file);
        put_data(json.text, json.length, file);
        fputs("</script>\n", file);
    }
    json_text_deinit(&json);
    return status;
}

static void put_script(const struct page_file *script, FILE *file)
{
    fputs("<script>\n", file);
    fwrite(script->text, 1, script->length, file);
    fputs("</script>\n", file);
}

enum status render_html_check(struct diag *diag)
{
    if (page_chart_js.length > 0)
        return SIM_OK;
    return diag_set(diag, SIM_USAGE,
                    "--html: this program was built without Chart.js; install libjs-chart.js (make deps) and build it again");
}

enum status render_html(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag)
{
    put_head(document, file);
    put_opening(document, file);
    put_key_figures(document, file);
    put_charts(document, file);
    enum status status = put_report(document, options, file, diag);
    put_tables(document, file);
    if (status == SIM_OK)
        status = put_origin(&document->origin, file, diag);
    if (status == SIM_OK)
        status = put_numbers(document, file, diag);
    put_script(&page_chart_js, file);
    put_script(&page_js, file);
    fputs("</body>\n</html>\n", file);
    return status;
}
