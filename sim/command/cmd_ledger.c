/* cmd_ledger.c - `pagesim ledger`: where the memory was. Replays with a ledger that keeps its history, on demand with one by class of requests,
 * runs the same requests with contiguous reservations, and hands all to report/ledger_report.h.
 */
#include <stdlib.h>

#include "command/command.h"
#include "command/input_options.h"
#include "command/output.h"
#include "report/ledger_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"by", "KEY", "also by class of requests: priority, input-length or phase"},
    {"no-drawing", NULL, "leave out the drawing of the pool over time"},
    {"threads", "N", "threads [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings"},
};

static const struct command_spec spec = {
    .name = "ledger",
    .usage = "pagesim ledger --trace FILE [--config FILE] [options]",
    .description = "Charge every block of the pool, at every moment, to one account: useful tokens,\n"
                   "tail waste, cached and idle, free, null. The accounts add up to pool x time\n"
                   "exactly. Then replay the same requests with contiguous reservations (best fit)\n"
                   "in the same memory, as figure 2 of the PagedAttention paper does.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim ledger --trace traces/chat.jsonl --num-gpu-blocks 420\n"
                "  pagesim ledger --trace t.jsonl --config c.json --by priority --format csv\n",
};

/* Everything that is told. */
struct ledger_job {
    const struct options *options;
    struct output_form form;
    bool by_class;
    enum class_key key;
    struct input input;
    struct run run;
    struct ledger_history history;
    struct class_ledger classes;
    struct reservation_result reserving[RESERVATION_KINDS];
};

/* Everything that can be said of the command line before anything is read. */
static enum status read_options(struct ledger_job *job, struct diag *diag)
{
    const char *by = options_value(job->options, "by");
    const char *tables[] = {"accounts", "reserving", by ? "classes" : NULL, NULL};
    enum status status = output_form_read(job->options, NULL, tables, &job->form, diag);
    job->by_class = by != NULL;
    return status == SIM_OK && by ? class_key_parse(by, &job->key, diag) : status;
}

static enum status replay(struct ledger_job *job, struct diag *diag)
{
    const struct config *config = &job->input.config;
    struct run *run = &job->run;
    struct observer by_class;
    const struct replay_options how = {.reference = options_has(job->options, "reference")};
    enum status status = run_open(run, job->input.trace, config, diag);
    if (status != SIM_OK)
        return status;
    ledger_keep_history(&run->ledger, &job->history);
    if (job->by_class) {
        status = class_ledger_init(&job->classes, run->trace, config, job->key, diag);
        by_class = class_ledger_observer(&job->classes);
    }
    if (status == SIM_OK)
        status = run_replay(run, &by_class, job->by_class, &how, diag);
    if (status == SIM_OK && !ledger_check(&run->ledger))
        status = diag_set(diag, SIM_FAILED, "internal error: the accounts do not add up to pool x time");
    return status == SIM_OK ? reservation_run_all(run->trace, config, run->model, job->reserving, diag) : status;
}

static enum status tell(struct ledger_job *job, struct diag *diag)
{
    const struct ledger_result result = {.run = &job->run,
                                         .classes = job->by_class ? &job->classes : NULL,
                                         .reserving = job->reserving,
                                         .draw = !options_has(job->options, "no-drawing")};
    struct document_origin origin = output_origin(job->options);
    origin.trace = job->run.trace->name;
    origin.config = job->run.config;
    enum status status = output_document(&job->form, ledger_report(&result, &origin), diag);
    return status == SIM_OK ? run_judge(&job->run, diag) : status;
}

enum status cmd_ledger(int argc, char **argv, struct diag *diag)
{
    struct options options;
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    struct ledger_job *job = calloc(1, sizeof *job);
    if (!job)
        return diag_no_memory(diag, sizeof *job, "the ledger");
    job->options = &options;
    status = read_options(job, diag);
    if (status == SIM_OK)
        status = input_open(&options, &job->input, diag);
    if (status == SIM_OK)
        status = replay(job, diag);
    if (status == SIM_OK)
        status = tell(job, diag);
    class_ledger_deinit(&job->classes);
    run_close(&job->run);
    input_close(&job->input);
    free(job);
    return status;
}
