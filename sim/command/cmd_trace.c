/* cmd_trace.c - `pagesim trace info` and `pagesim trace gen`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text_file.h"
#include "base/units.h"
#include "command/command.h"
#include "command/generate_options.h"
#include "command/options.h"
#include "observe/trace_facts.h"
#include "trace/trace_generate.h"

/* --- info ------------------------------------------------------------------------------------------------------------------------ */

static const struct option_spec info_options[] = {
    {"format", "FORMAT", "table or json [table]"},
    {"trace-block-size", "TOKENS", "tokens named by one hash id [512]"},
};

static const struct command_spec info_spec = {
    .usage = "pagesim trace info FILE [--format json]",
    .description = "Say what a trace is: requests, lengths, rate, and how much prompts share.\n",
    .options = info_options,
    .option_count = sizeof info_options / sizeof *info_options,
    .examples = "  pagesim trace info traces/chat.jsonl --trace-block-size 16\n",
};

static double reusable_share(const struct trace_facts *facts)
{
    return facts->input_tokens ? (double)facts->reusable_tokens / (double)facts->input_tokens : 0;
}

static void print_lengths(const char *name, const struct figures *figures)
{
    printf("%-8s %10.1f %8.0f %8.0f %8.0f %8.0f %8.0f\n", name, figures->mean, figures->min, figures->median, figures->p90, figures->p99,
           figures->max);
}

static void print_info(const struct trace *trace, const struct trace_facts *facts, uint32_t width)
{
    char a[UNIT_TEXT], b[UNIT_TEXT];
    printf("%s: %s requests in %s", trace->name, unit_count(trace->count, a), unit_seconds(facts->duration_s, b));
    printf(" (%.3f a second)\n", facts->requests_per_s);
    printf("%s prompt and %s output tokens\n", unit_count(facts->input_tokens, a), unit_count(facts->output_tokens, b));
    printf("%-8s %10s %8s %8s %8s %8s %8s\n", "tokens", "mean", "min", "median", "p90", "p99", "max");
    print_lengths("prompt", &facts->input);
    print_lengths("output", &facts->output);
    if (facts->with_priority + facts->with_samples + facts->with_beams > 0)
        printf("with priority %u, with samples %u, with beams %u\n", facts->with_priority, facts->with_samples, facts->with_beams);
    if (facts->hash_references == 0) {
        puts("no hash ids: prompts share nothing that could be seen");
        return;
    }
    printf("%s hash ids, %s distinct, %u tokens each\n", unit_count(facts->hash_references, a), unit_count(facts->distinct_hashes, b),
           width);
    printf("at most %.2f %% of the prompt tokens can be prefix hits (whole trace blocks, a\ncache that never evicts)\n",
           100 * reusable_share(facts));
}

static enum status print_info_json(const struct trace *trace, const struct trace_facts *facts, uint32_t width, struct diag *diag)
{
    struct json_text json;
    json_text_init(&json, true);
    json_open_object(&json);
    json_put_string(&json, "trace", trace->name);
    json_put_uint(&json, "requests", trace->count);
    json_put_double(&json, "duration_s", facts->duration_s);
    json_put_double(&json, "requests_per_s", facts->requests_per_s);
    json_put_uint(&json, "input_tokens", facts->input_tokens);
    json_put_uint(&json, "output_tokens", facts->output_tokens);
    json_put_double(&json, "mean_input_tokens", facts->input.mean);
    json_put_double(&json, "p99_input_tokens", facts->input.p99);
    json_put_double(&json, "max_input_tokens", facts->input.max);
    json_put_double(&json, "mean_output_tokens", facts->output.mean);
    json_put_double(&json, "p99_output_tokens", facts->output.p99);
    json_put_double(&json, "max_output_tokens", facts->output.max);
    json_put_uint(&json, "trace_block_size", width);
    json_put_uint(&json, "hash_references", facts->hash_references);
    json_put_uint(&json, "distinct_hashes", facts->distinct_hashes);
    json_put_uint(&json, "reusable_tokens", facts->reusable_tokens);
    json_put_double(&json, "reusable_share", reusable_share(facts));
    json_close_object(&json);
    enum status status = json_text_status(&json, diag);
    if (status == SIM_OK)
        puts(json.text);
    json_text_deinit(&json);
    return status;
}

static enum status trace_info(int argc, char **argv, struct diag *diag)
{
    struct options options;
    uint64_t width;
    enum status status;
    if (options_done(&info_spec, argc, argv, &options, &status, diag))
        return status;
    if (status == SIM_OK)
        status = options_uint(&options, "trace-block-size", 1, 1000000000, 512, &width, diag);
    if (status == SIM_OK && options.positional_count != 1)
        status = diag_set(diag, SIM_USAGE, "one trace file is needed: %s", info_spec.usage);
    const char *format = options_value(&options, "format") ? options_value(&options, "format") : "table";
    if (status == SIM_OK && strcmp(format, "table") != 0 && strcmp(format, "json") != 0)
        status = diag_set(diag, SIM_USAGE, "--format %s: must be table or json", format);
    if (status != SIM_OK)
        return status;
    struct trace *trace;
    struct trace_facts facts;
    struct trace_selection all = trace_select_all();
    status = trace_load(options.positional[0], &all, &trace, diag);
    if (status != SIM_OK)
        return status;
    status = trace_facts_collect(trace, (uint32_t)width, &facts, diag);
    if (status == SIM_OK && strcmp(format, "json") == 0)
        status = print_info_json(trace, &facts, (uint32_t)width, diag);
    else if (status == SIM_OK)
        print_info(trace, &facts, (uint32_t)width);
    trace_destroy(trace);
    return status;
}

/* --- gen ------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec gen_options[] = {
    GENERATE_OPTIONS,
    {"seed", "N", "the same seed gives the same bytes [0]"},
    {"repeat", "FILE", "instead of a kind: write this trace --times over, shifted in time"},
    {"times", "N", "with --repeat [2]"},
    {"gap-ms", "MS", "with --repeat: from one copy's last request to the next's first [mean gap]"},
    {"output", "FILE", "- is standard output [-]"},
};

static const struct command_spec gen_spec = {
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

/* The generators print to a stream; the stream hands on to the writer that renames at the end. */
struct stream {
    struct text_writer *writer;
    struct diag *diag;
};

static ssize_t write_stream(void *cookie, const char *text, size_t length)
{
    struct stream *stream = cookie;
    return text_writer_write(stream->writer, text, length, stream->diag) == SIM_OK ? (ssize_t)length : 0;
}

static enum status trace_gen(int argc, char **argv, struct diag *diag)
{
    struct options options;
    struct generated_spec spec;
    enum status status;
    if (options_done(&gen_spec, argc, argv, &options, &status, diag))
        return status;
    bool repeats = status == SIM_OK && options_has(&options, "repeat");
    if (repeats && options.positional_count > 0)
        status = diag_set(diag, SIM_USAGE, "either a kind or --repeat FILE; \"%s\" is one too many", options.positional[0]);
    else if (status == SIM_OK && !repeats && (options_has(&options, "times") || options_has(&options, "gap-ms")))
        status = diag_set(diag, SIM_USAGE, "--times and --gap-ms belong to --repeat FILE");
    if (status == SIM_OK && !repeats)
        status = read_spec(&options, &spec, diag);
    struct stream stream = {.diag = diag};
    if (status == SIM_OK)
        status = text_writer_open(options_value(&options, "output") ? options_value(&options, "output") : "-", &stream.writer, diag);
    if (status != SIM_OK)
        return status;
    FILE *file = fopencookie(&stream, "w", (cookie_io_functions_t){.write = write_stream});
    if (!file)
        status = diag_no_memory(diag, 4096, "the output");
    else
        status = repeats ? repeat(&options, file, diag) : trace_generate(&spec, file, diag);
    if (file && fclose(file) != 0 && status == SIM_OK)
        status = diag_set(diag, SIM_FAILED, "the trace cannot be written");
    if (status == SIM_OK && diag->status == SIM_OK)
        return text_writer_commit(stream.writer, diag);
    text_writer_discard(stream.writer);
    return diag->status;
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
