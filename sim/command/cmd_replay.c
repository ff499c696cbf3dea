/* cmd_replay.c - `pagesim replay`: the main job. */
#include <stdio.h>

#include "base/text_file.h"
#include "command/command.h"
#include "command/options.h"
#include "engine/engine.h"
#include "observe/decision_log.h"

static const struct option_spec own_options[] = {
    {"trace", "FILE", "requests to replay; - is standard input"},
    {"config", "FILE", "configuration file"},
    {"decision-log", "FILE", "write every decision as a JSON line a step"},
    {"tables", NULL, "with --decision-log: add the block tables"},
    {"reference", NULL, "use the plain step-by-step scheduler"},
    {"check", NULL, "walk all invariants after every step (slow)"},
};

static const struct command_spec spec = {
    .usage = "pagesim replay --trace FILE [--config FILE] [options]",
    .description = "Run a trace through a scheduler and report latency, memory and fragmentation.\n",
    .options = own_options,
    .option_count = sizeof own_options / sizeof *own_options,
    .takes_config = true,
    .examples = "  pagesim replay --trace traces/chat.jsonl --num-gpu-blocks 2000\n",
};

static enum status write_log(void *self, const char *text, size_t length, struct diag *diag)
{
    return text_writer_write(self, text, length, diag);
}

static enum status run(const struct options *options, const struct trace *trace, const struct config *config, struct diag *diag)
{
    struct step_time_model *model = NULL;
    struct decision_log *log = NULL;
    struct text_writer *writer = NULL;
    struct observer observers[4];
    size_t count = 0;
    enum status status = step_time_create(config, &model, diag);
    const char *path = options_value(options, "decision-log");
    if (status == SIM_OK && path) {
        status = text_writer_open(path, &writer, diag);
        struct log_sink sink = {.self = writer, .write = write_log};
        struct decision_log_options how = {.tables = options_has(options, "tables"), .groups = config->scheduler == SCHEDULER_VLLM_V0};
        if (status == SIM_OK)
            status = decision_log_create(trace, &how, &sink, &log, diag);
        if (status == SIM_OK)
            observers[count++] = decision_log_observer(log);
    }
    struct replay_options how = {.reference = options_has(options, "reference"), .check = options_has(options, "check")};
    struct replay_facts facts;
    if (status == SIM_OK)
        status = replay_run(trace, config, model, observers, count, &how, &facts, diag);
    if (status == SIM_OK && writer) {
        status = text_writer_commit(writer, diag);
        writer = NULL;
    }
    if (status == SIM_OK)
        printf("steps %llu\n", (unsigned long long)facts.end.steps);
    text_writer_discard(writer);
    decision_log_destroy(log);
    step_time_destroy(model);
    return status;
}

enum status cmd_replay(int argc, char **argv, struct diag *diag)
{
    struct options options;
    enum status status = options_parse(&spec, argc, argv, &options, diag);
    if (status != SIM_OK)
        return status;
    if (options.help) {
        options_print_help(&spec, stdout);
        return SIM_OK;
    }
    struct config config;
    struct trace *trace = NULL, *expanded = NULL;
    struct trace_selection selection = trace_select_all();
    status = config_load(options_value(&options, "config"), options.config, options.config_count, &config, diag);
    if (status == SIM_OK)
        status = trace_load(options_value(&options, "trace"), &selection, &trace, diag);
    if (status == SIM_OK && config.scheduler == SCHEDULER_VLLM_V1 && trace->samples)
        status = trace_expand_samples(trace, &expanded, diag);
    if (status == SIM_OK)
        status = run(&options, expanded ? expanded : trace, &config, diag);
    trace_destroy(expanded);
    trace_destroy(trace);
    return status;
}
