/* cmd_replay.c - `pagesim replay`: reads trace and configuration, attaches observers to a replay, prints the report. Read run() at the end
 * first, then run/run.h. This file only connects parts: what is observed is in replay_outputs.c, what is reported in
 * report/replay_report.c.
 *
 * Everything that can be wrong with the command line is checked before the trace is read, and everything else before the replay starts. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/line.h"
#include "base/progress.h"
#include "command/command.h"
#include "command/interrupt.h"
#include "command/replay_outputs.h"
#include "command/requirements.h"
#include "command/watch.h"
#include "data_plane/worker.h"
#include "observe/latest_state.h"
#include "report/replay_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    {"format", "FORMAT", "table, json, csv, or vllm: its benchmark's block [table]"},
    {"table", "NAME", "with --format csv: figures, dropped_requests, replicas, replica_kinds [figures]"},
    {"output", "FILE", "write the report there; - is standard output [-]"},
    PICTURE_OPTIONS,
    {"require", "R", "exit 4 unless it holds, as in p99_ttft_ms<500 or preemptions=0; may be repeated", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    REPLAY_OUTPUT_OPTIONS,
    {"no-calibration", NULL, "do not measure the memory's speed before a replay with the data plane"},
    {"kernels", "NAME", "what moves K/V bytes: avx512, avx2, neon or portable [the best that this processor has]"},
    {"kernel-geometry", "G", "how the data plane walks blocks, as in 8x256+32768 [kept, or measured]"},
    {"threads", "N", "threads that move K/V bytes [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"check", NULL, "walk all invariants after every step (slow)"},
    {"dry-run", NULL, "read and check everything, replay nothing"},
    {"quiet", NULL, "no warnings and no progress bar"},
    WATCH_OPTION,
};

/* Everything that the command needs and owns. On the heap, because the figures and wishes in it are large. close_job() closes all parts
 * also when only some of them were made: closing a zeroed one does nothing. The run goes last, as outputs and worker point into it. */
struct job {
    struct call call;
    struct run run;
    struct worker *worker;
    struct kv_memory_speed limit;
    struct replay_outputs outputs;
    struct progress progress;
    struct replay_view view; /* of --watch */
    struct requirements requirements;
    struct figure_wishes wishes;
    double replay_seconds;
};

/* Called by the engine now and then. True asks it to stop. */
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

/* The machine's limit is measured before the replay, so that the measurement does not disturb the speeds that are compared with it. The
 * worker is the only part that moves real bytes; without a data plane the replay is pure bookkeeping. */
static enum status open_worker(struct job *job, struct diag *diag)
{
    const struct config *config = &job->call.input.config;
    if (config->data_plane == DATA_PLANE_OFF)
        return SIM_OK;
    const struct geometry_wish geometry = {.told = options_value(&job->call.options, "kernel-geometry"),
                                           .measure = !options_has(&job->call.options, "no-calibration")};
    const char *kernels = options_value(&job->call.options, "kernels");
    if (kernels && !kv_kernels_select(kernels))
        return diag_set(diag, SIM_USAGE, "--kernels %s: this processor has %s, and portable", kernels, kv_kernels_name());
    enum status status = worker_create(job->call.input.trace, config, job->call.input.threads, &geometry, &job->worker, diag);
    if (status == SIM_OK && geometry.measure)
        job->limit = kv_memory_speed_measure(job->call.input.threads);
    return status;
}

/* Only the replay itself is timed: opening files and drawing arrivals are not the engine's speed. Order matters: run_open() fixes the trace
 * that observers must be made for; files are opened next, because a bad path should not cost a replay. The signal handler is set just
 * before the loop that looks at the flag; until then a signal ends the program as usual. */
static enum status replay(struct job *job, struct diag *diag)
{
    struct observer observers[REPLAY_OBSERVERS_MOST + 2];
    size_t count = 0;
    if (run_open(&job->run, job->call.input.trace, &job->call.input.config, diag) != SIM_OK ||
        replay_outputs_open(&job->outputs, &job->run, observers, &count, diag) != SIM_OK || open_worker(job, diag) != SIM_OK)
        return diag->status;
    if (job->worker) {
        observers[count++] = worker_observer(job->worker);
        job->run.worker = worker_totals(job->worker);
        job->run.read_limit = memory_limit_for(&job->limit, job->call.input.config.kv.read);
    }
    job->run.goodput = job->outputs.goodput.given ? &job->outputs.goodput : NULL;
    job->run.wishes = &job->wishes;
    struct replay_options how = {.reference = options_has(&job->call.options, "reference"),
                                 .check = options_has(&job->call.options, "check"),
                                 .progress = on_progress,
                                 .progress_context = job};
    if (options_has(&job->call.options, "watch")) {
        const struct observer view = replay_view_start(&job->view, &job->run, &job->progress);
        if (!job->run.fleet)
            observers[count++] = view;
    } else {
        progress_start(&job->progress, "replay", options_has(&job->call.options, "quiet"));
    }
    double start = seconds_of(CLOCK_MONOTONIC);
    enum status status = run_replay(&job->run, observers, count, &how, diag);
    job->replay_seconds = seconds_of(CLOCK_MONOTONIC) - start;
    if (status == SIM_OK)
        progress_finish(&job->progress, job->run.trace->count - job->run.metrics.dropped - job->run.facts.end.unfinished,
                        job->run.trace->count - job->run.metrics.dropped);
    progress_end(&job->progress);
    return status;
}

/* A run that drops every request is no error, as an empty report is the right answer, but hardly what the user meant. A warning and no
 * error code: sweeps over small pools are a normal use. The number in it is the one that the user needs next. */
static enum status warn_if_all_dropped(const struct job *job, struct diag *diag)
{
    static const char *const why[DROP_REASONS] = {"longer than --max-model-len", "larger than the pool",
                                                  "kept out by --watermark, which leaves too few blocks",
                                                  "more samples than --max-num-queued-reqs allows"};
    const struct metrics_drops drops = metrics_count_drops(&job->run.metrics);
    struct line line = {0};
    if (job->run.metrics.dropped < job->call.input.trace->count)
        return SIM_OK;
    if (drops.pool_is_enough)
        return warning_tell(&job->call.options, diag, "no request can ever run; the smallest pool for all of them is --num-gpu-blocks %llu",
                            (unsigned long long)drops.smallest_pool);
    for (int reason = 0; reason < DROP_REASONS; reason++)
        if (drops.count[reason] == job->run.metrics.dropped)
            return warning_tell(&job->call.options, diag, "no request can ever run; all are %s", why[reason]);
    for (int reason = 0; reason < DROP_REASONS; reason++)
        if (drops.count[reason] > 0)
            line_put(&line, "%s%llu are %s", line.length ? ", " : "", (unsigned long long)drops.count[reason], why[reason]);
    return warning_tell(&job->call.options, diag, "no request can ever run; %s", line.text);
}

/* --format vllm is no renderer: it prints the block of one command, which no other has. It is a document of lines all the same. */
static enum status print_block(struct job *job, struct diag *diag)
{
    const struct document_origin origin = output_origin(&job->call.options, job->run.trace->name, job->run.config);
    struct output_form form = job->call.form;
    struct document *block = document_create(&origin);
    enum status status = replay_outputs_block(&job->outputs, &job->run, block, diag);
    form.html = NULL; /* page and pictures are of the report */
    form.pictures = (struct picture_folders){0};
    if (status == SIM_OK)
        return output_document(&form, block, diag);
    document_destroy(block);
    return status;
}

/* An output that goes to standard output must be alone there; the page has a file. cpu_seconds are those of the whole process, reading and
 * all threads included, unlike replay_seconds. */
static enum status print_report(struct job *job, struct diag *diag)
{
    const struct replay_result result = {.run = &job->run,
                                         .course = job->outputs.course.trace ? &job->outputs.course : NULL,
                                         .sizing = &job->call.input.sizing,
                                         .replica_traces = job->outputs.replicas.traces,
                                         .measured = {.replay_seconds = job->replay_seconds,
                                                      .cpu_seconds = seconds_of(CLOCK_PROCESS_CPUTIME_ID),
                                                      .threads = job->call.input.threads,
                                                      .limit = job->limit}};
    struct output_form form = job->call.form;
    const bool shown = !job->outputs.takes_stdout || options_has(&job->call.options, "output");
    if (form.special || !shown)
        form.path = NULL;
    if (output_wanted(&form)) {
        const struct document_origin origin = output_origin(&job->call.options, job->run.trace->name, job->run.config);
        if (output_document(&form, replay_report(&result, &origin), diag) != SIM_OK)
            return diag->status;
    }
    return form.special && shown ? print_block(job, diag) : SIM_OK;
}

/* The checks that need neither trace nor configuration. Wishes are percentiles that no report has by default. They must be known before the
 * replay, because figures are computed at its end. */
static enum status read_options(void *self, struct diag *diag)
{
    struct job *job = self;
    enum status status = replay_outputs_parse(&job->outputs, &job->call.options, job->call.form.special, diag);
    return status == SIM_OK ? replay_outputs_wish(&job->outputs, &job->wishes, diag) : status;
}

/* Everything has been read and checked by now. The report says so, and how the pool was sized. Whatever the form that was asked for, this
 * prints lines: there is no result that could be JSON. */
static enum status dry_run(const struct job *job, struct diag *diag)
{
    const struct input *input = &job->call.input;
    struct document *document = document_create(&(struct document_origin){.command = "replay"});
    document_line(document, "%s: %u requests; the configuration is fine", trace_title(input->trace).text, input->trace->count);
    sizing_lines(document, &input->sizing);
    return output_document(&(struct output_form){.renderer = renderer_find(NULL), .path = "-"}, document, diag);
}

/* Outputs come before the report and judgements last: whatever the exit code, everything that the run found is written. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    const unsigned scopes = run_figures_scopes(&job->call.input.config, job->outputs.goodput.given);
    enum status status = requirements_read(options, scopes, &job->requirements, &job->wishes, diag);
    if (status == SIM_OK)
        status = replica_outputs_check(options, &job->call.input.config, diag);
    if (status == SIM_OK && options_has(options, "dry-run"))
        return dry_run(job, diag);
    if (status == SIM_OK)
        status = replay(job, diag);
    if (status == SIM_OK)
        status = warn_if_all_dropped(job, diag);
    if (status == SIM_OK)
        status = replay_outputs_write(&job->outputs, &job->run, diag);
    if (status == SIM_OK)
        status = print_report(job, diag);
    if (status == SIM_OK)
        status = run_judge(&job->run, diag); /* a stall is an error, but its report helps to understand it, so the report comes first */
    return status == SIM_OK ? requirements_judge(&job->requirements, &job->run.figures, diag) : status;
}

static void close_job(void *self)
{
    struct job *job = self;
    replay_outputs_close(&job->outputs);
    worker_destroy(job->worker);
    run_close(&job->run);
}

const struct command command_replay = {
    .name = "replay",
    .usage = "pagesim replay --trace FILE [--config FILE] [options]",
    .description = "Run a trace through a scheduler on a paged KV cache; report latency, memory and\n"
                   "fragmentation.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim replay --trace traces/chat.jsonl --num-gpu-blocks 2000\n"
                "  pagesim replay --trace azure.csv --config configs/demo.json --format json\n"
                "  pagesim replay --trace t.jsonl --config c.json --decision-log - | head\n"
                "  pagesim replay --trace t.jsonl --config c.json --goodput ttft:500 tpot:50\n"
                "  pagesim replay --trace t.jsonl --config c.json --perfetto look.json\n",
    .tables = {"figures", "dropped_requests", "replicas", "replica_kinds"},
    .special_format = "vllm",
    .input = INPUT_WITH_POOL,
    .job_size = sizeof(struct job),
    .read = read_options,
    .run = run,
    .close = close_job,
};
