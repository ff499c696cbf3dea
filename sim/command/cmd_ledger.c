/* cmd_ledger.c - `pagesim ledger`: where the memory was. Replays with a ledger that keeps its history, on demand with one by class of
 * requests, runs the same requests with contiguous reservations, and hands all to report/ledger_report.h.
 *
 * The plain ledger of a run keeps sums alone. This command pays for two things more: the history (how the accounts went over time, for the
 * drawing and the peaks) and, with --by, an observer that follows every block, which makes the engine go step by step. */
#include <string.h>

#include "command/command.h"
#include "report/ledger_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"by", "KEY", "also by class: priority, input-length, output-length, session, tenant or phase"},
    {"contiguous-allocator", "NAME", "of reservations: best-fit or buddy, as the paper's baselines [best-fit]"},
    {"no-drawing", NULL, "leave out the drawing of the pool over time"},
    {"threads", "N", "threads [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings"},
};

/* Everything that is told. The ledger and the class ledger hold pointers into this struct, so it never moves. */
struct job {
    struct call call;
    bool by_class;
    enum class_key key;
    enum contiguous_kind allocator;
    struct run run;
    struct ledger_history history;
    struct class_ledger classes, groups;
    struct reservation_result reserving[RESERVATION_KINDS];
};

/* Only names can be wrong before the trace is read. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const char *by = options_value(&job->call.options, "by");
    job->by_class = by != NULL;
    job->key = by ? class_key_find(by) : CLASS_BY_PRIORITY;
    if (job->key == CLASS_KEYS)
        return diag_set(diag, SIM_USAGE, "--by %s: must be priority, input-length, output-length, session, tenant or phase", by);
    const char *allocator = options_value(&job->call.options, "contiguous-allocator");
    while (allocator && job->allocator < CONTIGUOUS_KINDS && strcmp(allocator, contiguous_names[job->allocator]) != 0)
        job->allocator++;
    if (job->allocator == CONTIGUOUS_KINDS)
        return diag_set(diag, SIM_USAGE, "--contiguous-allocator %s: must be best-fit or buddy", allocator);
    return SIM_OK;
}

/* Layers that remember unlike, or blocks that are held for drafts, have a table of their own. */
static bool by_group(const struct config *config)
{
    return config->kv_cache_groups_count > 0 || config->speculative.method != SPECULATIVE_NONE;
}

/* Observers are made for run->trace and not for the input's: the run may have expanded samples. The identities of the ledger (ledger.h) are
 * tested after every replay, since they cost nothing then and the whole report rests on them. The reservations use the run's own step-time
 * model, so that both ways are priced alike; they draft nothing, so with speculation there is nothing to compare. */
static enum status replay(struct job *job, struct diag *diag)
{
    const struct config *config = &job->call.input.config;
    struct run *run = &job->run;
    struct observer observers[2];
    size_t observer_count = 0;
    const struct replay_options how = {.reference = options_has(&job->call.options, "reference")};
    enum status status = run_open(run, job->call.input.trace, config, diag);
    if (status != SIM_OK)
        return status;
    ledger_keep_history(&run->ledger, &job->history);
    if (job->by_class) {
        status = class_ledger_init(&job->classes, run->trace, config, job->key, diag);
        observers[observer_count++] = class_ledger_observer(&job->classes);
    }
    if (status == SIM_OK && by_group(config)) {
        status = class_ledger_init_groups(&job->groups, run->trace, config, diag);
        observers[observer_count++] = class_ledger_observer(&job->groups);
    }
    if (status == SIM_OK)
        status = run_replay(run, observers, observer_count, &how, diag);
    if (status == SIM_OK && !ledger_check(&run->ledger))
        status = diag_set(diag, SIM_FAILED, "internal error: the accounts do not add up to pool x time");
    if (config->speculative.method != SPECULATIVE_NONE)
        return status;
    return status == SIM_OK ? reservation_run_all(run->trace, config, run->model, job->allocator, job->reserving, diag) : status;
}

static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    enum status status = replay(job, diag);
    if (status != SIM_OK)
        return status;
    const struct ledger_result result = {.run = &job->run,
                                         .classes = job->by_class ? &job->classes : NULL,
                                         .groups = by_group(job->run.config) ? &job->groups : NULL,
                                         .reserving = job->run.config->speculative.method == SPECULATIVE_NONE ? job->reserving : NULL,
                                         .allocator = job->allocator,
                                         .draw = !options_has(options, "no-drawing")};
    const struct document_origin origin = output_origin(options, job->run.trace->name, job->run.config);
    status = output_document(&job->call.form, ledger_report(&result, &origin), diag);
    return status == SIM_OK ? run_judge(&job->run, diag) : status;
}

static void close_job(void *self)
{
    struct job *job = self;
    class_ledger_deinit(&job->classes);
    class_ledger_deinit(&job->groups);
    run_close(&job->run);
}

const struct command command_ledger = {
    .name = "ledger",
    .usage = "pagesim ledger --trace FILE [--config FILE] [options]",
    .description = "Charge every block of the pool, at every moment, to one account: useful tokens,\n"
                   "tail waste, cached and idle, free, null. The accounts add up to pool x time\n"
                   "exactly. Then replay the same requests with contiguous reservations in\n"
                   "the same memory, as figure 2 of the PagedAttention paper does.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .one_server = true,
    .examples = "  pagesim ledger --trace traces/chat.jsonl --num-gpu-blocks 420\n"
                "  pagesim ledger --trace t.jsonl --config c.json --by priority --format csv\n",
    .tables = {"accounts", "reserving", "groups", "classes"},
    .last_table_needs = "by",
    .input = INPUT_WITH_POOL,
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
