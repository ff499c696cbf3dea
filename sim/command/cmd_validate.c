/* cmd_validate.c - `pagesim validate`: replays a trace and compares the replay with what a real server measured for it. Read
 * study/validation.h first for the comparison, study/measured_run.h for the files and study/scheduling_choice.h for what is replayed twice;
 * this file connects them. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "command/requirements.h"
#include "report/validation_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"measured-requests", "FILE", "CSV: id, lengths, ttft_ms, tpot_ms, e2e_ms"},
    {"measured-timeline", "FILE", "CSV: t, running, waiting, kv_cache_pct, gen_throughput"},
    {"vllm-json", "FILE", "instead: what `vllm bench serve --save-detailed` saved"},
    {"measured-times", "WHOSE", "from when latencies count: client (sent) or server (taken in) [client for --vllm-json, else server]"},
    {"require", "R", "exit 4 unless it holds, as in e2el_mape<1%; may be repeated", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    {"threads", "N", "threads that read the trace [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings"},
};

enum { PATHS = 4, PATH_SIZE = CONFIG_PATH_SIZE };

/* The choice borrows the measured run, so close_job() ends it first. */
struct job {
    struct call call;
    char paths[PATHS][PATH_SIZE]; /* of FOLDER's files; options borrow their text */
    struct requirements requirements;
    struct figure_wishes wishes;
    struct measured_run measured;
    struct scheduling_choice choice;
};

/* Adds the options that FOLDER stands for, unless they are given. The timeline may be missing from the folder, as not every server logs
 * one. The options are added to the list as if they had been typed, so everything after this has one path for both ways, and the report's
 * command line stands without the folder. An option that was given stays as it is: a folder with another configuration is a usual
 * experiment. */
static enum status expand_folder(void *self, struct diag *diag)
{
    static const struct {
        const char *option, *file;
        bool optional;
    } parts[PATHS] = {{"trace", "trace.jsonl", false},
                      {"config", "config.json", false},
                      {"measured-requests", "measured_requests.csv", false},
                      {"measured-timeline", "measured_timeline.csv", true}};
    struct job *job = self;
    struct options *options = &job->call.options;
    if (options->positional_count > 1)
        return diag_set(diag, SIM_USAGE, "one folder at most; \"%s\" is one too many", options->positional[1]);
    for (int i = 0; i < PATHS && options->positional_count == 1; i++) {
        char *path = job->paths[i];
        if (snprintf(path, PATH_SIZE, "%s/%s", options->positional[0], parts[i].file) >= PATH_SIZE)
            return diag_set(diag, SIM_USAGE, "the folder's name is too long");
        if (options_has(options, parts[i].option) || (parts[i].optional && access(path, R_OK) != 0) || options->own_count == OPTIONS_MOST)
            continue;
        options->own[options->own_count++] = (struct config_option){parts[i].option, path};
    }
    options->positional_count = 0;
    return SIM_OK;
}

/* A request can wait at the front door of a busy engine for as long as a step takes. */
static enum status choose_times(const char *whose, struct measured_run *measured, struct diag *diag)
{
    if (!whose)
        return SIM_OK;
    if (strcmp(whose, "client") != 0 && strcmp(whose, "server") != 0)
        return diag_set(diag, SIM_USAGE, "--measured-times %s: must be client or server", whose);
    measured->times_chosen = true;
    measured->from_queued = strcmp(whose, "server") == 0;
    return SIM_OK;
}

/* vLLM's JSON wins over the CSV pair: someone who names it wants it, also inside a FOLDER that has the pair. Rows are matched with requests
 * by their id or order; measurements that match nothing are an error when none matches, since the report would compare nothing with
 * something. */
static enum status open_measured(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const struct trace *trace = job->choice.ways[0].run.trace;
    const char *json = options_value(options, "vllm-json"), *requests = options_value(options, "measured-requests");
    if (!json && !requests)
        return diag_set(diag, SIM_USAGE, "nothing to compare with; give a folder, --measured-requests FILE or --vllm-json FILE");
    enum status status = json ? measured_run_open_json(json, trace, &job->measured, diag)
                              : measured_run_open_csv(requests, options_value(options, "measured-timeline"), trace, &job->measured, diag);
    if (status == SIM_OK && job->measured.known == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "none of the measured requests is in the trace");
    return status == SIM_OK ? choose_times(options_value(options, "measured-times"), &job->measured, diag) : status;
}

/* A replay that stalled or died has nothing to compare, unlike in `replay`, where the report helps. */
static enum status replay(struct job *job, struct diag *diag)
{
    struct scheduling_choice *choice = &job->choice;
    const struct replay_options how = {.reference = options_has(&job->call.options, "reference")};
    if (scheduling_choice_open(choice, job->call.input.trace, &job->call.input.config, diag) != SIM_OK ||
        open_measured(job, diag) != SIM_OK || scheduling_choice_make(choice, &job->measured, &job->wishes, &how, diag) != SIM_OK)
        return diag->status;
    return run_judge(&scheduling_chosen(choice)->run, diag);
}

/* Requirements are judged last, so that the report also appears when one is not met. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    const unsigned scopes = run_figures_scopes(&job->call.input.config, false) | FIGURE_SCOPE(FIGURE_OF_VALIDATION);
    if (requirements_read(options, scopes, &job->requirements, &job->wishes, diag) != SIM_OK || replay(job, diag) != SIM_OK)
        return diag->status;
    const struct run *chosen = &scheduling_chosen(&job->choice)->run;
    const struct document_origin origin = output_origin(options, chosen->trace->name, chosen->config);
    enum status status = output_document(&job->call.form, validation_report(&job->choice, &origin), diag);
    return status == SIM_OK ? requirements_judge(&job->requirements, &chosen->figures, diag) : status;
}

static void close_job(void *self)
{
    struct job *job = self;
    scheduling_choice_close(&job->choice);
    measured_run_close(&job->measured);
}

const struct command command_validate = {
    .name = "validate",
    .usage = "pagesim validate [FOLDER] [options]",
    .description = "Replay a trace and compare the replay with what a real server measured for it.\n"
                   "FOLDER stands for --trace FOLDER/trace.jsonl --config FOLDER/config.json\n"
                   "--measured-requests FOLDER/measured_requests.csv and, where it is,\n"
                   "--measured-timeline FOLDER/measured_timeline.csv. If nothing says\n"
                   "async_scheduling, both ways are replayed and the measurements choose.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim validate groundtruth/rtx4090_llama31_8b --require 'e2el_mape<1%'\n"
                "  pagesim validate --trace t.jsonl --config c.json --vllm-json result.json\n",
    .tables = {"figures", "latencies", "timeline_measured", "timeline_simulated", "scheduling", "per_request"},
    .input = INPUT_WITH_POOL,
    .job_size = sizeof(struct job),
    .read = expand_folder,
    .run = run,
    .close = close_job,
};
