/* cmd_validate.c - `pagesim validate`: replays a trace and compares the replay with what a real server measured for it. Read
 * study/validation.h first for the comparison and study/measured_run.h for the files; this file connects them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "command/input_options.h"
#include "command/options.h"
#include "command/output.h"
#include "command/requirements.h"
#include "replay/run.h"
#include "report/validation_report.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"measured-requests", "FILE", "CSV: id, lengths, ttft_ms, tpot_ms, e2e_ms"},
    {"measured-timeline", "FILE", "CSV: t, running, waiting, kv_cache_pct, gen_throughput"},
    {"vllm-json", "FILE", "instead: what `vllm bench serve --save-detailed` saved"},
    {"require", "R", "exit 4 unless it holds, as in e2el_mape<1%; may be repeated"},
    {"threads", "N", "threads that read the trace [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings"},
};

static const struct command_spec spec = {
    .name = "validate",
    .usage = "pagesim validate [FOLDER] [options]",
    .description = "Replay a trace and compare the replay with what a real server measured for it.\n"
                   "FOLDER stands for --trace FOLDER/trace.jsonl --config FOLDER/config.json\n"
                   "--measured-requests FOLDER/measured_requests.csv and, where it is,\n"
                   "--measured-timeline FOLDER/measured_timeline.csv.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim validate groundtruth/rtx4090_llama31_8b --require 'e2el_mape<1%'\n"
                "  pagesim validate --trace t.jsonl --config c.json --vllm-json result.json\n",
};

enum { PATHS = 4, PATH_SIZE = CONFIG_PATH_SIZE };

/* Adds the options that FOLDER stands for, unless they are given. The timeline may be missing from the folder, as not every server logs one.
 * `paths` holds the names, because options borrow their text. */
static enum status expand_folder(struct options *options, char paths[PATHS][PATH_SIZE], struct diag *diag)
{
    static const struct {
        const char *option, *file;
        bool optional;
    } parts[PATHS] = {{"trace", "trace.jsonl", false},
                      {"config", "config.json", false},
                      {"measured-requests", "measured_requests.csv", false},
                      {"measured-timeline", "measured_timeline.csv", true}};
    if (options->positional_count > 1)
        return diag_set(diag, SIM_USAGE, "one folder at most; \"%s\" is one too many", options->positional[1]);
    for (int i = 0; i < PATHS && options->positional_count == 1; i++) {
        if (snprintf(paths[i], PATH_SIZE, "%s/%s", options->positional[0], parts[i].file) >= PATH_SIZE)
            return diag_set(diag, SIM_USAGE, "the folder's name is too long");
        if (options_has(options, parts[i].option) || (parts[i].optional && access(paths[i], R_OK) != 0) ||
            options->own_count == OPTIONS_MOST)
            continue;
        options->own[options->own_count++] = (struct config_option){parts[i].option, paths[i]};
    }
    options->positional_count = 0;
    return SIM_OK;
}

/* vLLM's JSON wins over the CSV pair: someone who names it wants it, also inside a FOLDER that has the pair. */
static enum status open_measured(const struct options *options, const struct trace *trace, struct measured_run *measured, struct diag *diag)
{
    const char *json = options_value(options, "vllm-json"), *requests = options_value(options, "measured-requests");
    if (json)
        return measured_run_open_json(json, trace, measured, diag);
    if (!requests)
        return diag_set(diag, SIM_USAGE, "nothing to compare with; give a folder, --measured-requests FILE or --vllm-json FILE");
    return measured_run_open_csv(requests, options_value(options, "measured-timeline"), trace, measured, diag);
}

/* A replay that stalled or died has nothing to compare, unlike in `replay`, where the report helps. */
static enum status replay(const struct options *options, struct run *run, struct validation *validation, struct diag *diag)
{
    const struct replay_options how = {.reference = options_has(options, "reference")};
    const struct observer observer = validation_observer(validation);
    enum status status = run_replay(run, &observer, 1, &how, diag);
    if (status == SIM_OK)
        status = run_judge(run, diag);
    if (status == SIM_OK)
        validation_put_figures(validation, &run->figures);
    return status;
}

/* Requirements are judged last, so that the report also appears when one is not met. */
static enum status validate(const struct options *options, const struct input *input, const struct output_form *form, struct diag *diag)
{
    const unsigned scopes = run_figures_scopes(&input->config, false) | FIGURE_SCOPE(FIGURE_OF_VALIDATION);
    struct requirements requirements;
    struct figure_wishes wishes = {.count = 0};
    struct measured_run measured = {0};
    struct validation validation = {0};
    struct run run = {0};
    enum status status = requirements_read(options, scopes, &requirements, &wishes, diag);
    if (status == SIM_OK)
        status = run_open(&run, input->trace, &input->config, diag);
    run.wishes = &wishes;
    if (status == SIM_OK)
        status = open_measured(options, run.trace, &measured, diag);
    if (status == SIM_OK && measured.known == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "none of the measured requests is in the trace");
    if (status == SIM_OK)
        status = validation_init(&validation, run.trace, &input->config, &measured, diag);
    if (status == SIM_OK)
        status = replay(options, &run, &validation, diag);
    if (status == SIM_OK) {
        struct document_origin origin = output_origin(options);
        origin.trace = run.trace->name;
        origin.config = run.config;
        status = output_document(form, validation_report(&validation, &run.figures, &origin), diag);
    }
    if (status == SIM_OK)
        status = requirements_judge(&requirements, &run.figures, diag);
    validation_deinit(&validation);
    run_close(&run);
    measured_run_close(&measured);
    return status;
}

enum status cmd_validate(int argc, char **argv, struct diag *diag)
{
    static char paths[PATHS][PATH_SIZE];
    static const char *const tables[] = {"figures", "latencies", "timeline_measured", "timeline_simulated", NULL};
    struct options options;
    struct output_form form;
    struct input input = {0};
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    status = output_form_read(&options, NULL, tables, &form, diag);
    if (status == SIM_OK)
        status = expand_folder(&options, paths, diag);
    if (status == SIM_OK)
        status = input_open(&options, &input, diag);
    if (status == SIM_OK)
        status = validate(&options, &input, &form, diag);
    input_close(&input);
    return status;
}
