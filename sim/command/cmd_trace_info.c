/* cmd_trace_info.c - `pagesim trace info`: what a trace is. Read study/trace_facts.h first for the numbers. */
#include "command/command.h"
#include "command/read_options.h"
#include "report/trace_report.h"
#include "trace/trace_block_size.h"

static const struct option_spec options_of_info[] = {
    OUTPUT_OPTIONS,
    READ_OPTIONS,
    {"trace-block-size", "TOKENS", "tokens named by one hash id [what the file says, else what its rows allow]"},
};

/* The whole trace is read, as a selection would change what is described. */
static enum status run_info(void *self, struct diag *diag)
{
    const struct call *call = self;
    const struct options *options = &call->options;
    struct trace *trace;
    struct trace_facts facts;
    struct read_names names;
    struct trace_selection all = trace_select_all();
    uint32_t width = 0;
    bool inferred = false;
    if (read_options_take(options, &all, &names, diag) != SIM_OK)
        return diag->status;
    const uint32_t wanted = (uint32_t)options_uint(options, "trace-block-size", 1, 1000000000, 0, diag);
    if (options->positional_count != 1)
        diag_set(diag, SIM_USAGE, "one trace file is needed: %s", options->command->usage);
    if (diag->status != SIM_OK || trace_load(options->positional[0], &all, &trace, diag) != SIM_OK)
        return diag->status;
    enum status status = read_options_tell(options, trace, diag);
    if (status == SIM_OK)
        status = trace_block_size_choose(trace, wanted, &width, &inferred, diag);
    if (status == SIM_OK)
        status = trace_facts_collect(trace, width, &facts, diag);
    if (status == SIM_OK) {
        const struct document_origin origin = output_origin(options, trace->name, NULL);
        status = output_document(&call->form, trace_report(trace, &facts, width, inferred, &origin), diag);
    }
    trace_destroy(trace);
    return status;
}

const struct command command_trace_info = {
    .name = "trace info",
    .usage = "pagesim trace info FILE [--format json]",
    .description = "Describe a trace: its format, requests, lengths, rate and bursts, sessions, and\n"
                   "how much the prompts share and how far apart.\n",
    OPTIONS(options_of_info),
    .examples = "  pagesim trace info traces/chat.jsonl --trace-block-size 16\n",
    .tables = {"lengths", "reuse"},
    .run = run_info,
};
