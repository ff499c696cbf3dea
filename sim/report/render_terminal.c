/* render_terminal.c - a document for people: lines, headings, aligned tables, charts. Read renderer.h first. Values and figures are
 * skipped: a report shows people the figures that matter in lines of its own. Text passes printable.h, here and in table.c. Tables wrap at the given width (base/table.h). */
#include "base/chart_print.h"
#include "base/printable.h"
#include "report/renderer.h"

/* Escape codes of ECMA-48: 1 is bold, 0 ends it. The note is in the element's key, see document_heading. */
static void print_heading(const struct document_element *element, const struct render_options *options, FILE *file)
{
    if (!element->light)
        fputc('\n', file);
    fputs(options->color ? "\033[1m" : "", file);
    printable_put(element->text, true, file);
    fputs(options->color ? "\033[0m" : "", file);
    printable_put(element->key ? element->key : "", true, file);
    fputc('\n', file);
}

/* A line may have several, which reports put together themselves; names in them have none of their own (trace_title). */
static void print_line(const char *text, FILE *file)
{
    printable_put(text, true, file);
    fputc('\n', file);
}

/* A chart below its heading, or with an empty line between it and what comes before. */
static void print_chart(const struct document *document, size_t i, const struct render_options *options, FILE *file)
{
    if (i > 0 && document->elements[i - 1].kind != DOCUMENT_HEADING)
        fputc('\n', file);
    chart_print(document->elements[i].chart, options->color, options->utf8, file);
}

/* Tables without rows are left out with their columns: a heading over nothing would look like a failure. */
enum status render_terminal(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < document->count && status == SIM_OK; i++) {
        const struct document_element *element = &document->elements[i];
        if (element->kind == DOCUMENT_HEADING)
            print_heading(element, options, file);
        else if (element->kind == DOCUMENT_LINE)
            print_line(element->text, file);
        else if (element->kind == DOCUMENT_TABLE && (element->audience & FOR_PEOPLE) && table_rows(element->table) > 0)
            status = table_print(element->table, "  ", options->width, file, diag);
        else if (element->kind == DOCUMENT_CHART && (element->audience & FOR_PEOPLE))
            print_chart(document, i, options, file);
    }
    return status;
}
