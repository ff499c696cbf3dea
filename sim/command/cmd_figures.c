/* cmd_figures.c - `pagesim figures`: prints the table of figures, whose names --require, --figures and --objectives take. Read
 * figure/figure.h first. As the shortest command it also shows the order that all follow: parse options, check the output's form, build a
 * document, write it. */
#include "command/command.h"
#include "command/output.h"
#include "report/figures_report.h"

static const struct option_spec own_options[] = {OUTPUT_OPTIONS};

static const struct command_spec spec = {
    .name = "figures",
    .usage = "pagesim figures [--format json|csv]",
    .description = "List every figure that reports show and that --require, --figures and\n"
                   "--objectives may name: unit, which way is better, which runs have it, and what\n"
                   "it means. Latencies also have any other percentile, as in p99.9_queue_ms.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .examples = "  pagesim figures --format csv\n",
};

enum status cmd_figures(int argc, char **argv, struct diag *diag)
{
    static const char *const tables[] = {"figures", NULL};
    struct options options;
    struct output_form form;
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (options.positional_count > 0)
        return diag_set(diag, SIM_USAGE, "unexpected argument \"%s\"", options.positional[0]);
    status = output_form_read(&options, NULL, tables, &form, diag);
    if (status != SIM_OK)
        return status;
    const struct document_origin origin = output_origin(&options);
    return output_document(&form, figures_report(&origin), diag);
}
