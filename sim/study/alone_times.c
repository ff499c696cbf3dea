/* alone_times.c - makes a trace of all kinds of requests, far apart, and replays it. Read alone_times.h first, then alone_times() at the end.
 *
 *     trace -> positions sorted by kind -> a trace with a request a kind -> replay -> time of each kind -> of each request */
#include "study/alone_times.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/compare.h"
#include "base/sort_with.h"
#include "config/config_keys.h"
#include "replay/replay.h"
#include "replay/workload.h"

/* The columns of trace_columns that make a request what it is: output, samples, beams, end. Input stands apart, as all have it. */
static bool same_item(const uint32_t *column, uint32_t a, uint32_t b)
{
    return !column || column[a] == column[b];
}

static int compare_items(const uint32_t *column, uint32_t a, uint32_t b)
{
    return column ? compare_u64(column[a], column[b]) : 0;
}

static bool same_kind(const struct trace *trace, uint32_t a, uint32_t b)
{
    return trace->input_tokens[a] == trace->input_tokens[b] && trace->output_tokens[a] == trace->output_tokens[b] &&
           same_item(trace->samples, a, b) && same_item(trace->beam_width, a, b) && same_item(trace->finish_reason, a, b);
}

static int by_kind(const void *left, const void *right, void *context)
{
    const struct trace *trace = context;
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    const uint32_t *const columns[] = {trace->input_tokens, trace->output_tokens, trace->samples, trace->beam_width, trace->finish_reason};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const int order = compare_items(columns[i], a, b);
        if (order != 0)
            return order;
    }
    return compare_u64(a, b);
}

/* Nanoseconds between two arrivals: close to three hours, or as much as the clock has for so many. */
static int64_t gap_between(uint32_t kinds)
{
    const int64_t wanted = INT64_C(10000000000000), most = INT64_MAX / 4 / ((int64_t)kinds + 1);
    return wanted < most ? wanted : most;
}

/* A request for each kind, in order; *kinds of them. What requests have in common is left out, so nothing is hit. */
static enum status make_kinds(const struct trace *trace, const uint32_t *order, struct trace *out, struct diag *diag)
{
    const bool wanted[TRACE_COLUMNS_OF_FILES] = {true, true, true, false, trace->samples, trace->beam_width, trace->finish_reason};
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < trace->count; i++)
        kinds += i == 0 || !same_kind(trace, order[i - 1], order[i]);
    enum status status = trace_columns_make(out, kinds, wanted, diag);
    for (uint32_t i = 0; i < trace->count && status == SIM_OK; i++) {
        const uint32_t from = order[i], to = out->count;
        if (i > 0 && same_kind(trace, order[i - 1], from))
            continue;
        out->count++;
        out->arrival_ns[to] = to * gap_between(kinds);
        out->input_tokens[to] = trace->input_tokens[from];
        out->output_tokens[to] = trace->output_tokens[from];
        if (out->samples)
            out->samples[to] = trace->samples[from];
        if (out->beam_width)
            out->beam_width[to] = trace->beam_width[from];
        if (out->finish_reason)
            out->finish_reason[to] = trace->finish_reason[from];
    }
    return status;
}

/* Watches the ends. The last sample's counts, and a kind whose samples do not all end has none. */
struct ends {
    const struct trace *replayed;
    uint32_t *left; /* [kind] sequences that have not ended */
    int64_t *ns;    /* [kind] the last end */
};

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct ends *ends = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        if (events[i].kind != EVENT_FINISH)
            continue;
        const uint32_t kind = trace_index(ends->replayed, events[i].request);
        ends->left[kind] -= ends->left[kind] > 0;
        ends->ns[kind] = events[i].time_ns > ends->ns[kind] ? events[i].time_ns : ends->ns[kind];
    }
    return SIM_OK;
}

/* As it serves one request: whoever comes first does not matter, nor when requests come. Policies are set to vLLM's, which run fastest.
 * Configurations are large, and this runs in threads whose stacks may be small: there is one at a time. */
static void alone_config(const struct config *config, struct config *alone)
{
    config_defaults(config->scheduler, alone);
    const double burstiness = alone->burstiness, start = alone->ramp_up_start_rps, end = alone->ramp_up_end_rps;
    const struct fleet_config one_server = alone->fleet; /* as is configured around kinds of replicas */
    char policies[3][CONFIG_NAME_SIZE];
    memcpy(policies[0], alone->scheduling_policy, CONFIG_NAME_SIZE);
    memcpy(policies[1], alone->preemption_victim, CONFIG_NAME_SIZE);
    memcpy(policies[2], alone->eviction_policy, CONFIG_NAME_SIZE);
    *alone = *config;
    memcpy(alone->scheduling_policy, policies[0], CONFIG_NAME_SIZE);
    memcpy(alone->preemption_victim, policies[1], CONFIG_NAME_SIZE);
    memcpy(alone->eviction_policy, policies[2], CONFIG_NAME_SIZE);
    alone->max_concurrency = 0;
    alone->max_num_queued_reqs = alone->max_num_queued_tokens = 0;
    alone->arrival_speedup_ratio = 1;
    alone->request_rate = -1;
    alone->burstiness = burstiness;
    alone->ramp_up_strategy[0] = '\0';
    alone->ramp_up_start_rps = start;
    alone->ramp_up_end_rps = end;
    alone->data_plane = DATA_PLANE_OFF;
    alone->fleet = one_server;
    alone->contiguity = false;
}

/* Keys that only policies read are other keys in the two, and may make the times be computed twice, to the same; so does a lack of memory. */
bool alone_times_alike(const struct config *a, const struct config *b)
{
    struct config *both = calloc(2, sizeof *both);
    bool alike = both != NULL;
    if (both) {
        alone_config(a, &both[0]);
        alone_config(b, &both[1]);
    }
    for (size_t i = 0; i < config_key_count && alike; i++)
        alike = config_key_equal(&config_keys[i], &both[0], &both[1]);
    free(both);
    return alike;
}

/* ns[kind]: from its arrival to its end; -1: it has none, or ended so late that the next one was not alone. */
static enum status replay_kinds(const struct trace *kinds, const struct config *config, int64_t *ns, struct diag *diag)
{
    struct config alone;
    struct trace *fitted = NULL;
    struct ends ends = {.ns = ns};
    const struct observer observer = {.self = &ends, .events = on_events};
    alone_config(config, &alone);
    enum status status = workload_fit(kinds, &alone, &fitted, diag);
    ends.replayed = fitted ? fitted : kinds;
    if (status == SIM_OK)
        status = array_zeroed(&ends.left, kinds->count, sizeof *ends.left, "requests alone", diag);
    for (uint32_t position = 0; status == SIM_OK && position < ends.replayed->count; position++)
        ends.left[trace_index(ends.replayed, position)]++;
    if (status == SIM_OK)
        status = replay_observed(ends.replayed, &alone, &observer, false, diag);
    for (uint32_t kind = 0; status == SIM_OK && kind < kinds->count; kind++) {
        const int64_t arrival = kinds->arrival_ns[kind], took = ns[kind] - arrival;
        ns[kind] = ends.left[kind] > 0 || took <= 0 || took >= gap_between(kinds->count) ? -1 : took;
    }
    free(ends.left);
    trace_destroy(fitted);
    return status;
}

enum status alone_times(const struct trace *trace, const struct config *config, int64_t *out, struct diag *diag)
{
    struct trace kinds = {0};
    uint32_t *order = NULL;
    int64_t *ns = NULL;
    const struct array_request arrays[] = {ARRAY_OF(order, trace->count), ARRAY_OF(ns, trace->count)};
    enum status status = array_zeroed_all(arrays, 2, "requests alone", diag);
    for (uint32_t i = 0; i < trace->count && status == SIM_OK; i++)
        order[i] = i;
    if (status == SIM_OK) {
        sort_with(order, trace->count, sizeof *order, by_kind, (void *)(uintptr_t)trace);
        status = make_kinds(trace, order, &kinds, diag);
    }
    if (status == SIM_OK)
        status = replay_kinds(&kinds, config, ns, diag);
    for (uint32_t i = 0, kind = 0; i < trace->count && status == SIM_OK; i++) {
        kind += i > 0 && !same_kind(trace, order[i - 1], order[i]);
        out[order[i]] = ns[kind];
    }
    trace_clear(&kinds);
    free(order);
    free(ns);
    return status;
}
