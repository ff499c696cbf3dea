/* fit_roofline.c - reads what the roofline is fitted to, and writes the constants as a configuration for --config. Read time/roofline_fit.h
 * and study/roofline_runs.h first. */
#include "command/fit_roofline.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/line.h"
#include "base/notice.h"
#include "base/progress.h"
#include "command/input_options.h"
#include "command/interrupt.h"
#include "command/measured_folder.h"
#include "command/output.h"
#include "study/roofline_runs.h"

enum { GUESSES_ABOUT = 1200 };

enum status fit_roofline_is_asked(const struct options *options, bool *asked, struct diag *diag)
{
    struct config config;
    if (config_load(options_value(options, "config"), options->config, options->config_count, &config, diag) != SIM_OK)
        return diag->status;
    *asked = config.step_time.model == STEP_TIME_ROOFLINE && config_gives(&config, "step_time.model");
    return SIM_OK;
}

static enum status write_json(const struct options *options, struct json_text *json, struct diag *diag)
{
    const char *path = options_value(options, "output");
    return output_json(path ? path : "-", json, diag);
}

/* --- from steps -------------------------------------------------------------------------------------------------------------------- */

/* A configuration for --config, so that it can be read without its model and GPU being given again. */
static void write_roofline(const struct config *config, const struct roofline_fit *fit, struct json_text *json)
{
    json_open_object(json);
    json_put_string(json, "model", config->model);
    json_put_string(json, "gpu", config->gpu);
    json_put_uint(json, "tensor_parallel_size", config->tensor_parallel_size);
    json_key(json, "step_time");
    json_open_object(json);
    json_put_string(json, "model", step_time_name(STEP_TIME_ROOFLINE));
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        json_put_double(json, roofline_names[i], fit->values[i]);
    json_close_object(json);
    json_close_object(json);
}

enum status fit_roofline_steps(const struct options *options, struct diag *diag)
{
    struct config config;
    struct step_sample *samples = NULL;
    size_t count = 0;
    struct roofline_fit fit;
    enum status status = config_load(options_value(options, "config"), options->config, options->config_count, &config, diag);
    if (status == SIM_OK)
        status = step_samples_read(options_value(options, "steps"), &samples, &count, diag);
    if (status == SIM_OK)
        status = roofline_fit(&config, samples, count, &fit, diag);
    free(samples);
    if (status != SIM_OK)
        return status;
    struct json_text json;
    json_text_init(&json, true);
    write_roofline(&config, &fit, &json);
    status = write_json(options, &json, diag);
    if (status != SIM_OK)
        return status;
    notice("fitted %zu steps; on %zu others the error is %.2f %% in the median, %.2f %% at the 95th percentile, %.2f %% at most",
           fit.error.fitted, fit.error.held_out, fit.error.median * 100, fit.error.p95 * 100, fit.error.max * 100);
    for (int i = 0; i < ROOFLINE_CONSTANTS; i++)
        if (fit.told[i])
            notice("%s %.4g", roofline_names[i], fit.values[i]);
        else
            notice("%s %.4g: these steps do not tell it", roofline_names[i], fit.values[i]);
    return SIM_OK;
}

/* --- from runs --------------------------------------------------------------------------------------------------------------------- */

struct folder_run {
    const char *name;
    struct measured_folder folder;
    struct input input;
    struct measured_run measured;
};

enum status roofline_folders_read(struct roofline_folders *folders, struct options *options, struct diag *diag)
{
    folders->count = options->positional_count;
    folders->own_count = options->own_count;
    if (folders->count == 0)
        return SIM_OK;
    enum status status = array_zeroed(&folders->runs, folders->count, sizeof *folders->runs, "measured runs", diag);
    for (size_t i = 0; i < folders->count && status == SIM_OK; i++)
        folders->runs[i].name = options->positional[i];
    options->positional_count = 0;
    return status;
}

void roofline_folders_close(struct roofline_folders *folders)
{
    for (size_t i = 0; folders->runs && i < folders->count; i++) {
        measured_run_close(&folders->runs[i].measured);
        input_close(&folders->runs[i].input);
    }
    free(folders->runs);
}

static enum status open_runs(struct roofline_folders *folders, struct options *options, struct diag *diag)
{
    for (size_t i = 0; i < folders->count; i++) {
        struct folder_run *run = &folders->runs[i];
        if (measured_folder_expand(&run->folder, run->name, folders->own_count, options, diag) != SIM_OK ||
            input_open(options, false, ADVICE_ALL, &run->input, diag) != SIM_OK ||
            measured_options_open(options, run->input.trace, &run->measured, diag) != SIM_OK)
            return diag->status;
        if (run->input.config.step_time.model != STEP_TIME_ROOFLINE)
            return diag_set(diag, SIM_USAGE,
                            "%s: its step times are not the roofline's; give --step-time-model roofline with --model and --gpu", run->name);
    }
    options->own_count = folders->own_count;
    return SIM_OK;
}

/* Without model and GPU, as the runs may differ in them. */
static void write_runs(const struct roofline_runs *runs, struct json_text *json)
{
    json_open_object(json);
    json_key(json, "step_time");
    json_open_object(json);
    json_put_string(json, "model", step_time_name(STEP_TIME_ROOFLINE));
    for (int i = 0; i < RUNS_CONSTANTS; i++)
        if (i == RUNS_SEQUENCE)
            json_put_int(json, roofline_runs_names[i], llrint(runs->values[i]));
        else
            json_put_double(json, roofline_runs_names[i], runs->values[i]);
    json_close_object(json);
    json_close_object(json);
}

/* As a share of what was measured, where it was. */
static void put_error(struct line *line, const struct roofline_run *run, enum latency latency)
{
    if (!isnan(run->error[latency]))
        line_put(line, "%s %s %+.1f %%", line->length ? "," : "", latency_titles[latency], run->error[latency] * 100);
}

/* The options, too: a folder's own configuration counts unless --config names another, and these go over both. */
static void tell_runs(const struct roofline_runs *runs)
{
    struct line options = {0};
    for (int i = 0; i < RUNS_CONSTANTS; i++) {
        line_put(&options, " --step-time-");
        for (const char *at = roofline_runs_names[i]; *at; at++)
            line_put(&options, "%c", *at == '_' ? '-' : *at);
        line_put(&options, i == RUNS_SEQUENCE ? " %.0f" : " %.4g", runs->values[i]);
    }
    notice("as options:%s", options.text);
    for (size_t i = 0; i < runs->count; i++) {
        struct line errors = {0};
        for (size_t k = 0; k < MEASURED_LATENCIES; k++)
            put_error(&errors, &runs->runs[i], measured_latencies[k]);
        notice("%s: means%s", runs->runs[i].name, errors.text);
    }
    notice("all of these were fitted, none is a prediction: validate other runs with the result");
}

struct shown {
    struct progress progress;
    uint64_t total;
};

static void show_progress(void *self, uint32_t replays)
{
    struct shown *shown = self;
    progress_update(&shown->progress, replays, shown->total);
}

enum status fit_roofline_folders(struct roofline_folders *folders, struct options *options, struct diag *diag)
{
    struct shown shown = {.total = folders->count * GUESSES_ABOUT};
    struct json_text json;
    struct roofline_runs runs = {.count = folders->count, .stop = &interrupted, .progress = show_progress, .progress_self = &shown};
    if (open_runs(folders, options, diag) != SIM_OK ||
        array_zeroed(&runs.runs, runs.count, sizeof *runs.runs, "measured runs", diag) != SIM_OK)
        return diag->status;
    for (size_t i = 0; i < runs.count; i++)
        runs.runs[i] = (struct roofline_run){.name = folders->runs[i].name,
                                             .trace = folders->runs[i].input.trace,
                                             .config = &folders->runs[i].input.config,
                                             .measured = &folders->runs[i].measured};
    progress_start(&shown.progress, "replays", options_has(options, "quiet"));
    enum status status = roofline_runs_fit(&runs, diag);
    progress_end(&shown.progress);
    if (status == SIM_OK) {
        json_text_init(&json, true);
        write_runs(&runs, &json);
        status = write_json(options, &json, diag);
    }
    if (status == SIM_OK)
        tell_runs(&runs);
    free(runs.runs);
    return status;
}
