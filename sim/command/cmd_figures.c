/* cmd_figures.c - `pagesim figures`: prints the table of figures, whose names --require, --figures and --objectives take. Read
 * figure/figure.h first. As the shortest command it also shows how all are made: command.c reads the options and the output's form, run()
 * builds a document and writes it. */
#include "command/command.h"
#include "report/figures_report.h"

static const struct option_spec own_options[] = {OUTPUT_OPTIONS};

static enum status run(void *job, struct diag *diag)
{
    const struct call *call = job;
    if (call->options.positional_count > 0)
        return diag_set(diag, SIM_USAGE, "unexpected argument \"%s\"", call->options.positional[0]);
    const struct document_origin origin = output_origin(&call->options, NULL, NULL);
    return output_document(&call->form, figures_report(&origin), diag);
}

const struct command command_figures = {
    .name = "figures",
    .usage = "pagesim figures [--format json|csv]",
    .description = "List every figure that reports show and that --require, --figures and\n"
                   "--objectives may name: unit, which way is better, which runs have it, and what\n"
                   "it means. Latencies also have any other percentile, as in p99.9_queue_ms.\n",
    OPTIONS(own_options),
    .examples = "  pagesim figures --format csv\n",
    .tables = {"figures"},
    .run = run,
};
