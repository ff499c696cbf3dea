/* cmd_trace.c - `pagesim trace info` (first half) and `pagesim trace gen` (second half). Read observe/trace_facts.h for the former and
 * trace/trace_generate.h for the latter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"
#include "command/command.h"
#include "command/generate_options.h"
#include "command/output.h"
#include "report/trace_report.h"
#include "trace/trace_generate.h"

/* --- info ------------------------------------------------------------------------------------------------------------------------ */

static const struct option_spec info_options[] = {
    OUTPUT_OPTIONS,
    {"trace-block-size", "TOKENS", "tokens named by one hash id [512]"},
};

static const struct command_spec info_spec = {
    .name = "trace info",
    .usage = "pagesim trace info FILE [--format json]",
    .description = "Describe a trace: requests, lengths, rate, and how much the prompts share.\n",
    .options = info_options,
    .option_count = sizeof info_options / sizeof *info_options,
    .examples = "  pagesim trace info traces/chat.jsonl --trace-block-size 16\n",
};

/* Reads the whole trace, as a selection would change what is described. */
static enum status trace_info(int argc, char **argv, struct diag *diag)
{
    static const char *const tables[] = {"lengths", NULL};
    struct options options;
    struct output_form form;
    uint64_t width;
    enum status status;
    if (options_done(&info_spec, argc, argv, &options, &status, diag))
        return status;
    status = output_form_read(&options, NULL, tables, &form, diag);
    if (status == SIM_OK)
        status = options_uint(&options, "trace-block-size", 1, 1000000000, 512, &width, diag);
    if (status == SIM_OK && options.positional_count != 1)
        status = diag_set(diag, SIM_USAGE, "one trace file is needed: %s", info_spec.usage);
    if (status != SIM_OK)
        return status;
    struct trace *trace;
    struct trace_facts facts;
    struct trace_selection all = trace_select_all();
    status = trace_load(options.positional[0], &all, &trace, diag);
    if (status != SIM_OK)
        return status;
    status = trace_facts_collect(trace, (uint32_t)width, &facts, diag);
    if (status == SIM_OK) {
        struct document_origin origin = output_origin(&options);
        origin.trace = trace->name;
        status = output_document(&form, trace_report(trace, &facts, (uint32_t)width, &origin), diag);
    }
    trace_destroy(trace);
    return status;
}

/* --- gen ------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec gen_options[] = {
    GENERATE_OPTIONS,
    {"seed", "N", "the same seed gives the same bytes [0]"},
    {"repeat", "FILE", "instead of a kind: write this trace several times, one copy after the other"},
    {"times", "N", "with --repeat: how many copies [2]"},
    {"gap-ms", "MS", "with --repeat: from one copy's last request to the next's first [mean gap]"},
    {"output", "FILE", "- is standard output [-]"},
};

static const struct command_spec gen_spec = {
    .name = "trace gen",
    .usage = "pagesim trace gen KIND [options] | pagesim trace gen --repeat FILE",
    .description = "Make a trace. KIND is chat (shared system prompts, growing sessions), code\n"
                   "(bursts of completions on one file), long (long prompts and outputs) or\n"
                   "uniform.\n"
                   "Hash ids name 16 tokens each: replay with --trace-block-size 16.\n",
    .options = gen_options,
    .option_count = sizeof gen_options / sizeof *gen_options,
    .examples = "  pagesim trace gen chat --requests 400 --seed 1 --output traces/chat.jsonl\n"
                "  pagesim trace gen --repeat azure.csv --times 52 --output million.jsonl\n",
};

static enum status read_spec(const struct options *options, struct generated_spec *spec, struct diag *diag)
{
    if (options->positional_count != 1)
        return diag_set(diag, SIM_USAGE, "one kind is needed: chat, code, long or uniform (or --repeat FILE)");
    enum status status = generate_options_read(options, options->positional[0], spec, diag);
    return status == SIM_OK ? options_uint(options, "seed", 0, UINT64_MAX, 0, &spec->seed, diag) : status;
}

/* Without --gap-ms the copies follow each other at the trace's mean gap, which keeps its rate. */
static enum status repeat(const struct options *options, FILE *file, struct diag *diag)
{
    uint64_t times;
    double gap_ms = 0;
    struct trace *trace;
    struct trace_selection all = trace_select_all();
    enum status status = options_uint(options, "times", 1, 100000, 2, &times, diag);
    if (status == SIM_OK)
        status = options_double(options, "gap-ms", 0, 1e9, 0, &gap_ms, diag);
    if (status == SIM_OK)
        status = trace_load(options_value(options, "repeat"), &all, &trace, diag);
    if (status != SIM_OK)
        return status;
    trace_repeat(trace, (uint32_t)times, options_has(options, "gap-ms") ? (int64_t)(gap_ms * 1e6) : -1, file);
    trace_destroy(trace);
    return SIM_OK;
}

/* The generators print to a FILE. This one passes the text to a text_writer, which renames its file only when it is complete. */
struct stream {
    struct text_writer *writer;
    struct diag *diag;
};

static ssize_t write_stream(void *cookie, const char *text, size_t length)
{
    struct stream *stream = cookie;
    return text_writer_write(stream->writer, text, length, stream->diag) == SIM_OK ? (ssize_t)length : 0;
}

static enum status check_gen(const struct options *options, struct generated_spec *spec, struct diag *diag)
{
    if (options_has(options, "repeat"))
        return options->positional_count == 0
                   ? SIM_OK
                   : diag_set(diag, SIM_USAGE, "either a kind or --repeat FILE; \"%s\" is one too many", options->positional[0]);
    if (options_has(options, "times") || options_has(options, "gap-ms"))
        return diag_set(diag, SIM_USAGE, "--times and --gap-ms belong to --repeat FILE");
    return read_spec(options, spec, diag);
}

/* A write that fails sets diag, and the FILE may not notice before it is closed, so diag has the last word. */
static enum status write_gen(const struct options *options, const struct generated_spec *spec, struct stream *stream, struct diag *diag)
{
    FILE *file = fopencookie(stream, "w", (cookie_io_functions_t){.write = write_stream});
    if (!file)
        return diag_no_memory(diag, 4096, "the output");
    enum status status = options_has(options, "repeat") ? repeat(options, file, diag) : trace_generate(spec, file, diag);
    if (fclose(file) != 0 && status == SIM_OK)
        status = diag_set(diag, SIM_FAILED, "the trace cannot be written");
    return status == SIM_OK ? diag->status : status;
}

static enum status trace_gen(int argc, char **argv, struct diag *diag)
{
    struct options options;
    struct generated_spec spec;
    struct stream stream = {.diag = diag};
    enum status status;
    if (options_done(&gen_spec, argc, argv, &options, &status, diag))
        return status;
    const char *path = options_value(&options, "output");
    status = check_gen(&options, &spec, diag);
    if (status == SIM_OK)
        status = text_writer_open(path ? path : "-", &stream.writer, diag);
    if (status == SIM_OK)
        status = write_gen(&options, &spec, &stream, diag);
    if (status == SIM_OK)
        return text_writer_commit(stream.writer, diag);
    text_writer_discard(stream.writer);
    return status;
}

enum status cmd_trace(int argc, char **argv, struct diag *diag)
{
    if (argc >= 2 && strcmp(argv[1], "info") == 0)
        return trace_info(argc - 1, argv + 1, diag);
    if (argc >= 2 && strcmp(argv[1], "gen") == 0)
        return trace_gen(argc - 1, argv + 1, diag);
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("usage: %s\n       %s\n\nEach has its own --help.\n", info_spec.usage, gen_spec.usage);
        return SIM_OK;
    }
    return diag_set(diag, SIM_USAGE, "`pagesim trace info FILE` or `pagesim trace gen KIND` is needed");
}
