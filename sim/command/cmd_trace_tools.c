/* cmd_trace_tools.c - the tools that turn traces into a trace: convert, head, sample, filter, scale, merge, anonymise. Read run_tool first,
 * which is the way of each of them:
 *
 *     options of reading -> the tool's selection -> load -> its edit (trace/trace_edit.h) -> write (trace/trace_write.h)
 *
 * A tool is a table of options and at most two short functions. Nothing appears under the output's name until the trace is whole, so a tool may
 * write over the file that it reads. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "command/command.h"
#include "command/read_options.h"
#include "trace/trace_block_size.h"
#include "trace/trace_edit.h"
#include "trace/trace_write.h"

#define TOOL_OPTIONS                                                                                                                       \
    READ_OPTIONS,                                                                                                                          \
    {                                                                                                                                      \
        "output", "FILE", "- is standard output [-]"                                                                                       \
    }

/* What is a tool's own. NULL: nothing. */
struct tool {
    void (*select)(const struct options *options, struct trace_selection *selection, struct diag *diag); /* errors go to diag */
    enum status (*edit)(const struct options *options, struct trace **trace, struct diag *diag);
};

/* --- the frame ---------------------------------------------------------------------------------------------------------------------- */

static enum status write_whole(const struct options *options, const struct trace *trace, struct diag *diag)
{
    struct text_writer *writer;
    const char *path = options_value(options, "output");
    enum status status = text_writer_open(path ? path : "-", &writer, diag);
    if (status != SIM_OK)
        return status;
    status = trace_write(trace, writer, diag);
    if (status == SIM_OK)
        return text_writer_commit(writer, diag);
    text_writer_discard(writer);
    return status;
}

static enum status load(const struct options *options, const char *path, const struct trace_selection *selection, struct trace **out,
                        struct diag *diag)
{
    struct trace *trace = NULL;
    enum status status = trace_load(path, selection, &trace, diag);
    if (status == SIM_OK)
        status = read_options_tell(options, trace, diag);
    if (status == SIM_OK)
        *out = trace;
    else
        trace_destroy(trace); /* --strict refused it */
    return status;
}

/* What can be wrong with the command line is found before the file is read. */
static enum status run_tool(const struct options *options, const struct tool *tool, struct diag *diag)
{
    struct trace *trace;
    struct read_names names;
    struct trace_selection selection = trace_select_all();
    selection.keep_ids = true;
    if (options->positional_count != 1)
        return diag_set(diag, SIM_USAGE, "one trace file is needed: %s", options->command->usage);
    if (read_options_take(options, &selection, &names, diag) != SIM_OK)
        return diag->status;
    if (tool->select)
        tool->select(options, &selection, diag);
    if (diag->status != SIM_OK || load(options, options->positional[0], &selection, &trace, diag) != SIM_OK)
        return diag->status;
    enum status status = tool->edit ? tool->edit(options, &trace, diag) : SIM_OK;
    if (status == SIM_OK)
        status = write_whole(options, trace, diag);
    trace_destroy(trace);
    return status;
}

/* --- convert ------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec options_of_convert[] = {TOOL_OPTIONS};

static enum status run_convert(void *self, struct diag *diag)
{
    static const struct tool tool = {0};
    return run_tool(&((const struct call *)self)->options, &tool, diag);
}

const struct command command_trace_convert = {
    .name = "trace convert",
    .usage = "pagesim trace convert FILE [--output FILE]",
    .description = "Write a trace of any format as pagesim JSONL, in order of arrival. Nothing that\n"
                   "pagesim reads is lost: times to the nanosecond, hash ids, sessions.\n",
    OPTIONS(options_of_convert),
    .examples = "  pagesim trace convert azure.csv --output azure.jsonl\n",
    .run = run_convert,
};

/* --- head ---------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec options_of_head[] = {{"n", "N", "how many requests [10]"}, TOOL_OPTIONS};

static void select_head(const struct options *options, struct trace_selection *selection, struct diag *diag)
{
    selection->limit = options_uint(options, "n", 1, UINT32_MAX, 10, diag);
}

static enum status run_head(void *self, struct diag *diag)
{
    static const struct tool tool = {.select = select_head};
    return run_tool(&((const struct call *)self)->options, &tool, diag);
}

const struct command command_trace_head = {
    .name = "trace head",
    .usage = "pagesim trace head FILE [-n N]",
    .description = "Write the first requests of a file as pagesim JSONL.\n",
    OPTIONS(options_of_head),
    .examples = "  pagesim trace head traces/chat.jsonl -n 100 --output short.jsonl\n",
    .run = run_head,
};

/* --- sample --------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec options_of_sample[] = {
    {"share", "P", "probability of each session, above 0 and at most 1; needed"},
    {"seed", "N", "the same seed keeps the same sessions [0]"},
    TOOL_OPTIONS,
};

static void select_sample(const struct options *options, struct trace_selection *selection, struct diag *diag)
{
    selection->seed = options_uint(options, "seed", 0, UINT64_MAX, 0, diag);
    if (!options_has(options, "share"))
        diag_set(diag, SIM_USAGE, "--share P is needed, the part of the sessions to keep: 0.1 is a tenth");
    options_double(options, "share", 1e-9, 1, 1, diag);
}

static enum status edit_sample(const struct options *options, struct trace **trace, struct diag *diag)
{
    return trace_sample(trace, options_double(options, "share", 1e-9, 1, 1, diag), options_uint(options, "seed", 0, UINT64_MAX, 0, diag),
                        diag);
}

static enum status run_sample(void *self, struct diag *diag)
{
    static const struct tool tool = {.select = select_sample, .edit = edit_sample};
    return run_tool(&((const struct call *)self)->options, &tool, diag);
}

const struct command command_trace_sample = {
    .name = "trace sample",
    .usage = "pagesim trace sample FILE --share P [--seed S]",
    .description = "Keep a part of the sessions at random, each with all of its turns. A request\n"
                   "without a session is one by itself. Times stay, so the rate falls.\n",
    OPTIONS(options_of_sample),
    .examples = "  pagesim trace sample big.jsonl --share 0.1 --seed 1 --output tenth.jsonl\n",
    .run = run_sample,
};

/* --- filter --------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec options_of_filter[] = {
    {"from", "SECONDS", "keep arrivals from this time on"},
    {"to", "SECONDS", "keep arrivals before this time"},
    {"keep-input", "A:B", "keep prompts of A to B tokens"},
    {"keep-output", "A:B", "keep outputs of A to B tokens"},
    {"keep-priority", "A:B", "keep priorities from A to B"},
    {"keep-session", "NAME", "keep this session; may be repeated", OPTION_AGAIN},
    TOOL_OPTIONS,
};

/* Priorities may be negative. */
static void read_priorities(const struct options *options, struct trace_filter *filter, struct diag *diag)
{
    const char *text = options_value(options, "keep-priority");
    char *colon, *end = NULL;
    if (!text)
        return;
    const long least = strtol(text, &colon, 10), most = *colon == ':' ? strtol(colon + 1, &end, 10) : 0;
    if (colon == text || !end || end == colon + 1 || *end != '\0' || least < INT32_MIN || most > INT32_MAX || least > most) {
        diag_set(diag, SIM_USAGE, "--keep-priority %s: must be A:B with A <= B, such as -1:0", text);
        return;
    }
    filter->priority_least = (int32_t)least;
    filter->priority_most = (int32_t)most;
}

static struct trace_filter read_filter(const struct options *options, const char *sessions[OPTIONS_MOST], struct diag *diag)
{
    struct trace_filter filter = {
        .input_most = UINT32_MAX, .output_most = UINT32_MAX, .priority_least = INT32_MIN, .priority_most = INT32_MAX, .sessions = sessions};
    uint32_t next = 0;
    read_range_option(options, "keep-input", &filter.input_least, &filter.input_most, diag);
    read_range_option(options, "keep-output", &filter.output_least, &filter.output_most, diag);
    read_priorities(options, &filter, diag);
    for (const char *name; (name = options_next(options, "keep-session", &next)) != NULL;)
        sessions[filter.session_count++] = name;
    return filter;
}

static void select_filter(const struct options *options, struct trace_selection *selection, struct diag *diag)
{
    const char *sessions[OPTIONS_MOST];
    read_times_options(options, selection, diag);
    read_filter(options, sessions, diag);
}

static enum status edit_filter(const struct options *options, struct trace **trace, struct diag *diag)
{
    const char *sessions[OPTIONS_MOST];
    const struct trace_filter filter = read_filter(options, sessions, diag);
    return trace_filter(trace, &filter, diag);
}

static enum status run_filter(void *self, struct diag *diag)
{
    static const struct tool tool = {.select = select_filter, .edit = edit_filter};
    return run_tool(&((const struct call *)self)->options, &tool, diag);
}

const struct command command_trace_filter = {
    .name = "trace filter",
    .usage = "pagesim trace filter FILE [--from S] [--to S] [--keep-... A:B]",
    .description = "Keep the requests that meet all of what is asked. Times stay as they are. A\n"
                   "turn whose earlier turns are left out begins its session.\n",
    OPTIONS(options_of_filter),
    .examples = "  pagesim trace filter azure.csv --from 600 --to 1200 --keep-input 1:4096\n",
    .run = run_filter,
};

/* --- scale ---------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec options_of_scale[] = {
    {"times", "R", "times and delays become R times as long [1]"},
    {"lengths", "R", "prompts and outputs become R times as long [1]"},
    {"trace-block-size", "TOKENS", "tokens named by one hash id [what the file says]"},
    TOOL_OPTIONS,
};

/* The same numbers are read twice, so that a wrong one costs no reading of the file. */
static void read_ratios(const struct options *options, double *times, double *lengths, uint32_t *wanted, struct diag *diag)
{
    *times = options_double(options, "times", 1e-6, 1e6, 1, diag);
    *lengths = options_double(options, "lengths", 1e-6, 1e6, 1, diag);
    *wanted = (uint32_t)options_uint(options, "trace-block-size", 1, 1000000000, 0, diag);
}

static void select_scale(const struct options *options, struct trace_selection *selection, struct diag *diag)
{
    double times, lengths;
    uint32_t wanted;
    (void)selection;
    read_ratios(options, &times, &lengths, &wanted, diag);
}

static enum status edit_scale(const struct options *options, struct trace **trace, struct diag *diag)
{
    double times, lengths;
    uint32_t wanted, block_tokens = 0;
    bool inferred;
    read_ratios(options, &times, &lengths, &wanted, diag);
    enum status status = trace_block_size_choose(*trace, wanted, &block_tokens, &inferred, diag);
    return status == SIM_OK ? trace_scale(*trace, times, lengths, block_tokens, diag) : status;
}

static enum status run_scale(void *self, struct diag *diag)
{
    static const struct tool tool = {.select = select_scale, .edit = edit_scale};
    return run_tool(&((const struct call *)self)->options, &tool, diag);
}

const struct command command_trace_scale = {
    .name = "trace scale",
    .usage = "pagesim trace scale FILE [--times R] [--lengths R]",
    .description = "Make a trace slower or faster, and its requests longer or shorter. A hash id\n"
                   "then names R times as many tokens, so prompts share the same part as before.\n",
    OPTIONS(options_of_scale),
    .examples = "  pagesim trace scale traces/chat.jsonl --times 0.5 --lengths 2\n",
    .run = run_scale,
};

/* --- merge ---------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec options_of_merge[] = {
    {"trace-block-size", "TOKENS", "tokens named by one hash id [what the files say]"},
    TOOL_OPTIONS,
};

static enum status load_all(const struct options *options, struct trace **traces, uint32_t *block_tokens, struct diag *diag)
{
    struct read_names names;
    struct trace_selection selection = trace_select_all();
    const uint32_t wanted = (uint32_t)options_uint(options, "trace-block-size", 1, 1000000000, 0, diag);
    bool inferred;
    if (read_options_take(options, &selection, &names, diag) != SIM_OK)
        return diag->status;
    for (uint32_t i = 0; i < options->positional_count && diag->status == SIM_OK; i++)
        if (load(options, options->positional[i], &selection, &traces[i], diag) == SIM_OK &&
            trace_block_size_choose(traces[i], wanted, &block_tokens[i], &inferred, diag) != SIM_OK)
            break;
    return diag->status;
}

static enum status run_merge(void *self, struct diag *diag)
{
    const struct options *options = &((const struct call *)self)->options;
    const uint32_t count = options->positional_count;
    struct trace **traces = NULL, *merged = NULL;
    uint32_t *block_tokens = NULL;
    if (count < 2)
        return diag_set(diag, SIM_USAGE, "two or more trace files are needed: %s", options->command->usage);
    const struct array_request arrays[] = {ARRAY_OF(traces, count), ARRAY_OF(block_tokens, count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "traces", diag);
    if (status == SIM_OK)
        status = load_all(options, traces, block_tokens, diag);
    if (status == SIM_OK)
        status = trace_merge(traces, block_tokens, count, &merged, diag);
    if (status == SIM_OK)
        status = write_whole(options, merged, diag);
    trace_destroy(merged);
    for (uint32_t i = 0; traces && i < count; i++)
        trace_destroy(traces[i]);
    free(traces);
    free(block_tokens);
    return status;
}

const struct command command_trace_merge = {
    .name = "trace merge",
    .usage = "pagesim trace merge FILE FILE... [--output FILE]",
    .description = "Put the requests of several traces into one, by time. Hash ids and sessions of\n"
                   "different files stay apart: ids get new numbers, sessions new names where two\n"
                   "files have the same.\n",
    OPTIONS(options_of_merge),
    .examples = "  pagesim trace merge chat.jsonl code.jsonl --output both.jsonl\n",
    .run = run_merge,
};

/* --- anonymise ------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec options_of_anonymise[] = {TOOL_OPTIONS};

static enum status edit_anonymise(const struct options *options, struct trace **trace, struct diag *diag)
{
    (void)options;
    return trace_anonymise(*trace, diag);
}

static enum status run_anonymise(void *self, struct diag *diag)
{
    static const struct tool tool = {.edit = edit_anonymise};
    return run_tool(&((const struct call *)self)->options, &tool, diag);
}

const struct command command_trace_anonymise = {
    .name = "trace anonymise",
    .usage = "pagesim trace anonymise FILE [--output FILE]",
    .description = "Number hash ids and sessions anew, let times start at 0, and leave out every\n"
                   "field that a replay does not need. Replays are the same as before.\n",
    OPTIONS(options_of_anonymise),
    .examples = "  pagesim trace anonymise mine.jsonl --output for_others.jsonl\n",
    .run = run_anonymise,
};
