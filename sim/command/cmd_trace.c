/* cmd_trace.c - the subcommands of `pagesim trace`, a table at the end, and the work of `pagesim trace gen`. The others are in
 * cmd_trace_info.c and cmd_trace_tools.c. Read trace/trace_generate.h first. */
#include <stdio.h>
#include <string.h>

#include "base/call_stream.h"
#include "base/line.h"
#include "base/nearest_name.h"
#include "base/notice.h"
#include "base/text_writer.h"
#include "command/command.h"
#include "command/generate_options.h"
#include "generate/generate.h"
#include "trace/trace_generate.h"

/* --- gen ------------------------------------------------------------------------------------------------------------------------- */

static const struct option_spec gen_options[] = {
    GENERATE_OPTIONS,
    {"seed", "N", "the same seed gives the same bytes [0]"},
    {"repeat", "FILE", "instead of a kind: write this trace several times, one copy after the other"},
    {"times", "N", "with --repeat: how many copies [2]"},
    {"gap-ms", "MS", "with --repeat: from one copy's last request to the next's first [mean gap]"},
    {"output", "FILE", "- is standard output [-]"},
    {"quiet", NULL, "do not say what was written"},
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
    enum status status = trace_repeat(trace, times, options_has(options, "gap-ms") ? (int64_t)(gap_ms * 1e6) : -1, file, diag);
    trace_destroy(trace);
    return status;
}

/* The generators print to a FILE. This one passes the text to a text_writer, which renames its file only when it is complete. `diag` is
 * kept for write_stream(), which the C library calls and which cannot be given one. */
struct gen_job {
    struct call call;
    struct generate_spec spec;
    struct text_writer *writer;
    struct diag *diag;
};

/* Returning less than was given is how a cookie stream reports an error. */
static ssize_t write_stream(void *cookie, const char *text, size_t length)
{
    struct gen_job *job = cookie;
    return text_writer_write(job->writer, text, length, job->diag) == SIM_OK ? (ssize_t)length : 0;
}

/* --output is the file here, and the name of what a request puts out everywhere else. A user who mixes them up would find the trace in a file
 * called zipf:... */
static enum status check_output(const struct options *options, struct diag *diag)
{
    const char *output = options_value(options, "output");
    for (size_t i = 0; output && variate_name(i); i++) {
        const size_t length = strlen(variate_name(i)->name);
        if (strncmp(output, variate_name(i)->name, length) == 0 && output[length] == ':')
            return diag_set(diag, SIM_USAGE, "--output %s: is the file to write; lengths of outputs are --output-tokens %s", output,
                            output);
    }
    return SIM_OK;
}

/* Options of the other mode are refused: a --gap-ms without --repeat would be ignored without a word. */
static enum status read_gen(void *self, struct diag *diag)
{
    struct gen_job *job = self;
    const struct options *options = &job->call.options;
    const bool own = options_has(options, "input-tokens") || options_has(options, "output-tokens") || options_has(options, "arrival");
    if (options_has(options, "repeat"))
        return options->positional_count == 0
                   ? SIM_OK
                   : diag_set(diag, SIM_USAGE, "either a kind or --repeat FILE; \"%s\" is one too many", options->positional[0]);
    if (options_has(options, "times") || options_has(options, "gap-ms"))
        return diag_set(diag, SIM_USAGE, "--times and --gap-ms belong to --repeat FILE");
    if (options->positional_count > 1 || (options->positional_count == 0 && !own))
        return diag_set(
            diag, SIM_USAGE,
            "one kind is needed, such as chat, code, rag, agent or reasoning; or --input-tokens and --output-tokens (or --repeat "
            "FILE)");
    if (check_output(options, diag) != SIM_OK)
        return diag->status;
    if (generate_options_read(options, options->positional_count ? options->positional[0] : NULL, &job->spec, diag) == SIM_OK)
        job->spec.seed = options_uint(options, "seed", 0, UINT64_MAX, 0, diag);
    return diag->status;
}

/* A write that fails sets diag, and the FILE may not notice before it is closed, so diag has the last word. */
static enum status write_gen(struct gen_job *job, struct diag *diag)
{
    const struct options *options = &job->call.options;
    FILE *file = call_stream_open(write_stream, job);
    if (!file)
        return diag_no_memory(diag, 4096, "the output");
    enum status status = options_has(options, "repeat") ? repeat(options, file, diag) : generate_write(&job->spec, file, diag);
    if (fclose(file) != 0 && status == SIM_OK)
        status = diag_set(diag, SIM_FAILED, "the trace cannot be written");
    return status == SIM_OK ? diag->status : status;
}

/* Whoever replays the trace has to know how many tokens an id names; the file has no place to say it. */
static void tell_block_size(const struct gen_job *job)
{
    if (!options_has(&job->call.options, "repeat") && !options_has(&job->call.options, "quiet") && generate_spec_names_contents(&job->spec))
        notice("a hash id names %u tokens: replay with --trace-block-size %u", job->spec.block_tokens, job->spec.block_tokens);
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
    if (status != SIM_OK) {
        text_writer_discard(job->writer);
        return status;
    }
    status = text_writer_commit(job->writer, diag);
    if (status == SIM_OK)
        tell_block_size(job);
    return status;
}

static void close_gen(void *self)
{
    generate_spec_deinit(&((struct gen_job *)self)->spec);
}

static const struct command command_gen = {
    .name = "trace gen",
    .usage = "pagesim trace gen [KIND] [options] | pagesim trace gen --repeat FILE",
    .description = "Make a trace of independent parts: arrivals, lengths, what prompts share, and\n"
                   "more. A KIND has all of them, and options replace what they name; without one,\n"
                   "lengths must be given. Every part has random numbers of its own: another\n"
                   "--output-tokens leaves arrivals and prompts as they are. The same options give\n"
                   "the same bytes on every machine. Memory does not grow with --requests.\n",
    OPTIONS(gen_options),
    .extra_help = generate_options_help,
    .examples = "  pagesim trace gen chat --requests 10000 --seed 1 --output chat.jsonl\n"
                "  pagesim trace gen agent --arrival closed:users=50,ramp=60 --output c.jsonl\n"
                "  pagesim trace gen --arrival gamma:4,cv=2 --input-tokens zipf:1.2,max=8192 \\\n"
                "    --output-tokens file:lengths.txt --sharing system:prompts=8,tokens=1024\n"
                "  pagesim trace gen --repeat azure.csv --times 52 --output million.jsonl\n",
    .job_size = sizeof(struct gen_job),
    .read = read_gen,
    .run = run_gen,
    .close = close_gen,
};

/* --- all of them ------------------------------------------------------------------------------------------------------------------ */

/* In the order of --help. */
static const struct command *const subcommands[] = {
    &command_trace_info,   &command_gen,         &command_trace_convert, &command_trace_head,      &command_trace_sample,
    &command_trace_filter, &command_trace_scale, &command_trace_merge,   &command_trace_anonymise,
};
enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

/* "trace info" without "trace ". */
static const char *word_of(const struct command *command)
{
    return strchr(command->name, ' ') + 1;
}

static void print_usages(const void *context, FILE *file)
{
    (void)context;
    for (int i = 0; i < SUBCOMMANDS; i++)
        fprintf(file, "%s%s\n", i == 0 ? "usage: " : "       ", subcommands[i]->usage);
    fputs("\nEach has its own --help.\n", file);
}

/* The word `trace` was taken off already; argv[1] is the subcommand, and what follows is its own command line. */
enum status command_run_trace(int argc, char **argv, struct diag *diag)
{
    const char *names[SUBCOMMANDS];
    struct line all = {0};
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return output_printed(print_usages, NULL, diag);
    for (int i = 0; i < SUBCOMMANDS; i++) {
        names[i] = word_of(subcommands[i]);
        if (argc >= 2 && strcmp(argv[1], names[i]) == 0)
            return command_run(subcommands[i], argc - 1, argv + 1, diag);
        line_put(&all, "%s%s", i == 0 ? "" : i + 1 < SUBCOMMANDS ? ", " : " or ", names[i]);
    }
    const char *near = argc >= 2 ? nearest_name(argv[1], names, SUBCOMMANDS) : NULL;
    if (near)
        return diag_set(diag, SIM_USAGE, "unknown command \"trace %s\"; did you mean \"trace %s\"?", argv[1], near);
    return diag_set(diag, SIM_USAGE, "`pagesim trace` needs one of %s after it", all.text);
}
