/* input_options.c - from options to a trace and a configuration. Read input_options.h first, then open_input(): it gives the order, and the
 * order matters. The configuration comes before the trace, because drawn requests need its seed, and arrivals are drawn last, because the
 * engine decides whether samples are requests of their own. */
#include "command/input_options.h"

#include "replay/workload.h"
#include "trace/drawn_arrivals.h"

#include <math.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#define NS_PER_S 1e9

/* --num-prompts is vLLM's name for --limit when there is a trace. 9e9 seconds are 285 years and stay far from the limit of int64 in ns. */
static enum status select_window(const struct options *options, struct trace_selection *selection, struct diag *diag)
{
    double from, to;
    enum status status = options_double(options, "from", 0, 9e9, 0, &from, diag);
    if (status == SIM_OK)
        status = options_double(options, "to", 0, 9e9, 9e9, &to, diag);
    if (status == SIM_OK)
        status = options_double(options, "arrival-speedup-ratio", 1e-6, 1e6, 1, &selection->arrival_speedup, diag);
    if (status == SIM_OK)
        status = options_uint(options, options_has(options, "limit") ? "limit" : "num-prompts", 1, UINT64_MAX, UINT64_MAX,
                              &selection->limit, diag);
    if (status != SIM_OK)
        return status;
    selection->from_ns = (int64_t)(from * NS_PER_S);
    if (options_has(options, "to"))
        selection->to_ns = (int64_t)(to * NS_PER_S);
    return SIM_OK;
}

/* --n and --beam-width turn a plain trace into one with groups. They apply to every M-th request, so that a part of the load stays as it is. */
static enum status select_samples(const struct options *options, struct trace_selection *selection, struct diag *diag)
{
    uint64_t samples = 0, samples_every = 1, beam = 0, beam_every = 1;
    enum status status = options_uint(options, "n", 1, 1000, 0, &samples, diag);
    if (status == SIM_OK)
        status = options_uint(options, "n-every", 1, UINT32_MAX, 1, &samples_every, diag);
    if (status == SIM_OK)
        status = options_uint(options, "beam-width", 1, 1000, 0, &beam, diag);
    if (status == SIM_OK)
        status = options_uint(options, "beam-every", 1, UINT32_MAX, 1, &beam_every, diag);
    selection->set_samples = (uint32_t)samples;
    selection->samples_every = (uint32_t)samples_every;
    selection->set_beam = (uint32_t)beam;
    selection->beam_every = (uint32_t)beam_every;
    return status;
}

enum status input_selection(const struct options *options, struct trace_selection *out, struct diag *diag)
{
    const char *format = options_value(options, "trace-format");
    *out = trace_select_all();
    out->reader = format ? trace_reader_find(format) : NULL;
    enum status status = select_window(options, out, diag);
    if (status == SIM_OK)
        status = select_samples(options, out, diag);
    return status;
}

/* A field that is ignored may be a misspelt one, hence the warning. It is no error: traces of other tools have fields of their own. */
static enum status read_trace(const struct options *options, struct trace **out, struct diag *diag)
{
    struct trace_selection selection;
    const char *path = options_value(options, "trace");
    if (!path)
        return diag_set(diag, SIM_USAGE, "--trace FILE is needed (- is standard input), or --dataset-name random");
    enum status status = input_selection(options, &selection, diag);
    if (status == SIM_OK)
        status = trace_load(path, &selection, out, diag);
    if (status == SIM_OK && (*out)->ignored_fields[0] && !options_has(options, "quiet"))
        fprintf(stderr, "pagesim: warning: %s: fields that are ignored: %s\n", path, (*out)->ignored_fields);
    return status;
}

/* A range ratio of 1 would allow prompts of 0 tokens; vLLM refuses it as well. */
static enum status read_workload(const struct options *options, struct random_workload *workload, struct diag *diag)
{
    struct {
        const char *name;
        uint32_t *value;
        uint64_t least;
    } const numbers[] = {{"num-prompts", &workload->requests, 1},
                         {"random-input-len", &workload->input_tokens, 0},
                         {"random-output-len", &workload->output_tokens, 1},
                         {"random-prefix-len", &workload->prefix_tokens, 0}};
    enum status status = options_double(options, "random-range-ratio", 0, 0.999999, 0, &workload->range_ratio, diag);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && status == SIM_OK; i++) {
        uint64_t value;
        status = options_uint(options, numbers[i].name, numbers[i].least, 100000000, *numbers[i].value, &value, diag);
        *numbers[i].value = (uint32_t)value;
    }
    return status;
}

/* Options that select from a file have nothing to select from here. Ignoring them would hide a mistake. */
enum status input_random_workload(const struct options *options, struct random_workload *out, struct diag *diag)
{
    static const char *const of_files[] = {"trace", "trace-format", "limit", "from", "to", "arrival-speedup-ratio", "n", "beam-width"};
    const char *name = options_value(options, "dataset-name");
    if (strcmp(name, "random") != 0)
        return diag_set(diag, SIM_USAGE, "--dataset-name %s: must be random; other requests come from --trace FILE", name);
    for (size_t i = 0; i < sizeof of_files / sizeof *of_files; i++)
        if (options_has(options, of_files[i]))
            return diag_set(diag, SIM_USAGE, "--%s does not go with --dataset-name random", of_files[i]);
    *out = random_workload_default();
    return read_workload(options, out, diag);
}

/* Draws requests. The prefix that they share is one trace block, so trace_block_size is set to its length. */
static enum status make_workload(const struct options *options, struct config *config, struct trace **out, struct diag *diag)
{
    struct random_workload workload = random_workload_default();
    enum status status = input_random_workload(options, &workload, diag);
    workload.seed = config->seed;
    if (status == SIM_OK)
        status = trace_random(&workload, out, diag);
    if (status == SIM_OK && workload.prefix_tokens > 0)
        config->trace_block_size = workload.prefix_tokens;
    if (!(config->request_rate > 0) && !config->ramp_up_strategy[0])
        config->request_rate = INFINITY; /* the benchmark's default */
    return status;
}

enum status input_take_requests(const struct options *options, struct config *config, struct trace **out, struct diag *diag)
{
    static const char *const of_random[] = {"random-input-len", "random-output-len", "random-prefix-len", "random-range-ratio"};
    if (options_has(options, "dataset-name"))
        return make_workload(options, config, out, diag);
    for (size_t i = 0; i < sizeof of_random / sizeof *of_random; i++)
        if (options_has(options, of_random[i]))
            return diag_set(diag, SIM_USAGE, "--%s needs --dataset-name random", of_random[i]);
    return read_trace(options, out, diag);
}

enum status input_check_speedup(const struct options *options, const struct trace *trace, const struct config *config, struct diag *diag)
{
    if (!options_has(options, "arrival-speedup-ratio") || !drawn_arrivals_wanted(trace, config))
        return SIM_OK;
    return diag_set(diag, SIM_USAGE,
                    "--arrival-speedup-ratio divides the trace's arrival times, which a request rate replaces; give one of them");
}

/* OMP_NUM_THREADS, or one thread a core, unless --threads says otherwise. A build without OpenMP has one thread. */
enum status input_threads(const struct options *options, uint32_t *threads, struct diag *diag)
{
    uint64_t wanted = 1;
#ifdef _OPENMP
    wanted = (uint64_t)omp_get_max_threads();
#endif
    enum status status = options_uint(options, "threads", 1, 1024, wanted, &wanted, diag);
    *threads = (uint32_t)wanted;
#ifdef _OPENMP
    if (status == SIM_OK)
        omp_set_num_threads((int)wanted);
#endif
    return status;
}

/* A pool without a size is sized only if there is something to size it by; commands that search for a size start without one. */
static enum status open_input(const struct options *options, bool any_pool, struct input *out, struct diag *diag)
{
    *out = (struct input){0};
    if (options->positional_count > 0)
        return diag_set(diag, SIM_USAGE, "unexpected argument \"%s\"; the trace is given with --trace", options->positional[0]);
    enum status status = config_load(options_value(options, "config"), options->config, options->config_count, &out->config, diag);
    const bool sized = out->config.num_gpu_blocks || out->config.model[0];
    if (status == SIM_OK && (sized || !any_pool))
        status = sizing_fill(&out->config, &out->sizing, diag);
    if (status == SIM_OK)
        status = input_threads(options, &out->threads, diag);
    if (status == SIM_OK)
        status = input_take_requests(options, &out->config, &out->trace, diag);
    if (status == SIM_OK)
        status = input_check_speedup(options, out->trace, &out->config, diag);
    struct trace *fitted = NULL;
    if (status == SIM_OK)
        status = workload_fit(out->trace, &out->config, &fitted, diag);
    if (fitted) {
        trace_destroy(out->trace);
        out->trace = fitted;
    }
    return status;
}

enum status input_open(const struct options *options, struct input *out, struct diag *diag)
{
    return open_input(options, false, out, diag);
}

enum status input_open_any_pool(const struct options *options, struct input *out, struct diag *diag)
{
    return open_input(options, true, out, diag);
}

void input_close(struct input *input)
{
    trace_destroy(input->trace);
    input->trace = NULL;
}
