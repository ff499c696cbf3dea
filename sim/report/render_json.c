/* render_json.c - a document as one JSON object: its origin, then the members in the document's order. Read renderer.h first, and
 * doc/formats.md section 7 for what programs may rely on.
 *
 * Elements come in the order of members, with open and close as brackets, so there is no tree: json_text knows what is open and puts the
 * commas. */
#include <string.h>

#include "config/config_keys.h"
#include "config/engine_facts.h"
#include "report/page_member.h"
#include "report/renderer.h"
#include "sim_version.h"

/* Enough to make the result again: version, command line, trace and the effective configuration, defaults included; and what was found. Of a
 * report from a file the rest are values. */
static void write_origin(const struct document *document, struct json_text *json)
{
    const struct document_origin *origin = &document->origin;
    const char *headline = document_headline_of(document);
    json_put_int(json, "schema_version", DOCUMENT_SCHEMA_VERSION);
    json_put_string(json, "pagesim", origin->saved ? origin->saved->pagesim : SIM_VERSION);
    json_put_string(json, "command", origin->command);
    if (origin->command_line)
        json_put_string(json, "command_line", origin->command_line);
    if (origin->trace)
        json_put_string(json, "trace", origin->trace);
    if (headline && !origin->saved)
        json_put_string(json, "headline", headline);
    if (!origin->config)
        return;
    json_put_string(json, "vllm", engine_facts_of(origin->config)->vllm_version);
    json_key(json, "configuration");
    config_write(origin->config, json);
}

/* An undefined figure is null and not left out, so that readers find every name in every run. Whole figures are printed as integers: as
 * doubles they would read 4e+06 or lose digits. */
static void write_figures(const struct document_element *element, struct json_text *json)
{
    for (size_t i = 0; i < element->figure_count; i++) {
        const struct figure *figure = &element->figures[i];
        json_key(json, figure->name);
        if (figure->undefined)
            json_null(json);
        else if (figure->whole)
            json_uint(json, (uint64_t)figure->value);
        else
            json_double(json, figure->value);
    }
}

/* The switch decides what is shown at all and lists every kind, so that the compiler names this place when a kind is added. Then comes the
 * member's name, which elements of an array do not have. */
static void write_element(const struct document_element *element, struct json_text *json)
{
    switch (element->kind) {
    case DOCUMENT_HEADING:
    case DOCUMENT_LINE:
    case DOCUMENT_HEADLINE:
    case DOCUMENT_KEY_FIGURE:
        return;
    case DOCUMENT_FIGURES:
        write_figures(element, json);
        return;
    case DOCUMENT_CLOSE:
        json_close_last(json);
        return;
    case DOCUMENT_TABLE:
    case DOCUMENT_CHART:
        if (!(element->audience & FOR_JSON))
            return;
        break;
    case DOCUMENT_VALUE:
    case DOCUMENT_OPEN_OBJECT:
    case DOCUMENT_OPEN_ARRAY:
        break;
    }
    if (element->key)
        json_key(json, element->key);
    if (element->kind == DOCUMENT_TABLE)
        table_write_json(element->table, json);
    else if (element->kind == DOCUMENT_CHART)
        chart_write_json(element->chart, json);
    else if (element->kind == DOCUMENT_VALUE)
        json_raw(json, element->text, strlen(element->text));
    else if (element->kind == DOCUMENT_OPEN_ARRAY)
        json_open_array(json);
    else
        json_open_object(json);
}

/* Of a report that was read, the values that are no others' members are the whole (saved_report.c). */
static void write_saved(const struct document *document, struct json_text *json)
{
    size_t depth = 0;
    for (size_t i = 0; i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        if (element->kind == DOCUMENT_VALUE && depth == 0)
            write_element(element, json);
        depth += element->kind == DOCUMENT_OPEN_OBJECT || element->kind == DOCUMENT_OPEN_ARRAY;
        depth -= element->kind == DOCUMENT_CLOSE;
    }
}

/* Indented, since reports are read by people as well. On a failure the buffer is ended here, so a caller has nothing to clean up. */
enum status document_to_json(const struct document *document, struct json_text *out, struct diag *diag)
{
    json_text_init(out, true);
    json_open_object(out);
    write_origin(document, out);
    if (document->origin.saved)
        write_saved(document, out);
    for (size_t i = 0; i < document->count && !document->origin.saved; i++)
        write_element(&document->elements[i], out);
    if (document->origin.charts && !document->origin.saved)
        page_member_write(document, out);
    json_close_object(out);
    enum status status = json_text_status(out, diag);
    if (status != SIM_OK)
        json_text_deinit(out);
    return status;
}

/* The whole text is made before any of it is printed: running out of memory leaves no half object. */
enum status render_json(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag)
{
    struct json_text json;
    (void)options;
    enum status status = document_to_json(document, &json, diag);
    if (status != SIM_OK)
        return status;
    fprintf(file, "%s\n", json.text);
    json_text_deinit(&json);
    return SIM_OK;
}
