/* drawn_arrivals.c - a copy of a trace in file order with drawn arrival times, or in order of arrival with its own times divided. Read
 * drawn_arrivals_make at the end first, then draw_times and divide_times, which are the whole of the arithmetic. */
#include "trace/drawn_arrivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/numpy_random.h"
#include "base/portable_math.h"
#include "base/seeded_random.h"
#include "trace/request_order.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* the same bits everywhere, as in base/seeded_random.c */
#endif

#define LONGEST_S 9.2e9 /* int64 nanoseconds */

/* A strategy is what makes a ramp; config_check has seen to it that both rates are there then. */
static bool ramps_up(const struct config *config)
{
    return config->ramp_up_strategy[0] != '\0';
}

static bool draws(const struct config *config)
{
    return ramps_up(config) || config->request_rate > 0;
}

static bool unscaled(const struct config *config)
{
    return strcmp(config->arrival_generator, "numpy-unscaled") == 0;
}

/* What the times depend on. Keys that the chosen process does not use are left at 0, so that they make no difference. */
static struct drawn_arrivals source_of(const struct config *config)
{
    if (!draws(config))
        return (struct drawn_arrivals){.speedup = config->arrival_speedup_ratio == 1 ? 0 : config->arrival_speedup_ratio};
    return (struct drawn_arrivals){.rate = ramps_up(config) ? 0 : config->request_rate,
                                   .burstiness = config->burstiness,
                                   .ramp_start = ramps_up(config) ? config->ramp_up_start_rps : 0,
                                   .ramp_end = ramps_up(config) ? config->ramp_up_end_rps : 0,
                                   .seed = config->seed,
                                   .exponential = strcmp(config->ramp_up_strategy, "exponential") == 0,
                                   .numpy = config->arrival_generator[0] != '\0',
                                   .unscaled = unscaled(config)};
}

/* A trace that was drawn from the same rates and seed would come out the same, and one that was sped up must not be a second time. */
bool drawn_arrivals_wanted(const struct trace *trace, const struct config *config)
{
    const struct drawn_arrivals want = source_of(config), *have = &trace->drawn;
    if (!draws(config))
        return want.speedup > 0 && want.speedup != have->speedup;
    return want.rate != have->rate || want.burstiness != have->burstiness || want.ramp_start != have->ramp_start ||
           want.ramp_end != have->ramp_end || want.seed != have->seed || want.exponential != have->exponential ||
           want.numpy != have->numpy || want.unscaled != have->unscaled;
}

/* --- times ------------------------------------------------------------------------------------------------------------------------ */

/* As vLLM's get_request computes it, by request and not by time: a ramp has no memory of how long it has lasted. */
static double rate_at(const struct config *config, uint32_t request, uint32_t requests)
{
    const double start = config->ramp_up_start_rps, end = config->ramp_up_end_rps;
    const double progress = (double)request / (requests > 1 ? requests - 1 : 1);
    if (!ramps_up(config))
        return config->request_rate;
    if (strcmp(config->ramp_up_strategy, "linear") == 0)
        return start + (end - start) * progress;
    return start * portable_exp(progress * portable_log(end / start));
}

/* Where numbers come from: one of both. */
struct generator {
    const struct config *config;
    uint64_t state;
    struct numpy_random numpy;
};

/* Gamma with mean 1 / rate. The two limits are exact, where the general formula would be 0 * inf; the client draws nothing for them. */
static double draw_gap_s(struct generator *generator, double rate)
{
    const struct config *config = generator->config;
    if (isinf(rate))
        return 0;
    if (isinf(config->burstiness))
        return 1 / rate;
    if (config->arrival_generator[0])
        return 1 / (rate * config->burstiness) * numpy_gamma(&generator->numpy, config->burstiness);
    return seeded_gamma(&generator->state, config->burstiness) / (rate * config->burstiness);
}

/* times_s[i]: when request i arrives. */
static enum status draw_times(const struct config *config, double *times_s, uint32_t requests, struct diag *diag)
{
    struct generator generator = {.config = config, .state = seeded_stream(config->seed, SEEDED_GAPS)};
    const bool at_once = unscaled(config); /* the first one, and no scale */
    double now_s = 0;
    numpy_seed(&generator.numpy, (uint32_t)config->seed);
    for (uint32_t i = 0; i < requests; i++) {
        now_s += i == 0 && at_once ? 0 : draw_gap_s(&generator, rate_at(config, i, requests));
        times_s[i] = now_s;
    }
    if (!ramps_up(config) && now_s > 0 && !at_once) {
        const double scale = requests / config->request_rate / now_s;
        for (uint32_t i = 0; i < requests; i++)
            times_s[i] *= scale;
    }
    if (!(times_s[requests - 1] <= LONGEST_S)) /* infinite sums make NaN */
        return diag_set(diag, SIM_BAD_INPUT, "%u requests would take more than 292 years to arrive; raise %s", requests,
                        ramps_up(config) ? "ramp_up_start_rps" : "request_rate");
    return SIM_OK;
}

/* Rounded as vLLM's benchmark would round it, half to even. Division keeps the order, but makes ties of times that were apart, and a tie
 * goes by the number in the file; then *ties is set. */
static enum status divide_times(struct trace *trace, double ratio, bool *ties, struct diag *diag)
{
    for (uint32_t i = 0; i < trace->count; i++) {
        const double ns = nearbyint((double)trace->arrival_ns[i] / ratio);
        if (!(ns < 0x1p63))
            return diag_set(
                diag, SIM_BAD_INPUT,
                "arrival_speedup_ratio %g makes %.9g s of an arrival at %.9g s, and the clock ends after 292 years (2^63 ns); take "
                "a larger ratio",
                ratio, (double)trace->arrival_ns[i] / ratio / 1e9, (double)trace->arrival_ns[i] / 1e9);
        trace->arrival_ns[i] = (int64_t)ns;
        *ties = *ties || (i > 0 && trace->arrival_ns[i] == trace->arrival_ns[i - 1] && trace_index(trace, i) < trace_index(trace, i - 1));
    }
    return SIM_OK;
}

/* --- the trace in another order ---------------------------------------------------------------------------------------------------- */

/* A copy with the trace's own times sped up. */
static enum status make_faster(const struct trace *trace, const struct config *config, struct trace **out, struct diag *diag)
{
    uint32_t *order = NULL;
    struct trace *copy = NULL, *sorted = NULL;
    bool ties = false;
    if (trace->drawn.speedup > 0)
        return diag_set(diag, SIM_FAILED, "internal error: the trace was sped up already, by another ratio");
    enum status status = array_zeroed(&order, trace->count, sizeof *order, "the order of arrival", diag);
    for (uint32_t i = 0; i < trace->count && status == SIM_OK; i++)
        order[i] = i;
    if (status == SIM_OK)
        status = trace_copy(trace, order, trace->count, &copy, diag);
    if (status == SIM_OK)
        status = divide_times(copy, config->arrival_speedup_ratio, &ties, diag);
    if (status == SIM_OK && ties) {
        trace_sort_by_arrival(copy, order, copy->count);
        status = trace_copy(copy, order, copy->count, &sorted, diag);
    }
    free(order);
    if (status != SIM_OK || sorted) {
        trace_destroy(copy);
        copy = sorted;
    }
    if (status == SIM_OK) {
        copy->drawn = source_of(config);
        *out = copy;
    }
    return status;
}

static enum status copy_in_file_order(const struct trace *trace, struct trace **out, struct diag *diag)
{
    uint32_t *order;
    enum status status = request_order(trace, &order, diag);
    if (status != SIM_OK)
        return status;
    status = trace_copy(trace, order, trace->count, out, diag);
    free(order);
    return status;
}

/* A later turn of a session comes when the one before it ends: no time is drawn for it. */
static bool is_drawn(const struct trace *trace, uint32_t position)
{
    return !trace->previous || trace->previous[position] == 0;
}

/* A later turn is known to come after the first one of its session. Then positions must be in order of arrival again. */
static enum status place_turns(struct trace **trace, struct diag *diag)
{
    struct trace *made = *trace, *sorted;
    uint32_t *order = NULL;
    if (!made->previous)
        return SIM_OK;
    for (uint32_t i = 0; i < made->count; i++)
        if (made->previous[i] > 0)
            made->arrival_ns[i] = made->arrival_ns[made->previous[i] - 1];
    enum status status = trace_arrival_order(made, &order, diag);
    if (status == SIM_OK)
        status = trace_copy(made, order, made->count, &sorted, diag);
    free(order);
    if (status != SIM_OK)
        return status;
    trace_destroy(made);
    *trace = sorted;
    return SIM_OK;
}

/* Samples of one request share a number in the file, and so a time. */
enum status drawn_arrivals_make(const struct trace *trace, const struct config *config, struct trace **out, struct diag *diag)
{
    double *times_s = NULL;
    struct trace *made = NULL;
    uint32_t requests = 0;
    if (!draws(config))
        return make_faster(trace, config, out, diag);
    enum status status = copy_in_file_order(trace, &made, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < made->count; i++)
        requests += is_drawn(made, i) && (i == 0 || trace_index(made, i) != trace_index(made, i - 1));
    status = array_zeroed(&times_s, requests, sizeof *times_s, "drawn arrivals", diag);
    if (status == SIM_OK)
        status = draw_times(config, times_s, requests, diag);
    for (uint32_t i = 0, request = 0; i < made->count && status == SIM_OK; i++) {
        if (!is_drawn(made, i))
            continue;
        request += i == 0 || trace_index(made, i) != trace_index(made, i - 1);
        made->arrival_ns[i] = (int64_t)rint(times_s[request - 1] * 1e9);
    }
    if (status == SIM_OK)
        status = place_turns(&made, diag);
    if (status == SIM_OK) {
        made->drawn = source_of(config);
        *out = made;
    } else {
        trace_destroy(made);
    }
    free(times_s);
    return status;
}
