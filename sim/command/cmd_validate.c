/* cmd_validate.c - `pagesim validate`: replays a trace and compares the replay with what a real server measured for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "command/input_options.h"
#include "command/options.h"
#include "command/output.h"
#include "command/requirements.h"
#include "replay/replay.h"
#include "study/validation.h"

static const struct option_spec own_options[] = {
    INPUT_OPTIONS,
    OUTPUT_OPTIONS,
    {"measured-requests", "FILE", "CSV: id, lengths, ttft_ms, tpot_ms, e2e_ms"},
    {"measured-timeline", "FILE", "CSV: t, running, waiting, kv_cache_pct, gen_throughput"},
    {"vllm-json", "FILE", "instead: what `vllm bench serve --save-detailed` saved"},
    {"require", "R", "exit 4 unless it holds, as in e2e_mape<1%; may be repeated"},
    {"threads", "N", "threads that read the trace [OMP_NUM_THREADS, or all cores]"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"quiet", NULL, "no warnings"},
};

static const struct command_spec spec = {
    .usage = "pagesim validate [FOLDER] [options]",
    .description = "Replay a trace and compare the replay with what a real server measured for it.\n"
                   "FOLDER stands for --trace FOLDER/trace.jsonl --config FOLDER/config.json\n"
                   "--measured-requests FOLDER/measured_requests.csv and, where it is,\n"
                   "--measured-timeline FOLDER/measured_timeline.csv.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim validate groundtruth/rtx4090_llama31_8b --require 'e2e_mape<1%'\n"
                "  pagesim validate --trace t.jsonl --config c.json --vllm-json result.json\n",
};

enum { PATHS = 4, PATH_SIZE = CONFIG_PATH_SIZE };

/* Options that FOLDER stands for, as if they had been given first. */
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

static enum status open_measured(const struct options *options, const struct trace *trace, struct measured_run *measured, struct diag *diag)
{
    const char *json = options_value(options, "vllm-json"), *requests = options_value(options, "measured-requests");
    if (json)
        return measured_run_open_json(json, trace, measured, diag);
    if (!requests)
        return diag_set(diag, SIM_USAGE, "nothing to compare with; give a folder, --measured-requests FILE or --vllm-json FILE");
    return measured_run_open_csv(requests, options_value(options, "measured-timeline"), trace, measured, diag);
}

static enum status replay(const struct options *options, const struct input *input, struct validation *validation, struct diag *diag)
{
    struct step_time_model *model = NULL;
    struct replay_facts facts;
    const struct replay_options how = {.reference = options_has(options, "reference")};
    enum status status = step_time_create(&input->config, &model, diag);
    if (status != SIM_OK)
        return status;
    const struct observer observer = validation_observer(validation);
    status = replay_run(input->trace, &input->config, model, &observer, 1, &how, &facts, diag);
    step_time_destroy(model);
    if (status == SIM_OK && (facts.end.abort || facts.end.stalled))
        status = diag_set(diag, SIM_FAILED, "the replay %s%s%s", facts.end.abort ? "died: " : "stalled: ", facts.diagnosis,
                          facts.end.abort ? facts.end.abort : "");
    return status;
}

static void print_csv(const struct validation *validation, FILE *file)
{
    fputs("name,value\n", file);
    for (size_t i = 0; i < validation->figure_count; i++)
        if (validation->figures[i].undefined)
            fprintf(file, "%s,\n", validation->figures[i].name);
        else
            fprintf(file, "%s,%.*g\n", validation->figures[i].name, 17, validation->figures[i].value);
}

static enum status print_result(const struct options *options, const struct validation *validation, const char *format, struct diag *diag)
{
    struct output output;
    enum status status = output_begin(&output, options, diag);
    if (status != SIM_OK)
        return status;
    if (strcmp(format, "json") == 0) {
        struct json_text json;
        json_text_init(&json, true);
        validation_write_json(validation, &json);
        status = output_json(&output, &json, diag);
    } else if (strcmp(format, "csv") == 0) {
        print_csv(validation, output.file);
    } else {
        validation_print(validation, output.file);
    }
    return output_end(&output, status, diag);
}

static enum status validate(const struct options *options, const struct input *input, const char *format, struct diag *diag)
{
    struct measured_run measured = {0};
    struct validation validation = {0};
    enum status status = open_measured(options, input->trace, &measured, diag);
    if (status != SIM_OK)
        return status;
    if (measured.known == 0)
        status = diag_set(diag, SIM_BAD_INPUT, "no measured request is one of the trace");
    if (status == SIM_OK)
        status = validation_init(&validation, input->trace, &input->config, &measured, diag);
    if (status == SIM_OK)
        status = replay(options, input, &validation, diag);
    if (status == SIM_OK)
        status = print_result(options, &validation, format, diag);
    if (status == SIM_OK)
        status = requirements_check(options, validation.figures, validation.figure_count, diag);
    validation_deinit(&validation);
    measured_run_close(&measured);
    return status;
}

enum status cmd_validate(int argc, char **argv, struct diag *diag)
{
    static char paths[PATHS][PATH_SIZE];
    struct options options;
    const char *format = NULL;
    struct input input = {0};
    enum status status;
    if (options_done(&spec, argc, argv, &options, &status, diag))
        return status;
    if (status == SIM_OK)
        status = output_format(&options, &format, diag);
    if (status == SIM_OK)
        status = requirements_parse(&options, diag);
    if (status == SIM_OK)
        status = expand_folder(&options, paths, diag);
    if (status == SIM_OK)
        status = input_open(&options, &input, diag);
    if (status == SIM_OK)
        status = validate(&options, &input, format, diag);
    input_close(&input);
    return status;
}
