/* cmd_fit.c - `pagesim fit`: makes a compact step-time model from the configured one (tables of a profile, say) or from recorded steps.
 * Read time/compact.h first for the model and doc/step_time.md for when it pays. The result is a file for step_time.path, hence JSON
 * without the members that reports have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/notice.h"
#include "command/command.h"
#include "config/sizing.h"
#include "time/compact.h"

static const struct option_spec own_options[] = {
    CONFIG_OPTIONS,
    {"steps", "FILE", "instead: a CSV of steps as replay --step-log writes"},
    {"output", "FILE", "write the model there; - is standard output [-]"},
};

/* Steps to fit: recorded ones, or steps of all shapes that the configured model prices. Recorded steps say what a server did and cover
 * the shapes that it met; a configured model can be asked for any shape, so its samples cover all that a server of this configuration
 * can hold. */
static enum status make_samples(const struct options *options, struct fit_sample **samples, size_t *count, const char **source,
                                struct diag *diag)
{
    const char *steps = options_value(options, "steps"), *path = options_value(options, "config");
    struct config config;
    struct step_time_model *model;
    *source = steps ? steps : path ? path : "options";
    if (steps)
        return compact_sample_steps(steps, samples, count, diag);
    struct sizing sizing;
    if (config_load(path, options->config, options->config_count, &config, diag) != SIM_OK ||
        sizing_fill(&config, &sizing, diag) != SIM_OK || step_time_create(&config, &model, diag) != SIM_OK)
        return diag->status;
    enum status status = compact_sample_model(model, &config, samples, count, diag);
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
static enum status run(void *job, struct diag *diag)
{
    const struct options *options = &((const struct call *)job)->options;
    struct fit_sample *samples = NULL;
    size_t count = 0;
    const char *source;
    struct compact compact;
    struct fit_error error;
    if (options->positional_count > 0)
        return diag_set(diag, SIM_USAGE, "unexpected argument \"%s\"", options->positional[0]);
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

const struct command command_fit = {
    .name = "fit",
    .usage = "pagesim fit --config FILE | --steps FILE [--output FILE]",
    .description = "Fit the constants of a compact step-time model and report its error on steps\n"
                   "that were held out.\n",
    OPTIONS(own_options),
    .takes_config = true,
    .examples = "  pagesim fit --config server.json --output compact.json\n"
                "  pagesim replay --trace t.jsonl --config server.json \\\n"
                "      --step-time-model compact --step-time-path compact.json\n",
    .run = run,
};
