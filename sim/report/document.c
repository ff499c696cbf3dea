/* document.c - a growing list of elements. Read document.h first for what they mean, and a short report (trace_report.c) for how they are
 * used.
 *
 * The first failed allocation sets out_of_memory, which stops all building; document_status reports it. So a report of fifty calls has one
 * check instead of fifty. Values are turned into JSON text right away, which lets one element hold any type.
 *
 * Order is all the structure that there is: objects and arrays are a pair of elements, open and close, with their members between them, so
 * a renderer is a single loop without recursion. */
#include "report/document.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/units.h"

/* Takes over command_line even when it fails, so that the caller has nothing to free in either case. A caller may go on building into NULL:
 * every function below takes it as a document without memory, and the report's caller learns of it from document_status. */
struct document *document_create(const struct document_origin *origin)
{
    struct document *document = calloc(1, sizeof *document);
    if (!document) {
        free(origin->command_line);
        return NULL;
    }
    document->origin = *origin;
    document->out_of_memory = origin->incomplete;
    return document;
}

void document_destroy(struct document *document)
{
    if (!document)
        return;
    for (size_t i = 0; i < document->count; i++) {
        struct document_element *element = &document->elements[i];
        free(element->key);
        free(element->text);
        free(element->note);
        free(element->figures);
        table_destroy(element->table);
        chart_destroy(element->chart);
    }
    free(document->elements);
    free(document->origin.command_line);
    free(document);
}

/* Tables and charts remember a failure of their own, as cells are added to them directly and not through the document. Without this walk a
 * table that lost cells would be printed as if it were whole. */
enum status document_status(const struct document *document, struct diag *diag)
{
    if (!document || document->out_of_memory)
        return diag_no_memory(diag, document ? document->capacity * sizeof *document->elements : sizeof *document, "the report");
    enum status status = SIM_OK;
    for (size_t i = 0; i < document->count && status == SIM_OK; i++)
        if (document->elements[i].kind == DOCUMENT_TABLE)
            status = table_status(document->elements[i].table, diag);
        else if (document->elements[i].kind == DOCUMENT_CHART)
            status = chart_status(document->elements[i].chart, diag);
    return status;
}

/* A new element, or NULL when memory is out. */
static struct document_element *add(struct document *document, enum document_element_kind kind, const char *key)
{
    struct diag ignored = {0}; /* document_status reports the failure */
    if (!document || document->out_of_memory)
        return NULL;
    if (array_reserve(&document->elements, &document->capacity, document->count + 1, sizeof *document->elements, "the report", &ignored) !=
        SIM_OK) {
        document->out_of_memory = true;
        return NULL;
    }
    struct document_element *element = &document->elements[document->count++];
    *element = (struct document_element){.kind = kind, .key = key ? strdup(key) : NULL};
    document->out_of_memory |= key && !element->key;
    return element;
}

/* Copies the text: callers build it in buffers of their own. A NULL element means that add() failed before; the failure is known
 * already. */
static void set_text(struct document *document, struct document_element *element, const char *text)
{
    if (!element)
        return;
    element->text = strdup(text);
    document->out_of_memory |= element->text == NULL;
}

/* --- for people ------------------------------------------------------------------------------------------------------------------- */

/* A heading has no use for a key, so the note is kept there. */
void document_heading(struct document *document, const char *heading, const char *note)
{
    set_text(document, add(document, DOCUMENT_HEADING, note), heading);
}

void document_subheading(struct document *document, const char *heading, const char *note)
{
    struct document_element *element = add(document, DOCUMENT_HEADING, note);
    set_text(document, element, heading);
    if (element)
        element->light = true;
}

/* Measured, then printed. */
__attribute__((format(printf, 1, 0))) static char *print_text(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (text)
        vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

/* An element of nothing but text. */
__attribute__((format(printf, 3, 0))) static void add_text(struct document *document, enum document_element_kind kind, const char *format,
                                                           va_list arguments)
{
    struct document_element *element = add(document, kind, NULL);
    if (!element)
        return;
    element->text = print_text(format, arguments);
    document->out_of_memory |= !element->text;
}

void document_line(struct document *document, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_text(document, DOCUMENT_LINE, format, arguments);
    va_end(arguments);
}

/* --- for pages --------------------------------------------------------------------------------------------------------------------- */

void document_headline(struct document *document, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_text(document, DOCUMENT_HEADLINE, format, arguments);
    va_end(arguments);
}

void document_key_value(struct document *document, const char *label, const char *value, const char *note)
{
    struct document_element *element = add(document, DOCUMENT_KEY_FIGURE, label);
    set_text(document, element, value);
    if (!element || !note)
        return;
    element->note = strdup(note);
    document->out_of_memory |= element->note == NULL;
}

/* Three digits at least: a headline needs no more. */
static char *three_digits(double value, char out[UNIT_TEXT])
{
    return unit_fixed(value, fabs(value) >= 100 ? 0 : fabs(value) >= 10 ? 1 : 2, out, UNIT_TEXT);
}

/* The number as people read it: from a thousand milliseconds on as seconds, shares in per cent. */
void document_figure_text(const struct figure_kind *kind, double value, char *out, size_t size)
{
    char digits[UNIT_TEXT];
    switch (kind->unit) {
    case FIGURE_MS:
        snprintf(out, size, "%s %s", three_digits(value >= 1e3 ? value / 1e3 : value, digits), value >= 1e3 ? "s" : "ms");
        return;
    case FIGURE_S:
        snprintf(out, size, "%s", unit_seconds(value, digits));
        return;
    case FIGURE_SHARE:
        snprintf(out, size, "%s %%", unit_fixed(100 * value, 1, digits, sizeof digits));
        return;
    case FIGURE_BYTES:
        snprintf(out, size, "%s", unit_bytes(value, digits));
        return;
    case FIGURE_COUNT:
    case FIGURE_PER_S:
    case FIGURE_GB_PER_S:
        snprintf(out, size, "%s%s", kind->whole ? unit_count((uint64_t)value, digits) : three_digits(value, digits),
                 kind->unit == FIGURE_PER_S      ? " /s"
                 : kind->unit == FIGURE_GB_PER_S ? " GB/s"
                                                 : "");
        return;
    }
}

void document_key_number(struct document *document, const char *name, double value, const char *label)
{
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(name, &made);
    char text[2 * UNIT_TEXT];
    if (!kind || isnan(value))
        return;
    document_figure_text(kind, value, text, sizeof text);
    document_key_value(document, label, text, figure_sense_text(kind->sense));
}

void document_key_figure(struct document *document, const struct figure_set *set, const char *name, const char *label)
{
    document_key_number(document, name, figure_set_value(set, name), label);
}

void document_not_on_page(struct document *document, const char *key)
{
    for (size_t i = 0; document && i < document->count; i++)
        if (document->elements[i].kind == DOCUMENT_CHART && document->elements[i].key && strcmp(document->elements[i].key, key) == 0)
            document->elements[i].audience |= NOT_ON_PAGE;
}

const char *document_headline_of(const struct document *document)
{
    for (size_t i = 0; i < document->count; i++)
        if (document->elements[i].kind == DOCUMENT_HEADLINE)
            return document->elements[i].text;
    return NULL;
}

bool document_pictures(const struct document *document)
{
    return document && document->origin.pictures;
}

bool document_is_picture(const struct document_element *element)
{
    return element->kind == DOCUMENT_CHART && (element->audience & (FOR_PAGE | FOR_PEOPLE | FOR_JSON)) &&
           !(element->audience & NOT_ON_PAGE);
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------ */

/* Text that came from json_text is complete JSON, so a renderer can put it in as it is. The text is handed over, not copied. The buffer is
 * emptied even when the element could not be made, so the caller never has to ask who owns it. */
void document_json(struct document *document, const char *key, struct json_text *json)
{
    struct document_element *element = add(document, DOCUMENT_VALUE, key);
    if (element && !json->failed && json->text) {
        element->text = json->text;
        json->text = NULL;
    } else if (document) {
        document->out_of_memory = true;
    }
    json_text_deinit(json);
}

/* Strings are escaped here once, by the same code as everywhere else; a renderer never sees raw text between quotes. */
void document_text(struct document *document, const char *key, const char *value)
{
    struct json_text json;
    json_text_init(&json, false);
    if (value)
        json_string(&json, value);
    else
        json_null(&json);
    document_json(document, key, &json);
}

/* json_double writes the shortest digits that read back to the same number, and null for NaN. */
void document_number(struct document *document, const char *key, double value)
{
    struct json_text json;
    json_text_init(&json, false);
    json_double(&json, value);
    document_json(document, key, &json);
}

/* Apart from document_number because a double holds whole numbers only up to 2^53. */
void document_whole(struct document *document, const char *key, uint64_t value)
{
    struct json_text json;
    json_text_init(&json, false);
    json_uint(&json, value);
    document_json(document, key, &json);
}

void document_bool(struct document *document, const char *key, bool value)
{
    set_text(document, add(document, DOCUMENT_VALUE, key), value ? "true" : "false");
}

void document_open_object(struct document *document, const char *key)
{
    add(document, DOCUMENT_OPEN_OBJECT, key);
}

void document_open_array(struct document *document, const char *key)
{
    add(document, DOCUMENT_OPEN_ARRAY, key);
}

void document_close(struct document *document)
{
    add(document, DOCUMENT_CLOSE, NULL);
}

void document_requirements(struct document *document, const struct requirement *list, size_t count)
{
    document_open_array(document, "requirements");
    for (size_t i = 0; i < count; i++)
        document_text(document, NULL, list[i].text);
    document_close(document);
}

/* The figures are copied: the document may outlive the run, whose set holds many more bytes than it has figures. `measured` splits the set:
 * figures that depend on this machine go to an object of their own, so that two runs of one command can be compared by leaving that object
 * out. */
void document_figures(struct document *document, const struct figure_set *set, bool measured)
{
    struct document_element *element = add(document, DOCUMENT_FIGURES, "figures");
    struct diag ignored = {0};
    if (!element)
        return;
    if (array_zeroed(&element->figures, set->count, sizeof *element->figures, "the report", &ignored) != SIM_OK) {
        document->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < set->count; i++)
        if (set->list[i].measured == measured)
            element->figures[element->figure_count++] = set->list[i];
}

/* --- for both ---------------------------------------------------------------------------------------------------------------------- */

/* The table is returned to be filled, and NULL after a failure; functions that add to it accept NULL, so builders need no check. A table
 * without rows is in the document all the same: JSON has it as an empty array, people do not see it. */
struct table *document_table_for(struct document *document, enum document_audience audience, const char *key,
                                 const struct table_column *columns, size_t column_count)
{
    struct document_element *element = add(document, DOCUMENT_TABLE, key);
    struct diag ignored = {0};
    if (!element)
        return NULL;
    element->audience = audience;
    if (table_create(columns, column_count, &element->table, &ignored) != SIM_OK)
        document->out_of_memory = true;
    return element->table;
}

struct table *document_table(struct document *document, const char *key, const struct table_column *columns, size_t column_count)
{
    return document_table_for(document, FOR_ALL, key, columns, column_count);
}

/* Name, heading and decimals come from the list of figures (figure_rows.h), so a figure looks the same in every table. The name may be a
 * percentile that is in no list; figure_kind_find makes its kind in `made`, and the table copies the strings before that is gone. */
void table_add_figure(struct table *table, const char *name, bool people)
{
    struct figure_kind made;
    const struct figure_kind *kind = figure_kind_find(name, &made);
    table_add_column(table, &(struct table_column){kind->name, people ? kind->heading : NULL, figure_decimals(kind), 0});
}

struct chart *document_chart_for(struct document *document, enum document_audience audience, const char *key,
                                 const struct chart_heading *heading)
{
    struct document_element *element = add(document, DOCUMENT_CHART, key);
    if (!element)
        return NULL;
    element->audience = audience;
    element->chart = chart_create(heading);
    document->out_of_memory |= element->chart == NULL;
    return element->chart;
}
