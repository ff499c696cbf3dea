/* cmd_report.c - `pagesim report`: shows reports that were saved as JSON, one as it was and several next to each other. Read
 * report/saved_report.h first. */
#include <string.h>

#include "command/command.h"
#include "report/reports_compared.h"
#include "report/saved_report.h"

enum { FILES_MOST = REPORTS_COMPARED_MOST };

static const struct option_spec own_options[] = {OUTPUT_OPTIONS};

struct job {
    struct call call;
    struct saved_report reports[FILES_MOST];
};

static enum status read_options(void *self, struct diag *diag)
{
    const struct job *job = self;
    const struct options *options = &job->call.options;
    uint32_t from_stdin = 0;
    if (options->positional_count == 0)
        return diag_set(diag, SIM_USAGE, "a report is needed: a file that --format json made (- is standard input)");
    if (options->positional_count > FILES_MOST)
        return diag_set(diag, SIM_USAGE, "%u reports; at most %d can be shown together", options->positional_count, FILES_MOST);
    for (uint32_t i = 0; i < options->positional_count; i++)
        from_stdin += strcmp(options->positional[i], "-") == 0;
    if (from_stdin > 1)
        return diag_set(diag, SIM_USAGE, "- is given twice; standard input has one report");
    return SIM_OK;
}

static enum status show_one(struct job *job, struct diag *diag)
{
    struct saved_report *report = &job->reports[0];
    struct output_form form = job->call.form;
    struct document *document = report->document;
    report->document = NULL; /* output_document takes it over */
    if (!form.table)         /* as the command that made the report does */
        form.table = command_first_table(document->origin.command);
    return output_document(&form, document, diag);
}

static enum status show_together(const struct job *job, size_t count, struct diag *diag)
{
    struct output_form form = job->call.form;
    if (reports_compared_check(job->reports, count, diag) != SIM_OK)
        return diag->status;
    if (!form.table)
        form.table = "figures";
    const struct document_origin origin = output_origin(&job->call.options, NULL, NULL);
    return output_document(&form, reports_compared(job->reports, count, &origin), diag);
}

static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < options->positional_count && status == SIM_OK; i++)
        status = saved_report_open(options->positional[i], options_has(options, "charts"), picture_files_wanted(options), &job->reports[i],
                                   diag);
    if (status != SIM_OK)
        return status;
    return options->positional_count == 1 ? show_one(job, diag) : show_together(job, options->positional_count, diag);
}

static void close_job(void *self)
{
    struct job *job = self;
    for (int i = 0; i < FILES_MOST; i++)
        saved_report_close(&job->reports[i]);
}

const struct command command_report = {
    .name = "report",
    .usage = "pagesim report FILE.json... [options]",
    .description = "Show reports that were saved with --format json: as a page, in words, as tables.\n"
                   "With --charts they hold their page, and it comes out as the command itself would\n"
                   "have written it. Several reports of one command are laid next to each other.\n",
    OPTIONS(own_options),
    .examples = "  pagesim replay --trace t.jsonl --config c.json --format json --charts > r.json\n"
                "  pagesim report r.json --html r.html\n"
                "  pagesim report before.json after.json --html both.html\n",
    .tables = {"figures"},
    .any_table = true,
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
