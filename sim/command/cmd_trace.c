/* cmd_trace.c - `pagesim trace info` (first half) and `pagesim trace gen` (second half). Read observe/trace_facts.h for the former and
 * trace/trace_generate.h for the latter. */
#include <stdio.h>
#include <string.h>

#include "base/text_writer.h"
#include "command/command.h"
#include "command/generate_options.h"
#include "report/trace_report.h"
#include "trace/trace_generate.h"

/* --- info ------------------------------------------------------------------------------------------------------------------------ */

static const struct option_spec info_options[] = {
    OUTPUT_OPTIONS,
    {"trace-block-size", "TOKENS", "tokens named by one hash id [512]"},
};

/* Reads the whole trace, as a selection would change what is described. Options are read before the file, whose name is positional here
 * because there is nothing else to give. */
static enum status run_info(void *self, struct diag *diag)
{
    const struct call *call = self;
    const struct options *options = &call->options;
    struct trace *trace;
    struct trace_facts facts;
    const struct trace_selection all = trace_select_all();
    const uint32_t width = (uint32_t)options_uint(options, "trace-block-size", 1, 1000000000, 512, diag);
    if (options->positional_count != 1)
        diag_set(diag, SIM_USAGE, "one trace file is needed: %s", options->command->usage);
    if (diag->status != SIM_OK || trace_load(options->positional[0], &all, &trace, diag) != SIM_OK)
        return diag->status;
    enum status status = trace_facts_collect(trace, width, &facts, diag);
    if (status == SIM_OK) {
        const struct document_origin origin = output_origin(options, trace->name, NULL);
        status = output_document(&call->form, trace_report(trace, &facts, width, &origin), diag);
    }
    trace_destroy(trace);
    return status;
}

static const struct command command_info = {
    .name = "trace info",
    .usage = "pagesim trace info FILE [--format json]",
    .description = "Describe a trace: requests, lengths, rate, and how much the prompts share.\n",
    OPTIONS(info_options),
    .examples = "  pagesim trace info traces/chat.jsonl --trace-block-size 16\n",
    .tables = {"lengths"},
    .run = run_info,
};

/* --- gen ------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec gen_options[] = {
    GENERATE_OPTIONS,
    {"seed", "N", "the same seed gives the same bytes [0]"},
    {"repeat", "FILE", "instead of a kind: write this trace several times, one copy after the other"},
    {"times", "N", "with --repeat: how many copies [2]"},
    {"gap-ms", "MS", "with --repeat: from one copy's last request to the next's first [mean gap]"},
    {"output", "FILE", "- is standard output [-]"},
};

/* Without --gap-ms the copies follow each other at the trace's mean gap, which keeps its rate. Repeating makes a long trace with the
 * statistics of a short one, which is how replays of a million requests are made. Milliseconds become nanoseconds; -1 asks for the mean
 * gap. */
static enum status repeat(const struct options *options, FILE *file, struct diag *diag)
{
    struct trace *trace;
    const struct trace_selection all = trace_select_all();
    const uint32_t times = (uint32_t)options_uint(options, "times", 1, 100000, 2, diag);
    const double gap_ms = options_double(options, "gap-ms", 0, 1e9, 0, diag);
    if (diag->status != SIM_OK || trace_load(options_value(options, "repeat"), &all, &trace, diag) != SIM_OK)
        return diag->status;
    trace_repeat(trace, times, options_has(options, "gap-ms") ? (int64_t)(gap_ms * 1e6) : -1, file);
    trace_destroy(trace);
    return SIM_OK;
}

/* The generators print to a FILE. This one passes the text to a text_writer, which renames its file only when it is complete. `diag` is
 * kept for write_stream(), which the C library calls and which cannot be given one. */
struct gen_job {
    struct call call;
    struct generated_spec spec;
    struct text_writer *writer;
    struct diag *diag;
};

/* Returning less than was given is how a cookie stream reports an error. */
static ssize_t write_stream(void *cookie, const char *text, size_t length)
{
    struct gen_job *job = cookie;
    return text_writer_write(job->writer, text, length, job->diag) == SIM_OK ? (ssize_t)length : 0;
}

/* Options of the other mode are refused: a --gap-ms without --repeat would be ignored without a word. */
static enum status read_gen(void *self, struct diag *diag)
{
    struct gen_job *job = self;
    const struct options *options = &job->call.options;
    if (options_has(options, "repeat"))
        return options->positional_count == 0
                   ? SIM_OK
                   : diag_set(diag, SIM_USAGE, "either a kind or --repeat FILE; \"%s\" is one too many", options->positional[0]);
    if (options_has(options, "times") || options_has(options, "gap-ms"))
        return diag_set(diag, SIM_USAGE, "--times and --gap-ms belong to --repeat FILE");
    if (options->positional_count != 1)
        return diag_set(diag, SIM_USAGE, "one kind is needed: chat, code, long or uniform (or --repeat FILE)");
    if (generate_options_read(options, options->positional[0], &job->spec, diag) == SIM_OK)
        job->spec.seed = options_uint(options, "seed", 0, UINT64_MAX, 0, diag);
    return diag->status;
}

/* A write that fails sets diag, and the FILE may not notice before it is closed, so diag has the last word. */
static enum status write_gen(struct gen_job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    FILE *file = fopencookie(job, "w", (cookie_io_functions_t){.write = write_stream});
    if (!file)
        return diag_no_memory(diag, 4096, "the output");
    enum status status = options_has(options, "repeat") ? repeat(options, file, diag) : trace_generate(&job->spec, file, diag);
    if (fclose(file) != 0 && status == SIM_OK)
        status = diag_set(diag, SIM_FAILED, "the trace cannot be written");
    return status == SIM_OK ? diag->status : status;
}

/* Nothing appears under the name until the trace is whole, so a replay never reads half a trace. */
static enum status run_gen(void *self, struct diag *diag)
{
    struct gen_job *job = self;
    const char *path = options_value(&job->call.options, "output");
    job->diag = diag;
    enum status status = text_writer_open(path ? path : "-", &job->writer, diag);
    if (status == SIM_OK)
        status = write_gen(job, diag);
    if (status == SIM_OK)
        return text_writer_commit(job->writer, diag);
    text_writer_discard(job->writer);
    return status;
}

static const struct command command_gen = {
    .name = "trace gen",
    .usage = "pagesim trace gen KIND [options] | pagesim trace gen --repeat FILE",
    .description = "Make a trace. KIND is chat (shared system prompts, growing sessions), code\n"
                   "(bursts of completions on one file), long (long prompts and outputs) or\n"
                   "uniform.\n"
                   "Hash ids name 16 tokens each: replay with --trace-block-size 16.\n",
    OPTIONS(gen_options),
    .examples = "  pagesim trace gen chat --requests 400 --seed 1 --output traces/chat.jsonl\n"
                "  pagesim trace gen --repeat azure.csv --times 52 --output million.jsonl\n",
    .job_size = sizeof(struct gen_job),
    .read = read_gen,
    .run = run_gen,
};

/* The word `trace` was taken off already; argv[1] is the subcommand, and what follows is its own command line. */
enum status command_run_trace(int argc, char **argv, struct diag *diag)
{
    if (argc >= 2 && strcmp(argv[1], "info") == 0)
        return command_run(&command_info, argc - 1, argv + 1, diag);
    if (argc >= 2 && strcmp(argv[1], "gen") == 0)
        return command_run(&command_gen, argc - 1, argv + 1, diag);
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("usage: %s\n       %s\n\nEach has its own --help.\n", command_info.usage, command_gen.usage);
        return SIM_OK;
    }
    return diag_set(diag, SIM_USAGE, "`pagesim trace info FILE` or `pagesim trace gen KIND` is needed");
}
