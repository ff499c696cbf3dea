/* cmd_replay.c - `pagesim replay`: the main job. Reads trace and configuration, hangs observers on a replay, prints the report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/interrupt.h"
#include "command/options.h"
#include "command/output.h"
#include "command/replay_outputs.h"
#include "command/requirements.h"
#include "data_plane/worker.h"
#include "replay/run.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    {"format", "FORMAT", "table, json, csv, or vllm: its benchmark's block [table]"},
    {"output", "FILE", "write the report there; - is standard output [-]"},
    {"require", "R", "exit 4 unless it holds, as in p99_ttft_ms<500 or preemptions=0; may be repeated"},
    REPLAY_OUTPUT_OPTIONS,
    {"no-calibration", NULL, "do not measure the memory's speed before a replay with the data plane"},
    {"threads", "N", "threads that move K/V bytes [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"check", NULL, "walk all invariants after every step (slow)"},
    {"dry-run", NULL, "read and check everything, replay nothing"},
    {"quiet", NULL, "no warnings and no progress bar"},
};

static const struct command_spec spec = {
    .usage = "pagesim replay --trace FILE [--config FILE] [options]",
    .description = "Run a trace through a scheduler on a paged KV cache; report latency, memory and\n"
                   "fragmentation.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim replay --trace traces/chat.jsonl --num-gpu-blocks 2000\n"
                "  pagesim replay --trace azure.csv --config configs/demo.json --format json\n"
                "  pagesim replay --trace t.jsonl --config c.json --decision-log - | head\n"
                "  pagesim replay --trace t.jsonl --config c.json --goodput ttft:500 tpot:50\n"
                "  pagesim replay --trace t.jsonl --config c.json --perfetto look.json\n",
};

/* Everything a replay needs and owns. */
struct job {
    const struct options *options;
    struct input input;
    struct run run;
    struct worker *worker;
    struct kv_memory_speed limit;
    struct replay_outputs outputs;
    struct progress progress;
    double replay_seconds;
};

static bool on_progress(void *context, uint64_t finished, uint64_t total)
{
    struct job *job = context;
    progress_update(&job->progress, finished, total);
    return interrupted != 0;
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum status open_worker(struct job *job, struct diag *diag)
{
    const struct config *config = &job->input.config;
    if (config->data_plane == DATA_PLANE_OFF)
        return SIM_OK;
    enum status status = worker_create(job->input.trace, config, job->input.threads, &job->worker, diag);
    if (status == SIM_OK && !options_has(job->options, "no-calibration"))
        job->limit = kv_memory_speed_measure(job->input.threads);
    return status;
}

static enum status replay(struct job *job, struct diag *diag)
{
    struct observer observers[REPLAY_OBSERVERS_MOST + 1];
    size_t count = 0;
    enum status status = run_open(&job->run, job->input.trace, &job->input.config, diag);
    if (status == SIM_OK)
        status = replay_outputs_open(&job->outputs, &job->run, observers, &count, diag);
    if (status == SIM_OK)
        status = open_worker(job, diag);
    if (status != SIM_OK)
        return status;
    if (job->worker) {
        observers[count++] = worker_observer(job->worker);
        job->run.report.worker = worker_totals(job->worker);
    }
    job->run.report.sizing = &job->input.sizing;
    job->run.report.goodput = job->outputs.goodput.given ? &job->outputs.goodput : NULL;
    struct replay_options how = {.reference = options_has(job->options, "reference"),
                                 .check = options_has(job->options, "check"),
                                 .progress = on_progress,
                                 .progress_context = job};
    progress_start(&job->progress, "replay");
    job->progress.terminal = job->progress.terminal && !options_has(job->options, "quiet");
    interrupt_catch();
    double start = seconds_of(CLOCK_MONOTONIC);
    status = run_replay(&job->run, observers, count, &how, diag);
    job->replay_seconds = seconds_of(CLOCK_MONOTONIC) - start;
    progress_end(&job->progress);
    return status;
}

static void warn_about_nothing(const struct job *job)
{
    const struct metrics *metrics = &job->run.metrics;
    uint64_t smallest = 0;
    if (metrics->dropped < job->input.trace->count)
        return;
    for (uint32_t position = 0; position < job->input.trace->count; position++)
        if (metrics->stories[position].smallest_pool > smallest)
            smallest = metrics->stories[position].smallest_pool;
    if (smallest > 0)
        fprintf(stderr, "pagesim: warning: no request can ever run; the smallest pool for all of them is --num-gpu-blocks %llu\n",
                (unsigned long long)smallest);
    else
        fputs("pagesim: warning: no request can ever run; all are longer than --max-model-len\n", stderr);
}

/* What is known only now: times of this machine, and the percentiles that were asked for. */
static enum status collect(struct job *job, struct diag *diag)
{
    job->run.report.measured = (struct measured){.replay_seconds = job->replay_seconds,
                                                 .cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID),
                                                 .threads = job->input.threads,
                                                 .limit = job->limit};
    return replay_outputs_collect(&job->outputs, &job->run, diag);
}

static enum status print_report(const struct job *job, const char *format, struct diag *diag)
{
    const struct report *report = &job->run.report;
    struct output output;
    enum status status = output_begin(&output, job->options, diag);
    if (status != SIM_OK)
        return status;
    if (strcmp(format, "json") == 0) {
        struct json_text json;
        json_text_init(&json, true);
        report_write_json(report, &json, true);
        status = output_json(&output, &json, diag);
    } else if (strcmp(format, "csv") == 0) {
        report_print_csv(report, output.file);
    } else if (job->outputs.prints_block) {
        status = replay_outputs_print(&job->outputs, &job->run, output.file, diag);
    } else {
        report_print(report, output.file, output.color);
    }
    return output_end(&output, status, diag);
}

static void end_job(struct job *job)
{
    replay_outputs_close(&job->outputs);
    worker_destroy(job->worker);
    run_close(&job->run);
    input_close(&job->input);
    free(job);
}

enum status cmd_replay(int argc, char **argv, struct diag *diag)
{
    struct options options;
    const char *format = NULL;
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (status == SIM_OK)
        status = output_format_or(&options, "vllm", &format, diag);
    if (status == SIM_OK)
        status = requirements_parse(&options, diag);
    if (status != SIM_OK)
        return status;
    struct job *job = calloc(1, sizeof *job);
    if (!job)
        return diag_no_memory(diag, sizeof *job, "the replay");
    job->options = &options;
    status = replay_outputs_parse(&job->outputs, &options, strcmp(format, "vllm") == 0, diag);
    if (status == SIM_OK)
        status = input_open(&options, &job->input, diag);
    if (status == SIM_OK && options_has(&options, "dry-run")) {
        printf("%s: %u requests; the configuration is fine\n", job->input.trace->name, job->input.trace->count);
        if (job->input.sizing.known)
            sizing_print(&job->input.sizing, stdout);
    } else if (status == SIM_OK) {
        status = replay(job, diag);
        if (status == SIM_OK && !options_has(&options, "quiet"))
            warn_about_nothing(job);
        if (status == SIM_OK)
            status = collect(job, diag);
        if (status == SIM_OK)
            status = replay_outputs_write(&job->outputs, &job->run, diag);
        /* An output that goes to standard output has it to itself. */
        if (status == SIM_OK && !(job->outputs.takes_stdout && !options_has(&options, "output")))
            status = print_report(job, format, diag);
        if (status == SIM_OK)
            status = run_judge(&job->run, diag); /* told after its report */
        if (status == SIM_OK)
            status = requirements_check(&options, job->run.report.figures, job->run.report.figure_count, diag);
    }
    end_job(job);
    return status;
}
