/* render_csv.c - one table of a document as CSV: the first one for programs, or the one that --table names. Read renderer.h first. A CSV
 * file is one table; several in one file would have to be split again by every reader.
 *
 * Which table is first is decided by each report: the one that a spreadsheet is most likely wanted for. Members of JSON that are no table
 * (values, objects) have no place in CSV. */
#include <string.h>

#include "base/line.h"
#include "report/renderer.h"

/* Figures count as a table of names and values, so that every result with figures has CSV. */
static bool is_table(const struct document_element *element)
{
    return element->kind == DOCUMENT_FIGURES || (element->kind == DOCUMENT_TABLE && (element->audience & FOR_CSV));
}

static void print_figures(const struct document_element *element, FILE *file)
{
    fputs("name,value\n", file);
    for (size_t i = 0; i < element->figure_count; i++) {
        char digits[32];
        fprintf(file, "%s,%s\n", element->figures[i].name, figure_text(&element->figures[i], digits));
    }
}

/* The names are found by looking, because only the document knows which tables this run has. Command lines are checked before the work
 * against the names that a command may have (output.c). A run may still lack one of these, for example a table that only replicated sweeps
 * have. */
static enum status no_such_table(const struct document *document, const char *name, struct diag *diag)
{
    struct line names = {0};
    for (size_t i = 0; i < document->count; i++)
        if (is_table(&document->elements[i]))
            line_put(&names, "%s%s", names.length ? ", " : "", document->elements[i].key);
    if (names.length == 0)
        return diag_set(diag, SIM_USAGE, "this result has no table for --format csv");
    return diag_set(diag, SIM_USAGE, "--table %s: there is no such table here; there are %s", name, names.text);
}

/* The loop ends at the first match: keys are unique among the tables that CSV may show. */
enum status render_csv(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag)
{
    for (size_t i = 0; i < document->count; i++) {
        const struct document_element *element = &document->elements[i];
        if (!is_table(element) || (options->table && strcmp(options->table, element->key) != 0))
            continue;
        if (element->kind == DOCUMENT_FIGURES)
            print_figures(element, file);
        else
            table_print_csv(element->table, file);
        return SIM_OK;
    }
    return no_such_table(document, options->table ? options->table : "", diag);
}
