/* cmd_explain.c - `pagesim explain`: why requests were preempted and prompts computed again, and what would help. The replays are in
 * study/explanation.h, what is told of them in report/explain_report.h. With --request it is the life of one request alone. */
#include <string.h>

#include "base/progress.h"
#include "command/command.h"
#include "command/interrupt.h"
#include "report/explain_report.h"
#include "report/life_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"request", "ID", "tell the life of this request instead: 17, or 17.2 for a sample"},
    {"top", "N", "how many of the worst to list and to find remedies for, up to 31 [5]"},
    {"worst-by", "WHAT", "who is worst: tokens (lost) or times (preempted) [tokens]"},
    {"no-remedies", NULL, "do not look for settings that help (it takes many replays)"},
    {"threads", "N", "threads that replay [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler for the first replay"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

struct job {
    struct call call;
    struct explanation_options how;
    struct explanation explanation;
    struct progress progress;
    struct run run; /* with --request, like the two below */
    struct prefix_misses misses;
    struct request_life life;
};

/* Called between rounds of replays, and in a replay that is told of alone. Looking for remedies takes many of them, so an interrupt must not
 * wait for the end. */
static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    progress_update(context, done, total);
    return interrupted != 0;
}

/* Everything that can be said of the command line before anything is read. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    const char *by = options_value(options, "worst-by");
    const bool by_times = by && strcmp(by, "times") == 0;
    const uint64_t top = options_uint(options, "top", 1, REMEDY_TARGETS_MOST, 5, diag);
    if (by && !by_times && strcmp(by, "tokens") != 0)
        diag_set(diag, SIM_USAGE, "--worst-by %s: must be tokens or times", by);
    job->how = (struct explanation_options){.worst = (size_t)top,
                                            .order = by_times ? WORST_BY_TIMES : WORST_BY_TOKENS,
                                            .remedies = !options_has(options, "no-remedies"),
                                            .reference = options_has(options, "reference"),
                                            .progress = on_progress,
                                            .progress_context = &job->progress};
    return diag->status;
}

/* Positions are those of the run's own trace, in which arrivals may be drawn. Who never went in has no steps to be told of. */
static enum status replay_life(struct job *job, const char *id, struct diag *diag)
{
    const struct config *config = &job->call.input.config;
    const struct replay_options how = {
        .reference = job->how.reference, .progress = job->how.progress, .progress_context = job->how.progress_context};
    uint32_t position;
    if (run_open(&job->run, job->call.input.trace, config, diag) != SIM_OK ||
        request_life_find(job->run.trace, id, &position, diag) != SIM_OK ||
        request_life_init(&job->life, job->run.trace, config, position, diag) != SIM_OK ||
        prefix_misses_init(&job->misses, job->run.trace, config, diag) != SIM_OK)
        return diag->status;
    const struct observer first[] = {request_life_events(&job->life), prefix_misses_observer(&job->misses)};
    enum status status = run_replay(&job->run, first, 2, &how, diag);
    if (status != SIM_OK || job->life.wait_count == 0)
        return status;
    const struct observer second = request_life_steps(&job->life);
    return replay_observed(job->run.trace, config, &second, true, diag);
}

/* The tables are others than those of the whole run; the first of them is what CSV shows. */
static enum status run_life(struct job *job, const char *id, struct diag *diag)
{
    const struct options *options = &job->call.options;
    progress_start(&job->progress, "explain", options_has(options, "quiet"));
    enum status status = replay_life(job, id, diag);
    progress_end(&job->progress);
    if (status != SIM_OK)
        return status;
    struct document_origin origin = output_origin(options, job->run.trace->name, job->run.config);
    origin.command = "explain request";
    if (!options_has(options, "table"))
        job->call.form.table = "life";
    status = output_document(&job->call.form, life_report(&job->life, &job->misses, &job->run, job->how.worst, &origin), diag);
    return status == SIM_OK ? run_judge(&job->run, diag) : status;
}

/* A stall does not hide the report, which shows what happened before it. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    struct explanation *explanation = &job->explanation;
    const struct input *input = &job->call.input;
    const char *id = options_value(&job->call.options, "request");
    if (id)
        return run_life(job, id, diag);
    progress_start(&job->progress, "explain", options_has(&job->call.options, "quiet"));
    enum status status = explanation_make(explanation, input->trace, &input->config, &job->how, diag);
    progress_end(&job->progress);
    if (status != SIM_OK)
        return status;
    const struct document_origin origin = output_origin(&job->call.options, explanation->trace->name, explanation->config);
    status = output_document(&job->call.form, explain_report(explanation, job->how.worst, &origin), diag);
    return status == SIM_OK ? run_judge(&explanation->run, diag) : status; /* told after the result */
}

static void close_job(void *self)
{
    struct job *job = self;
    explanation_close(&job->explanation);
    request_life_deinit(&job->life);
    prefix_misses_deinit(&job->misses);
    run_close(&job->run);
}

const struct command command_explain = {
    .name = "explain",
    .usage = "pagesim explain --trace FILE [--config FILE] [options]",
    .description = "Say of every preemption who lost what to whom, what filled the pool and what\n"
                   "would have avoided it; and of every prompt token that was not cached why.\n"
                   "Tables, of which json and csv have all rows: preemptions, misses, worst,\n"
                   "settings_that_avoid_all, readmissions, requests_with_misses, windows_keep,\n"
                   "figures.\n"
                   "With --request the life of one request: what it waited for and behind whom,\n"
                   "what it found in the cache, who preempted it, and all of its time in accounts\n"
                   "that add up. Tables: life, accounts, slow_steps.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .one_server = true,
    .examples = "  pagesim explain --trace traces/long.jsonl --num-gpu-blocks 800\n"
                "  pagesim explain --trace t.jsonl --config c.json --top 20 --format json\n"
                "  pagesim explain --trace azure.csv --num-gpu-blocks 1200 --request 17\n",
    .tables = {"each_preemption", "misses", "worst", "settings_that_avoid_all", "readmissions", "requests_with_misses", "windows_keep",
               "figures", "life", "accounts", "slow_steps"},
    .input = INPUT_WITH_POOL,
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
