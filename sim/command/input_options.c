/* input_options.c - from options to a trace and a configuration. Read input_options.h first, then input_open(): it gives the order, and the
 * order matters. The configuration comes before the trace, because drawn requests need its seed, and arrivals are drawn last, because the
 * engine decides whether samples are requests of their own.
 *
 *     configuration   file, then options, then the pool's size from model and GPU
 *     threads         before the trace, which is read by all of them
 *     requests        from a file, or drawn (random data set, generator), with the configuration's seed
 *     fit             samples as requests, arrivals at a rate: replay/workload.h
 *
 * Commands that have several configurations (compare, sweep) use the parts and not input_open(). */
#include "command/input_options.h"

#include "base/notice.h"
#include "command/generate_options.h"
#include "config/config_keys.h"
#include "team.h"
#include "trace/trace_block_size.h"

#include <math.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { RANDOM_MOST = 100000000 };

static enum status read_priorities(const struct options *options, struct read_names *names, const struct priority_rules **out,
                                   struct diag *diag)
{
    const char *rules = options_value(options, "assign-priority");
    *out = rules ? &names->priorities : NULL;
    return rules ? priority_rules_parse("--assign-priority", rules, &names->priorities, diag) : SIM_OK;
}

/* --num-prompts is vLLM's name for --limit when there is a trace. --n
 * and --beam-width turn a plain trace into one with groups. They apply to every M-th request, so that a part of the load stays as it is.
 * Without an option each member keeps a value that selects everything, so the defaults here are those of trace_select_all(). */
enum status input_selection(const struct options *options, struct trace_selection *out, struct read_names *names, struct diag *diag)
{
    const char *limit = options_has(options, "limit") ? "limit" : "num-prompts";
    *out = trace_select_all();
    if (read_options_take(options, out, names, diag) != SIM_OK)
        return diag->status;
    read_times_options(options, out, diag);
    if (read_priorities(options, names, &out->priorities, diag) != SIM_OK)
        return diag->status;
    out->limit = options_uint(options, limit, 1, UINT64_MAX, UINT64_MAX, diag);
    out->set_samples = (uint32_t)options_uint(options, "n", 1, 1000, 0, diag);
    out->samples_every = (uint32_t)options_uint(options, "n-every", 1, UINT32_MAX, 1, diag);
    out->set_beam = (uint32_t)options_uint(options, "beam-width", 1, 1000, 0, diag);
    out->beam_every = (uint32_t)options_uint(options, "beam-every", 1, UINT32_MAX, 1, diag);
    return diag->status;
}

/* Lengths are for drawn requests. A file that is a load is drawn from, too, and needs both means: a default would be a number that nobody has
 * chosen. Whether it is one is known when it has been read. */
static enum status check_lengths(const struct options *options, const struct trace *trace, struct diag *diag)
{
    static const char *const of_random[] = {"random-input-len", "random-output-len", "random-range-ratio"};
    for (size_t i = 0; i < sizeof of_random / sizeof *of_random && !trace->facts.load; i++)
        if (options_has(options, of_random[i]))
            return diag_set(diag, SIM_USAGE, "--%s needs --dataset-name random", of_random[i]);
    if (trace->facts.load && !(options_has(options, "random-input-len") && options_has(options, "random-output-len")))
        return diag_set(diag, SIM_USAGE, "%s is a load (%s) and names no lengths; give --random-input-len and --random-output-len",
                        trace->name, trace->format);
    return SIM_OK;
}

/* What the random data set and a load have in common. */
static void take_lengths(const struct options *options, struct random_workload *out, uint32_t input_least, struct diag *diag)
{
    *out = random_workload_default();
    out->range_ratio = options_double(options, "random-range-ratio", 0, 0.999999, 0, diag); /* 1 would allow prompts of 0 tokens */
    out->input_tokens = (uint32_t)options_uint(options, "random-input-len", input_least, RANDOM_MOST, out->input_tokens, diag);
    out->output_tokens = (uint32_t)options_uint(options, "random-output-len", 1, RANDOM_MOST, out->output_tokens, diag);
}

/* The seed is the configuration's, for what a file leaves to be drawn. */
static enum status read_trace(const struct options *options, const struct config *config, struct trace **out, struct diag *diag)
{
    struct trace_selection selection;
    struct read_names names;
    const char *path = options_value(options, "trace");
    if (!path)
        return diag_set(diag, SIM_USAGE, "--trace FILE is needed (- is standard input), or --dataset-name random");
    if (input_selection(options, &selection, &names, diag) != SIM_OK)
        return diag->status;
    take_lengths(options, &names.lengths, 1, diag);
    selection.lengths = &names.lengths;
    selection.seed = config->seed;
    struct trace *trace = NULL;
    if (diag->status != SIM_OK || trace_load(path, &selection, &trace, diag) != SIM_OK)
        return diag->status;
    if (check_lengths(options, trace, diag) != SIM_OK) {
        trace_destroy(trace);
        return diag->status;
    }
    *out = trace;
    return read_options_tell(options, trace, diag);
}

/* Options that select from a file have nothing to select from here. Ignoring them would hide a mistake. */
static enum status read_random(const struct options *options, struct random_workload *out, struct read_names *names, struct diag *diag)
{
    static const char *const of_files[] = {"trace", "trace-format", "limit", "from", "to", "n", "beam-width"};
    const char *name = options_value(options, "dataset-name");
    if (strcmp(name, "random") != 0)
        return diag_set(diag, SIM_USAGE, "--dataset-name %s: must be random; other requests come from --trace FILE", name);
    for (size_t i = 0; i < sizeof of_files / sizeof *of_files; i++)
        if (options_has(options, of_files[i]))
            return diag_set(diag, SIM_USAGE, "--%s does not go with --dataset-name random", of_files[i]);
    take_lengths(options, out, 0, diag);
    out->requests = (uint32_t)options_uint(options, "num-prompts", 1, RANDOM_MOST, out->requests, diag);
    out->prefix_tokens = (uint32_t)options_uint(options, "random-prefix-len", 0, RANDOM_MOST, out->prefix_tokens, diag);
    return diag->status == SIM_OK ? read_priorities(options, names, &out->priorities, diag) : diag->status;
}

bool input_is_drawn(const struct options *options)
{
    return options_has(options, "dataset-name") || options_has(options, "generate");
}

enum status input_drawn_source(const struct options *options, struct workload_source *out, struct read_names *names, struct diag *diag)
{
    const char *kind = options_value(options, "generate"), *data_set = options_value(options, "dataset-name");
    if (kind && (data_set || options_has(options, "trace")))
        return diag_set(diag, SIM_USAGE, "--%s and --generate are both given; take one", data_set ? "dataset-name" : "trace");
    out->kind = kind;
    out->random = data_set != NULL;
    if (data_set)
        return read_random(options, &out->random_workload, names, diag);
    enum status status = kind ? generate_options_read(options, kind, &out->generator, diag) : SIM_OK;
    return status == SIM_OK && kind ? input_selection(options, &out->selection, names, diag) : status;
}

/* The prefix that random requests share is one trace block, so trace_block_size is set to its length. The benchmark sends everything at once
 * unless it is told a rate; a trace's own times, the default elsewhere, do not exist there. */
static enum status draw_requests(const struct options *options, struct config *config, struct trace **out, struct diag *diag)
{
    struct workload_source source = {.file = NULL};
    struct read_names names;
    enum status status = input_drawn_source(options, &source, &names, diag);
    if (status == SIM_OK)
        status = workload_draw(&source, config->seed, out, diag);
    if (source.random && source.random_workload.prefix_tokens > 0)
        config->trace_block_size = source.random_workload.prefix_tokens;
    if (source.kind && !config_gives(config, "trace_block_size"))
        config->trace_block_size = source.generator.block_tokens;
    if (source.random && !(config->request_rate > 0) && !config->ramp_up_strategy[0])
        config->request_rate = INFINITY; /* the benchmark's default */
    generate_spec_deinit(&source.generator);
    return status;
}

enum status input_take_requests(const struct options *options, struct config *config, struct trace **out, struct diag *diag)
{
    if (input_is_drawn(options))
        return draw_requests(options, config, out, diag);
    if (options_has(options, "random-prefix-len"))
        return diag_set(diag, SIM_USAGE, "--random-prefix-len needs --dataset-name random");
    return read_trace(options, config, out, diag);
}

/* Nobody asked for it, so it is told, and stands in heads of reports. */
void input_tell_block_size(const struct options *options, struct trace *trace, uint32_t size)
{
    const struct line text = workload_found_block_size(trace, size);
    trace_tell(trace, text.text);
    if (!options_has(options, "quiet"))
        notice("note: %s: %s", trace->name, text.text);
}

/* Drawn requests have set it already. */
enum status input_settle(const struct options *options, struct trace *trace, struct config *config, struct diag *diag)
{
    const uint32_t before = config->trace_block_size;
    bool doubtful;
    if (input_is_drawn(options))
        return SIM_OK;
    enum status status = workload_settle(trace, config, diag);
    if (status != SIM_OK)
        return status;
    const struct line text = workload_block_size_note(trace, config, before, &doubtful);
    if (text.length == 0)
        return SIM_OK;
    if (!doubtful) {
        input_tell_block_size(options, trace, config->trace_block_size);
        return SIM_OK;
    }
    trace_tell(trace, text.text);
    return warning_tell(options, diag, "%s", text.text);
}

enum status input_without_bytes(const struct options *options, const struct config *config, struct diag *diag)
{
    if (config->data_plane == DATA_PLANE_OFF)
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "%s replays without bytes; say --data-plane off", options->command->name);
}

enum status input_of_one_server(const struct options *options, const struct config *config, struct diag *diag)
{
    if (!config_has_fleet(config))
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "%s looks at one server, and there are several: leave out %s", options->command->name,
                    config->fleet.replicas > 1 ? "replicas" : "what says so (replica_kinds, data_parallel_size, autoscale, replica_failures)");
}

/* OMP_NUM_THREADS, or one thread a core, unless --threads says otherwise. A build without OpenMP has one thread. The number is also given
 * to OpenMP, so that parallel loops anywhere in the program follow it without passing it along. */
uint32_t input_threads(const struct options *options, struct diag *diag)
{
    const uint32_t threads = kv_team((uint32_t)options_uint(options, "threads", 1, 1024, kv_team(0), diag));
#ifdef _OPENMP
    omp_set_num_threads((int)threads);
#endif
    return threads;
}

/* A pool without a size is sized only if there is something to size it by; commands that search for a size start without one, a model then
 * says what a block takes. `fitted` is a
 * new trace if the road to the replay changed anything and NULL if not; then the one that was read is used as it is. */
enum status input_open(const struct options *options, bool any_pool, unsigned advice, struct input *out, struct diag *diag)
{
    struct advice told;
    *out = (struct input){0};
    if (options->positional_count > 0)
        return diag_set(diag, SIM_USAGE, "unexpected argument \"%s\"; the trace is given with --trace", options->positional[0]);
    enum status status = config_load(options_value(options, "config"), options->config, options->config_count, &out->config, diag);
    if (status == SIM_OK && any_pool && !sizing_is_possible(&out->config))
        status = sizing_fill_bytes(&out->config, diag);
    else if (status == SIM_OK)
        status = sizing_fill(&out->config, &out->sizing, diag);
    if (status != SIM_OK)
        return status;
    out->threads = input_threads(options, diag);
    struct trace *fitted = NULL;
    if (diag->status != SIM_OK || input_take_requests(options, &out->config, &out->trace, diag) != SIM_OK ||
        input_settle(options, out->trace, &out->config, diag) != SIM_OK || workload_fit(out->trace, &out->config, &fitted, diag) != SIM_OK)
        return diag->status;
    if (fitted) {
        trace_destroy(out->trace);
        out->trace = fitted;
    }
    advice_collect(&out->config, out->trace, advice, &told);
    return warning_tell_advice(options, "", &told, diag);
}

enum status input_open_assuming(struct options *options, const char *option, const char *value, unsigned advice, struct input *out,
                                struct diag *diag)
{
    if (options->config_count == OPTIONS_MOST)
        return diag_set(diag, SIM_USAGE, "more than %d options; put settings into a configuration file", OPTIONS_MOST);
    options->config[options->config_count++] = (struct config_option){option, value};
    const enum status status = input_open(options, false, advice, out, diag);
    options->config_count--;
    return status;
}

void input_close(struct input *input)
{
    trace_destroy(input->trace);
    input->trace = NULL;
}
