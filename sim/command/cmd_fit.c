/* cmd_fit.c - `pagesim fit`: makes a compact step-time model from the configured one (tables of a profile, say), from recorded steps, or from
 * what the clients of a real server measured; or finds the roofline's constants from recorded steps. Read time/compact.h and
 * time/roofline_fit.h first for the models, study/calibration.h for clients, and doc/step_time.md for when it pays. The result is a file for
 * step_time.path, or a configuration for --config, hence JSON without the members that reports have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notice.h"
#include "base/progress.h"
#include "command/command.h"
#include "command/fit_roofline.h"
#include "command/interrupt.h"
#include "config/sizing.h"
#include "study/calibration.h"
#include "time/compact.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    {"steps", "FILE",
     "steps of a server, a CSV as replay --step-log writes: a compact model, or the constants of --step-time-model roofline"},
    {"measured-requests", "FILE", "instead: what a server measured for the trace: id, lengths, ttft_ms, tpot_ms, e2e_ms"},
    {"vllm-json", "FILE", "the same as `vllm bench serve --save-detailed` saved it"},
    {"quiet", NULL, "no warnings and no progress bar"},
    {"output", "FILE", "write the model there; - is standard output [-]"},
};

struct job {
    struct call call;
    struct measured_run measured;
    struct roofline_folders folders;
};

#define ALIKE 0.95 /* a correlation of two constants that is told */
enum { REPLAYS_ABOUT = 690 };

/* Steps to fit: recorded ones, or steps of all shapes that the configured model prices. Recorded steps say what a server did and cover
 * the shapes that it met; a configured model can be asked for any shape, so its samples cover all that a server of this configuration
 * can hold. */
static enum status make_samples(const struct options *options, struct step_sample **samples, size_t *count, const char **source,
                                struct diag *diag)
{
    const char *steps = options_value(options, "steps"), *path = options_value(options, "config");
    struct config config;
    struct step_time_model *model;
    *source = steps ? steps : path ? path : "options";
    if (steps)
        return step_samples_read(steps, samples, count, diag);
    struct sizing sizing;
    if (config_load(path, options->config, options->config_count, &config, diag) != SIM_OK ||
        input_one_server(options, &config, diag) != SIM_OK || sizing_fill(&config, &sizing, diag) != SIM_OK ||
        step_time_create(&config, &model, diag) != SIM_OK)
        return diag->status;
    enum status status = step_samples_of_model(model, &config, samples, count, diag);
    step_time_destroy(model);
    return status;
}

/* The errors go into the file as well, so that a model carries how far to trust it. Reading the model ignores them. */
static void write_model(const struct compact *compact, const struct fit_error *error, const char *source, struct json_text *json)
{
    json_open_object(json);
    json_put_string(json, "fitted_from", source);
    for (int i = 0; i < COMPACT_CONSTANTS; i++)
        json_put_double(json, compact_names[i], compact->constants[i]);
    json_put_uint(json, "fitted_steps", error->fitted);
    json_put_uint(json, "held_out_steps", error->held_out);
    json_put_double(json, "held_out_mean_error", error->mean);
    json_put_double(json, "held_out_p95_error", error->p95);
    json_put_double(json, "held_out_max_error", error->max);
    json_close_object(json);
}

/* The error is measured on steps that the fit did not see; an error on the fitted ones would only say how many constants there are. It goes
 * to standard error, as standard output may be the model's file. */
static enum status fit_steps(const struct options *options, struct diag *diag)
{
    struct step_sample *samples = NULL;
    size_t count = 0;
    const char *source;
    struct compact compact;
    struct fit_error error;
    enum status status = make_samples(options, &samples, &count, &source, diag);
    if (status == SIM_OK)
        status = compact_fit(samples, count, &compact, &error, diag);
    free(samples);
    if (status != SIM_OK)
        return status;
    struct json_text json;
    json_text_init(&json, true);
    write_model(&compact, &error, source, &json);
    const char *path = options_value(options, "output");
    status = output_json(path ? path : "-", &json, diag);
    if (status == SIM_OK)
        notice("fitted %zu steps; on %zu others the error is %.2f %% in the mean, %.2f %% at the 95th percentile, %.2f %% at most",
               error.fitted, error.held_out, error.mean * 100, error.p95 * 100, error.max * 100);
    return status;
}

/* --- from a measured run -------------------------------------------------------------------------------------------------------------- */

static void write_errors(struct json_text *json, const char *name, const struct calibration_errors *errors)
{
    static const char *const members[LATENCIES] = {
        [LATENCY_TTFT] = "ttft_mape", [LATENCY_TPOT] = "tpot_mape", [LATENCY_E2EL] = "e2el_mape"};
    json_key(json, name);
    json_open_object(json);
    json_put_uint(json, "count", errors->count);
    for (size_t i = 0; i < MEASURED_LATENCIES; i++)
        if (!isnan(errors->mape[measured_latencies[i]]))
            json_put_double(json, members[measured_latencies[i]], errors->mape[measured_latencies[i]]);
    json_close_object(json);
}

/* What was fitted to what, and how far to trust it, goes with the constants. Reading the model ignores it. */
static void write_calibration(const struct calibration *calibration, const char *source, struct json_text *json)
{
    json_open_object(json);
    json_put_string(json, "calibrated_from", source);
    for (int i = 0; i < COMPACT_CONSTANTS; i++)
        json_put_double(json, compact_names[i], calibration->compact.constants[i]);
    if (calibration->pauses.found) {
        json_put_uint(json, "pause_ns", (uint64_t)calibration->compact.pause_ns);
        json_put_uint(json, "pause_every_pairs", calibration->compact.pause_every_pairs);
    }
    write_errors(json, "fitted", &calibration->fitted);
    write_errors(json, "held_out", &calibration->held_out);
    json_key(json, "standard_error");
    json_open_object(json);
    for (int i = 0; i < CALIBRATED; i++)
        if (isfinite(calibration->standard_error[i]))
            json_put_double(json, calibrated_names[i], calibration->standard_error[i] * calibration->values[i]);
    if (calibration->pauses.found) {
        json_put_double(json, "pause_ns", calibration->pauses.pause_error * calibration->pauses.pause_ms * 1e6);
        json_put_double(json, "pause_every_pairs", calibration->pauses.every_error * calibration->pauses.every_pairs);
    }
    json_close_object(json);
    json_put_uint(json, "replays", calibration->replays);
    json_close_object(json);
}

static void tell_half(const char *which, const struct calibration_errors *errors)
{
    notice("%s: %u, mean errors TTFT %.2f %%, TPOT %.2f %%, E2E %.2f %%", which, errors->count, errors->mape[LATENCY_TTFT] * 100,
           errors->mape[LATENCY_TPOT] * 100, errors->mape[LATENCY_E2EL] * 100);
}

/* A constant of which the run says nothing is as good as any other: better to say so than to print its digits. */
static void tell_calibration(const struct calibration *calibration)
{
    if (calibration->pooled) {
        tell_half("fitted to statistics of all requests, nothing held out", &calibration->fitted);
    } else {
        tell_half("fitted to every other request", &calibration->fitted);
        tell_half("held out, predicted", &calibration->held_out);
    }
    for (int i = 0; i < CALIBRATED; i++) {
        const double error = calibration->standard_error[i];
        if (!(calibration->values[i] > 0))
            notice("%s 0: too little is known to look for it", calibrated_names[i]);
        else if (error > 1)
            notice("%s %.4g: this run does not tell it", calibrated_names[i], calibration->values[i]);
        else
            notice("%s %.4g, give or take %.1f %%", calibrated_names[i], calibration->values[i], error * 100);
    }
    for (int a = 0; a < CALIBRATED; a++)
        for (int b = a + 1; b < CALIBRATED; b++)
            if (fabs(calibration->correlation[a][b]) > ALIKE)
                notice("%s and %s: this run hardly tells them apart (correlation %.2f)", calibrated_names[a], calibrated_names[b],
                       calibration->correlation[a][b]);
}

/* Not of the clock, as the engine goes on; and told only where gaps show it. */
static void tell_pauses(const struct pauses_found *pauses)
{
    if (!pauses->found)
        return;
    notice("the stream of tokens stood still about %.0f times, and the engine went on: long gaps are followed by short ones that make up "
           "for them",
           pauses->pauses);
    notice("pause_ns %.4g, give or take %.1f %%", pauses->pause_ms * 1e6, pauses->pause_error * 100);
    notice("pause_every_pairs %.4g, give or take %.1f %%", pauses->every_pairs, pauses->every_error * 100);
}

static void show_progress(void *self, uint32_t replays)
{
    progress_update(self, replays, REPLAYS_ABOUT);
}

static enum status fit_run(struct job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    const char *json = options_value(options, "vllm-json"), *requests = options_value(options, "measured-requests");
    struct input *input = &job->call.input;
    struct progress progress;
    if (input_open(options, false, ADVICE_ALL, input, diag) != SIM_OK)
        return diag->status;
    enum status status = json ? measured_run_open_json(json, input->trace, &job->measured, diag)
                              : measured_run_open_csv(requests, NULL, input->trace, &job->measured, diag);
    if (status != SIM_OK)
        return status;
    struct calibration calibration = {.trace = input->trace,
                                      .config = &input->config,
                                      .measured = &job->measured,
                                      .stop = &interrupted,
                                      .progress = show_progress,
                                      .progress_self = &progress};
    progress_start(&progress, "replays", options_has(options, "quiet"));
    status = calibration_make(&calibration, diag);
    progress_end(&progress);
    if (status != SIM_OK)
        return status;
    struct json_text text;
    json_text_init(&text, true);
    write_calibration(&calibration, json ? json : requests, &text);
    const char *path = options_value(options, "output");
    status = output_json(path ? path : "-", &text, diag);
    if (status == SIM_OK)
        tell_calibration(&calibration);
    if (status == SIM_OK)
        tell_pauses(&calibration.pauses);
    return status;
}

/* Folders and recorded steps are for the roofline if it is named; recorded steps else make a compact model. */
static enum status run(void *self, struct diag *diag)
{
    struct job *job = self;
    const struct options *options = &job->call.options;
    const bool measured = options_has(options, "vllm-json") || options_has(options, "measured-requests");
    bool roofline = job->folders.count > 0;
    if (options_has(options, "steps") && !roofline && fit_roofline_is_asked(options, &roofline, diag) != SIM_OK)
        return diag->status;
    if (job->folders.count > 0)
        return fit_roofline_folders(&job->folders, &job->call.options, diag);
    if (roofline)
        return fit_roofline_steps(options, diag);
    return measured ? fit_run(job, diag) : fit_steps(options, diag);
}

static enum status read_folders(void *self, struct diag *diag)
{
    struct job *job = self;
    return roofline_folders_read(&job->folders, &job->call.options, diag);
}

static void close_job(void *self)
{
    struct job *job = self;
    measured_run_close(&job->measured);
    roofline_folders_close(&job->folders);
}

const struct command command_fit = {
    .name = "fit",
    .usage = "pagesim fit --config FILE | --steps FILE | --trace FILE --vllm-json FILE |\n       FOLDER... --step-time-model roofline",
    .description = "Fit the constants of a compact step-time model: to the configured model, to\n"
                   "recorded steps, or to what a server's clients measured for a trace, which is\n"
                   "replayed with many guesses. Or those of the roofline: to recorded steps, or to\n"
                   "the means of several measured runs, in FOLDERs as validate has them. The error\n"
                   "is told on what was held out.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .one_server = true,
    .examples = "  pagesim fit --config server.json --output compact.json\n"
                "  pagesim replay --trace t.jsonl --config server.json \\\n"
                "      --step-time-model compact --step-time-path compact.json\n"
                "  pagesim fit --steps steps.csv --step-time-model roofline --model llama-2-70b \\\n"
                "      --gpu h100 --tensor-parallel-size 4 --output roofline.json\n"
                "  pagesim fit --trace t.jsonl --config server.json --vllm-json result.json \\\n"
                "      --output clock.json\n",
    .job_size = sizeof(struct job),
    .read = read_folders,
    .run = run,
    .close = close_job,
};
