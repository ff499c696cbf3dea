/* metrics.c - collects each request's story from events and the totals from runs of steps, and makes distributions of them at the end. Read
 * metrics.h first for the definitions. It watches every replay, so each event and each run of steps may cost a few additions only. */
#include "observe/metrics.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "observe/distribution.h"

/* Arithmetic progressions of gaps between tokens (gap_distribution.h). */
enum { GAP_PROGRESSIONS_PER_REQUEST = 4 };
#define NS_PER_S INT64_C(1000000000)

/* A story starts with the trace's arrival, so that a request that was dropped, or never reached before an interruption, has one, too. In a
 * closed loop the arrival is only known at EVENT_ARRIVE, which overwrites it. */
enum status metrics_init(struct metrics *metrics, const struct trace *trace, struct diag *diag)
{
    *metrics = (struct metrics){.trace = trace, .first_arrival_ns = -1};
    enum status status = array_zeroed(&metrics->stories, trace->count, sizeof *metrics->stories, "metrics", diag);
    if (status == SIM_OK) /* real traces need about as many; growing later would copy them all */
        status = gap_distribution_reserve(&metrics->gaps, (size_t)trace->count * GAP_PROGRESSIONS_PER_REQUEST, diag);
    for (uint32_t position = 0; status == SIM_OK && position < trace->count; position++)
        metrics->stories[position] = (struct request_story){
            .arrival_ns = trace->arrival_ns[position], .first_scheduled_ns = -1, .first_token_ns = -1, .finish_ns = -1};
    return status;
}

void metrics_deinit(struct metrics *metrics)
{
    free(metrics->stories);
    gap_distribution_deinit(&metrics->gaps);
}

/* The prefix hit rate counts first admissions. A readmission finds the request's own old blocks, which says nothing about sharing, so it
 * enters only the sums that end in _all. */
static void note_admission(struct metrics *metrics, struct request_story *story, const struct event *event)
{
    uint64_t cached = (uint64_t)event->value, prompt = metrics->trace->input_tokens[event->request];
    metrics->cached_tokens_all += cached;
    metrics->known_tokens_all += event->other;
    if (event->kind == EVENT_READMIT)
        return;
    metrics->first_admissions++;
    metrics->prompt_tokens += prompt;
    metrics->cached_tokens += cached;
    story->first_scheduled_ns = event->time_ns;
    story->cached_tokens = (uint32_t)cached;
}

/* Hot: once for each event of a replay. Every case is a store or two into the request's own story and into totals; what needs a walk over
 * all requests waits for on_finish. */
static enum status note_event(struct metrics *metrics, const struct event *event, struct diag *diag)
{
    struct request_story *story = &metrics->stories[event->request];
    switch ((enum event_kind)event->kind) {
    case EVENT_ARRIVE:
        story->arrival_ns = event->time_ns;
        if (metrics->first_arrival_ns < 0) {
            metrics->first_arrival_ns = event->time_ns;
            metrics->output_peak.second_end_ns = event->time_ns + NS_PER_S;
        }
        break;
    case EVENT_ADMIT:
    case EVENT_READMIT:
        note_admission(metrics, story, event);
        break;
    case EVENT_PREEMPT: /* value: computed tokens lost; a swap loses none */
        story->preemptions++;
        metrics->recomputed_tokens += (uint64_t)event->value;
        story->swapped_out_ns = event->time_ns;
        *(event->extra == PREEMPT_SWAP ? &metrics->preempt_swap : &metrics->preempt_recompute) += 1;
        break;
    case EVENT_FIRST_TOKEN:
        story->first_token_ns = event->time_ns;
        break;
    case EVENT_GAP: /* only gaps that are not one step long; the others come with runs of steps (on_runs) */
        return gap_distribution_add(&metrics->gaps, event->value, 0, 1, event->extra, diag);
    case EVENT_FINISH:
        story->finish_ns = event->time_ns;
        story->output_tokens = (uint32_t)event->value;
        metrics->completed++;
        break;
    case EVENT_IGNORE:
        story->ignored = true;
        metrics->ignored++;
        break;
    case EVENT_DROP:
        story->dropped = true;
        story->drop_reason = event->extra;
        story->smallest_pool = (uint64_t)event->value;
        metrics->dropped++;
        break;
    /* Tokens, latencies and the story go on as if it had waited; only the time out on the CPU is told apart. */
    case EVENT_SWAP_IN:
        metrics->swapped_ns += event->time_ns - story->swapped_out_ns;
        break;
    }
    return SIM_OK;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++)
        status = note_event(self, &events[i], diag);
    return status;
}

/* Where a run leaves the second, its steps are walked one by one; each takes change_ns longer than the one before it, the engine's own
 * arithmetic. Not in line: few runs do, and all others should not pay for it. */
static void __attribute__((noinline)) walk_tokens(struct token_peak *peak, const struct step_run *run)
{
    int64_t end_ns = run->first.start_ns, duration_ns = run->first.duration_ns;
    for (uint32_t step = 0; step < run->steps; step++, duration_ns += run->change_ns) {
        end_ns += duration_ns;
        if (end_ns >= peak->second_end_ns) {
            peak->most = max_u64(peak->most, peak->tokens);
            const int64_t further_ns = ((end_ns - peak->second_end_ns) / NS_PER_S + 1) * NS_PER_S;
            if (__builtin_add_overflow(peak->second_end_ns, further_ns, &peak->second_end_ns))
                peak->second_end_ns = INT64_MAX; /* the clock ends within the last second */
            peak->tokens = 0;
        }
        peak->tokens += run->first.sampled_tokens;
    }
}

/* A run that ends within the second is one sum. `tokens`: of all its steps. */
static void note_tokens(struct token_peak *peak, const struct step_run *run, uint64_t tokens)
{
    if (tokens == 0)
        return;
    if (run->first.start_ns + run->duration_ns < peak->second_end_ns)
        peak->tokens += tokens;
    else
        walk_tokens(peak, run);
}

/* All steps of a run schedule, sample and copy the same, so its first step times their number is exact. Only their durations differ, by a
 * constant change: the gaps of the requests that decode in it are one progression. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct metrics *metrics = self;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *first = &runs[i].first;
        const uint64_t steps = runs[i].steps;
        metrics->scheduled_tokens += first->scheduled_tokens * steps;
        metrics->output_tokens += first->sampled_tokens * steps;
        note_tokens(&metrics->output_peak, &runs[i], first->sampled_tokens * steps);
        metrics->copies += first->copies * steps;
        metrics->forks += first->forks * steps;
        metrics->survivor_recomputes += first->survivor_recomputes * steps;
        metrics->swapped_in_blocks += first->swapped_in_blocks * steps;
        metrics->swapped_out_blocks += first->swapped_out_blocks * steps;
        metrics->peak_running = max_u32(metrics->peak_running, first->running);
        metrics->peak_waiting = max_u32(metrics->peak_waiting, first->waiting);
        if (first->regular_gaps > 0) {
            enum status status =
                gap_distribution_add(&metrics->gaps, first->duration_ns, runs[i].change_ns, runs[i].steps, first->regular_gaps, diag);
            if (status != SIM_OK)
                return status;
        }
    }
    return SIM_OK;
}

/* One latency of all requests that have it, into `values`, which is emptied first. */
static enum status collect_values(const struct metrics *metrics, enum latency latency, struct distribution *values, struct diag *diag)
{
    enum status status = SIM_OK;
    values->count = 0;
    for (uint32_t position = 0; position < metrics->trace->count && status == SIM_OK; position++) {
        double ms;
        if (request_latency_ms(&metrics->stories[position], latency, metrics->trace, position, &ms))
            status = distribution_add(values, ms, diag);
    }
    return status;
}

/* Any percentile may be asked for after the replay, so single values are collected again rather than kept. */
enum status metrics_percentiles(const struct metrics *metrics, enum latency latency, const double *percentiles, size_t count,
                                double *out_ms, struct diag *diag)
{
    if (latency == LATENCY_ITL)
        return gap_distribution_percentiles(&metrics->gaps, percentiles, count, out_ms, diag);
    struct distribution values = {0};
    enum status status = collect_values(metrics, latency, &values, diag);
    if (status == SIM_OK)
        status = distribution_percentiles(&values, percentiles, count, out_ms, diag);
    distribution_deinit(&values);
    return status;
}

/* The largest of the pools that single requests need, as a pool that takes the largest takes the others, too. */
struct metrics_drops metrics_count_drops(const struct metrics *metrics)
{
    struct metrics_drops drops = {.pool_is_enough = metrics->dropped > 0};
    for (uint32_t position = 0; metrics->dropped > 0 && position < metrics->trace->count; position++) {
        const struct request_story *story = &metrics->stories[position];
        if (!story->dropped)
            continue;
        drops.count[story->drop_reason]++;
        drops.smallest_pool = max_u64(drops.smallest_pool, story->smallest_pool);
        drops.pool_is_enough = drops.pool_is_enough && story->smallest_pool > 0;
    }
    return drops;
}

/* All latencies take turns in one array. Fresh memory for each would cost more than walking over the stories again. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct metrics *metrics = self;
    struct distribution values = {0};
    metrics->end = *end;
    metrics->output_peak.most = max_u64(metrics->output_peak.most, metrics->output_peak.tokens); /* the last second */
    enum status status = distribution_reserve(&values, metrics->trace->count, diag);
    for (int latency = 0; latency < LATENCIES && status == SIM_OK; latency++) {
        struct summary *out = &metrics->latency_ms[latency];
        if (latency_of_client((enum latency)latency) && !metrics->closed_loop)
            continue;
        if (latency == LATENCY_ITL) {
            status = gap_distribution_summary(&metrics->gaps, out, diag);
            continue;
        }
        status = collect_values(metrics, (enum latency)latency, &values, diag);
        if (status == SIM_OK)
            status = distribution_summary(&values, out, diag);
    }
    distribution_deinit(&values);
    return status;
}

struct observer metrics_observer(struct metrics *metrics)
{
    return (struct observer){.self = metrics, .runs = on_runs, .events = on_events, .finish = on_finish};
}
