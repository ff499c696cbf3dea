/* cmd_validate.c - `pagesim validate`: replays a trace and compares the replay with what a real server measured for it. Read
 * study/validation.h first for the comparison, study/measured_run.h for the files and study/scheduling_choice.h for what is replayed twice;
 * this file connects them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/command.h"
#include "command/input_options.h"
#include "command/measured_folder.h"
#include "command/output_names.h"
#include "command/requirements.h"
#include "report/step_errors_report.h"
#include "report/validation_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"measured-requests", "FILE", "CSV: id, lengths, ttft_ms, tpot_ms, e2e_ms"},
    {"measured-timeline", "FILE", "CSV: t, running, waiting, kv_cache_pct, gen_throughput"},
    {"vllm-json", "FILE", "instead: what `vllm bench serve --save-detailed` saved"},
    {"steps", "FILE", "instead: steps of a server, a CSV as replay --step-log writes; no trace is replayed"},
    {"measured-times", "WHOSE", "from when latencies count: client (sent) or server (taken in) [client for --vllm-json, else server]"},
    {"require", "R", "exit 4 unless it holds, as in e2el_mape<1%; may be repeated", OPTION_AGAIN},
    ALLOW_DROPPED_OPTION,
    {"threads", "N", "threads that read the trace [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings"},
};

enum { RUNS_MOST = 1000 };

/* The choice borrows the measured run, so close_run() ends it first. */
struct job {
    struct call call;
    const char *folders[RUNS_MOST];
    size_t folder_count;
    uint32_t own_count; /* options that were typed */
    struct measured_folder folder;
    struct requirements requirements;
    struct figure_wishes wishes;
    struct measured_run measured;
    struct scheduling_choice choice;
    struct validated_run *rows;          /* of several folders */
    char unmet[CONFIG_PATH_SIZE + 1024]; /* what the first of these did not meet */
};

/* A folder is no trace: taken out of the arguments, which name none then. */
static enum status read_folders(void *self, struct diag *diag)
{
    struct job *job = self;
    struct options *options = &job->call.options;
    if (options->positional_count > RUNS_MOST)
        return diag_set(diag, SIM_USAGE, "%d folders at most", RUNS_MOST);
    job->folder_count = options->positional_count;
    for (size_t i = 0; i < job->folder_count; i++)
        job->folders[i] = options->positional[i];
    options->positional_count = 0;
    job->own_count = options->own_count;
    return array_zeroed(&job->rows, job->folder_count, sizeof *job->rows, "measured runs", diag);
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

/* A replay that stalled or died has nothing to compare, unlike in `replay`, where the report helps. */
static enum status replay(struct job *job, struct diag *diag)
{
    struct scheduling_choice *choice = &job->choice;
    const struct replay_options how = {.reference = options_has(&job->call.options, "reference")};
    if (scheduling_choice_open(choice, job->call.input.trace, &job->call.input.config, diag) != SIM_OK ||
        measured_options_open(&job->call.options, choice->ways[0].run.trace, &job->measured, diag) != SIM_OK ||
        choose_times(options_value(&job->call.options, "measured-times"), &job->measured, diag) != SIM_OK ||
        scheduling_choice_make(choice, &job->measured, &job->wishes, &how, diag) != SIM_OK)
        return diag->status;
    return run_judge(&scheduling_chosen(choice)->run, diag);
}

/* All that is needed to replay a run, and the replay. */
static enum status run_one(struct job *job, const char *folder, struct diag *diag)
{
    const struct options *options = &job->call.options;
    if ((folder && measured_folder_expand(&job->folder, folder, job->own_count, &job->call.options, diag) != SIM_OK) ||
        input_open(options, false, ADVICE_ALL, &job->call.input, diag) != SIM_OK ||
        output_names_check(options, NULL, &job->call.input.config, diag) != SIM_OK)
        return diag->status;
    const unsigned scopes = run_figures_scopes(&job->call.input.config, false) | FIGURE_SCOPE(FIGURE_OF_VALIDATION);
    if (requirements_read(options, scopes, &job->requirements, &job->wishes, diag) != SIM_OK)
        return diag->status;
    return replay(job, diag);
}

static void close_run(struct job *job)
{
    scheduling_choice_close(&job->choice);
    measured_run_close(&job->measured);
    input_close(&job->call.input);
    job->choice = (struct scheduling_choice){0};
    job->call.input = (struct input){0};
    job->requirements = (struct requirements){0};
    job->wishes = (struct figure_wishes){0};
}

/* A row of each. What does not meet the requirements does not keep the others from being replayed. */
static enum status run_several(struct job *job, struct diag *diag)
{
    for (size_t i = 0; i < job->folder_count; i++) {
        enum status status = run_one(job, job->folders[i], diag);
        if (status == SIM_OK)
            job->rows[i] = validated_run_of(job->folders[i], &job->choice);
        if (status == SIM_OK)
            status = requirements_judge(&job->requirements, &scheduling_chosen(&job->choice)->run.figures, diag);
        if (status == SIM_REQUIREMENT) {
            if (!*job->unmet)
                snprintf(job->unmet, sizeof job->unmet, "%s: %s", job->folders[i], diag->text);
            diag_clear(diag);
            status = SIM_OK;
        }
        close_run(job);
        if (status != SIM_OK)
            return status;
    }
    struct options *options = &job->call.options;
    options->own_count = job->own_count;
    options->positional_count = (uint32_t)job->folder_count; /* for the command line that the report tells */
    if (job->call.form.table && !options_has(options, "table"))
        job->call.form.table = "runs"; /* the only one */
    const struct document_origin origin = output_origin(&job->call.options, NULL, NULL);
    enum status status = output_document(&job->call.form, validation_runs_report(job->rows, job->folder_count, &origin), diag);
    return status == SIM_OK && *job->unmet ? diag_set(diag, SIM_REQUIREMENT, "%s", job->unmet) : status;
}

/* The clock alone, without a trace. */
static enum status run_steps(struct job *job, const char *path, struct diag *diag)
{
    const struct options *options = &job->call.options;
    struct config *config = &job->call.input.config;
    struct step_sample *samples = NULL;
    struct step_time_model *model = NULL;
    struct step_class classes[STEP_CLASSES];
    size_t count = 0;
    if (job->folder_count > 0 || options_has(options, "trace") || options_has(options, "require"))
        return diag_set(diag, SIM_USAGE, "--steps judges the clock alone: it goes with no FOLDER, --trace or --require");
    enum status status = config_load(options_value(options, "config"), options->config, options->config_count, config, diag);
    if (status == SIM_OK)
        status = step_samples_read(path, &samples, &count, diag);
    if (status == SIM_OK && count == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "%s: no step with a duration", path);
    if (status == SIM_OK)
        status = step_time_create(config, &model, diag);
    if (status == SIM_OK)
        status = step_errors_make(model, samples, count, classes, diag);
    step_time_destroy(model);
    free(samples);
    if (status != SIM_OK)
        return status;
    if (job->call.form.table && !options_has(options, "table"))
        job->call.form.table = "batches"; /* the only one */
    const struct document_origin origin = output_origin(options, NULL, config);
    return output_document(&job->call.form, step_errors_report(path, classes, &origin), diag);
}

/* Requirements are judged last, so that the report also appears when one is not met. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const char *steps = options_value(&job->call.options, "steps");
    if (steps)
        return run_steps(job, steps, diag);
    if (job->folder_count > 1)
        return run_several(job, diag);
    if (run_one(job, job->folder_count == 1 ? job->folders[0] : NULL, diag) != SIM_OK)
        return diag->status;
    const struct run *chosen = &scheduling_chosen(&job->choice)->run;
    const struct document_origin origin = output_origin(&job->call.options, chosen->trace->name, chosen->config);
    enum status status = output_document(&job->call.form, validation_report(&job->choice, &origin), diag);
    return status == SIM_OK ? requirements_judge(&job->requirements, &chosen->figures, diag) : status;
}

static void close_job(void *self)
{
    struct job *job = self;
    close_run(job);
    free(job->rows);
}

const struct command command_validate = {
    .name = "validate",
    .usage = "pagesim validate [FOLDER...] [options] | --steps FILE [options]",
    .description = "Replay a trace and compare the replay with what a real server measured for it.\n"
                   "FOLDER stands for --trace FOLDER/trace.jsonl --config FOLDER/config.json and\n"
                   "--vllm-json FOLDER/vllm.json or, without it, --measured-requests\n"
                   "FOLDER/measured_requests.csv and, where it is, --measured-timeline\n"
                   "FOLDER/measured_timeline.csv. Of several folders it is a table, a row each. If\n"
                   "nothing says async_scheduling, both ways are replayed and the measurements\n"
                   "choose. With --steps the step-time model alone is judged, by single steps.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .one_server = true,
    .examples = "  pagesim validate groundtruth/rtx4090_llama31_8b --require 'e2el_mape<1%'\n"
                "  pagesim validate groundtruth/* --format csv\n"
                "  pagesim validate --trace t.jsonl --config c.json --vllm-json result.json\n"
                "  pagesim validate --steps steps.csv --model llama-2-70b --gpu h100 \\\n"
                "      --tensor-parallel-size 4\n",
    .tables = {"figures", "latencies", "timeline_measured", "timeline_simulated", "scheduling", "per_request", "runs", "batches"},
    .job_size = sizeof(struct job),
    .read = read_folders,
    .run = run,
    .close = close_job,
};
