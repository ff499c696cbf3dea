/* cmd_explain.c - `pagesim explain`: why requests were preempted and prompts computed again, and what would help. The replays are in
 * study/explanation.h, what is told of them in report/explain_report.h. */
#include <string.h>

#include "base/progress.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/interrupt.h"
#include "command/output.h"
#include "report/explain_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"top", "N", "how many of the worst to list and to find remedies for, up to 31 [5]"},
    {"worst-by", "WHAT", "who is worst: tokens (lost) or times (preempted) [tokens]"},
    {"no-remedies", NULL, "do not look for settings that help (it takes many replays)"},
    {"threads", "N", "threads that replay [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler for the first replay"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

static const struct command_spec spec = {
    .name = "explain",
    .usage = "pagesim explain --trace FILE [--config FILE] [options]",
    .description = "Say of every preemption who lost what to whom, what filled the pool and what\n"
                   "would have avoided it; and of every prompt token that was not cached why.\n"
                   "Tables, of which json and csv have all rows: preemptions, misses, worst,\n"
                   "settings_that_avoid_all, readmissions, requests_with_misses, figures.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim explain --trace traces/long.jsonl --num-gpu-blocks 800\n"
                "  pagesim explain --trace t.jsonl --config c.json --top 20 --format json\n",
};

static bool on_progress(void *context, uint32_t done, uint32_t total)
{
    progress_update(context, done, total);
    return interrupted != 0;
}

/* Everything that can be said of the command line before anything is read. */
static enum status read_options(const struct options *options, struct output_form *form, struct explanation_options *how, struct diag *diag)
{
    static const char *const tables[] = {"each_preemption",      "misses",  "worst", "settings_that_avoid_all", "readmissions",
                                         "requests_with_misses", "figures", NULL};
    uint64_t top;
    const char *by = options_value(options, "worst-by");
    enum status status = output_form_read(options, NULL, tables, form, diag);
    if (!form->table)
        form->table = tables[0]; /* for CSV; people read others before it */
    if (status == SIM_OK)
        status = options_uint(options, "top", 1, REMEDY_TARGETS_MOST, 5, &top, diag);
    if (status != SIM_OK)
        return status;
    if (by && strcmp(by, "tokens") != 0 && strcmp(by, "times") != 0)
        return diag_set(diag, SIM_USAGE, "--worst-by %s: must be tokens or times", by);
    *how = (struct explanation_options){.worst = (size_t)top,
                                        .order = by && strcmp(by, "times") == 0 ? WORST_BY_TIMES : WORST_BY_TOKENS,
                                        .remedies = !options_has(options, "no-remedies"),
                                        .reference = options_has(options, "reference"),
                                        .progress = on_progress};
    return SIM_OK;
}

static enum status explain(const struct options *options, const struct input *input, const struct output_form *form,
                           struct explanation_options *how, struct diag *diag)
{
    struct explanation explanation = {0};
    struct progress progress;
    progress_start(&progress, "explain");
    progress.terminal = progress.terminal && !options_has(options, "quiet");
    how->progress_context = &progress;
    interrupt_catch();
    enum status status = explanation_make(&explanation, input->trace, &input->config, how, diag);
    progress_end(&progress);
    if (status == SIM_OK) {
        struct document_origin origin = output_origin(options);
        origin.trace = explanation.trace->name;
        origin.config = explanation.config;
        status = output_document(form, explain_report(&explanation, how->worst, &origin), diag);
    }
    if (status == SIM_OK)
        status = run_judge(&explanation.run, diag); /* told after the result */
    explanation_close(&explanation);
    return status;
}

enum status cmd_explain(int argc, char **argv, struct diag *diag)
{
    struct options options;
    struct output_form form;
    struct explanation_options how;
    struct input input = {0};
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    status = read_options(&options, &form, &how, diag);
    if (status == SIM_OK)
        status = input_open(&options, &input, diag);
    if (status == SIM_OK)
        status = explain(&options, &input, &form, &how, diag);
    input_close(&input);
    return status;
}
