/* step_errors_report.c - a step-time model against measured steps: a table with a row for each kind of batch. */
#include "report/step_errors_report.h"

#include "report/step_times_note.h"

struct document *step_errors_report(const char *steps, const struct step_class classes[STEP_CLASSES], const struct document_origin *origin)
{
    static const struct table_column columns[] = {
        {"batch", "batch", TABLE_TEXT, 0},  {"steps", "steps", TABLE_WHOLE, 0}, {"mean_measured_ms", "measured", 2, 0},
        {"mean_priced_ms", "priced", 2, 0}, {"median_error", NULL, 2, 0.01},    {"median_ape", "median", 2, 0.01},
        {"p90_ape", "p90", 2, 0.01}};
    struct document *document = document_create(origin);
    document_line(document, "%s: %zu steps", steps, classes[0].steps);
    step_times_note(document, origin->config, step_times_of(origin->config));
    document_text(document, "steps_file", steps);
    document_heading(document, "Steps", " (means in ms, errors of single steps in %)");
    struct table *table = document_table(document, "batches", columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < STEP_CLASSES; i++) {
        const struct step_class *class = &classes[i];
        if (class->steps == 0)
            continue;
        table_text(table, class->label);
        table_numbers(table, (double)class->steps, class->measured_ms, class->priced_ms, class->median_error, class->median_ape,
                      class->p90_ape);
    }
    return document;
}
