/* metrics.c - collects each request's story from events and the totals from runs of steps, and makes distributions of them at the end. Read
 * metrics.h first for the definitions. It watches every replay, so each event and each run of steps may cost a few additions only. */
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "observe/distribution.h"
#include "team.h"

/* Arithmetic progressions of gaps between tokens (gap_distribution.h). */
enum { GAP_PROGRESSIONS_PER_REQUEST = 4 };
/* With so many requests several threads make the distributions. */
enum { SHARED_FROM = 1 << 17 };
#define NS_PER_S INT64_C(1000000000)

/* A story starts with the trace's arrival, so that a request that was dropped, or never reached before an interruption, has one, too. */
enum status metrics_init(struct metrics *metrics, const struct trace *trace, struct diag *diag)
{
    *metrics = (struct metrics){.trace = trace, .first_arrival_ns = -1};
    enum status status = array_zeroed(&metrics->stories.times, trace->count, sizeof *metrics->stories.times, "metrics", diag);
    if (status == SIM_OK) /* real traces need about as many; growing later would copy them all */
        status = gap_distribution_reserve(&metrics->gaps, (size_t)trace->count * GAP_PROGRESSIONS_PER_REQUEST, diag);
    if (status == SIM_OK)
        memset(metrics->stories.times, 0xff, trace->count * sizeof *metrics->stories.times); /* -1 each */
    return status;
}

void metrics_deinit(struct metrics *metrics)
{
    free(metrics->stories.times);
    free(metrics->stories.arrival_ns);
    free(metrics->stories.output_tokens);
    free(metrics->stories.cached_tokens);
    free(metrics->stories.preemptions);
    free(metrics->stories.exceptions);
    gap_distribution_deinit(&metrics->gaps);
    stream_pauses_deinit(&metrics->pauses);
    free(metrics->open_gaps);
}

/* --- columns that few replays need ------------------------------------------------------------------------------------------------- */

/* In a closed loop, and for later turns of a session, the arrival is only known when it happens. */
static enum status note_arrival(struct metrics *metrics, uint32_t position, int64_t arrival_ns, struct diag *diag)
{
    const struct trace *trace = metrics->trace;
    if (!metrics->stories.arrival_ns && arrival_ns == trace->arrival_ns[position])
        return SIM_OK;
    if (!metrics->stories.arrival_ns) {
        enum status status = array_zeroed(&metrics->stories.arrival_ns, trace->count, sizeof *metrics->stories.arrival_ns, "metrics", diag);
        if (status != SIM_OK)
            return status;
        memcpy(metrics->stories.arrival_ns, trace->arrival_ns, trace->count * sizeof *metrics->stories.arrival_ns);
    }
    metrics->stories.arrival_ns[position] = arrival_ns;
    return SIM_OK;
}

/* Groups of V0 have the tokens of all their sequences. Called before the request counts as finished. */
static enum status note_output(struct metrics *metrics, uint32_t position, uint32_t tokens, struct diag *diag)
{
    const struct trace *trace = metrics->trace;
    if (!metrics->stories.output_tokens && tokens == trace->output_tokens[position])
        return SIM_OK;
    if (!metrics->stories.output_tokens) {
        enum status status =
            array_zeroed(&metrics->stories.output_tokens, trace->count, sizeof *metrics->stories.output_tokens, "metrics", diag);
        if (status != SIM_OK)
            return status;
        for (uint32_t before = 0; before < trace->count; before++)
            if (metrics->stories.times[before].finish_ns >= 0)
                metrics->stories.output_tokens[before] = trace->output_tokens[before];
    }
    metrics->stories.output_tokens[position] = tokens;
    return SIM_OK;
}

/* The place of a request in a column that starts with zeros; made if it is not there. */
static enum status place_in(uint32_t **column, const struct metrics *metrics, uint32_t position, uint32_t **out, struct diag *diag)
{
    enum status status = *column ? SIM_OK : array_zeroed(column, metrics->trace->count, sizeof **column, "metrics", diag);
    if (status == SIM_OK)
        *out = *column + position;
    return status;
}

static enum status exception_of(struct metrics *metrics, uint32_t position, struct request_exception **out, struct diag *diag)
{
    enum status status = metrics->stories.exceptions ? SIM_OK
                                                     : array_zeroed(&metrics->stories.exceptions, metrics->trace->count,
                                                                    sizeof *metrics->stories.exceptions, "metrics", diag);
    if (status == SIM_OK)
        *out = &metrics->stories.exceptions[position];
    return status;
}

/* --- events ------------------------------------------------------------------------------------------------------------------------ */

/* The prefix hit rate counts first admissions. A readmission finds the request's own old blocks, which says nothing about sharing, so it
 * enters only the sums that end in _all. */
static enum status note_admission(struct metrics *metrics, const struct event *event, struct diag *diag)
{
    uint64_t cached = (uint64_t)event->value, prompt = metrics->trace->input_tokens[event->request];
    uint32_t *place;
    metrics->cached_tokens_all += cached;
    metrics->known_tokens_all += event->other;
    metrics->external_tokens_all += event->external;
    if (event->kind == EVENT_READMIT)
        return SIM_OK;
    metrics->first_admissions++;
    metrics->prompt_tokens += prompt;
    metrics->cached_tokens += cached;
    metrics->external_tokens += event->external;
    metrics->stories.times[event->request].first_scheduled_ns = event->time_ns;
    if (cached == 0)
        return SIM_OK;
    enum status status = place_in(&metrics->stories.cached_tokens, metrics, event->request, &place, diag);
    if (status == SIM_OK)
        *place = (uint32_t)cached;
    return status;
}

/* value: computed tokens lost; a swap loses none. */
static enum status note_preemption(struct metrics *metrics, const struct event *event, struct diag *diag)
{
    const bool swap = event->extra == PREEMPT_SWAP;
    struct request_exception *exception;
    uint32_t *place;
    metrics->recomputed_tokens += (uint64_t)event->value;
    *(swap ? &metrics->preempt_swap : &metrics->preempt_recompute) += 1;
    enum status status = place_in(&metrics->stories.preemptions, metrics, event->request, &place, diag);
    if (status != SIM_OK)
        return status;
    ++*place;
    if (!swap)
        return SIM_OK;
    status = exception_of(metrics, event->request, &exception, diag);
    if (status == SIM_OK)
        exception->swapped_out_ns = event->time_ns;
    return status;
}

/* Requests that never run, or not to the end. */
static enum status note_loss(struct metrics *metrics, const struct event *event, struct diag *diag)
{
    struct request_exception *exception;
    enum status status = exception_of(metrics, event->request, &exception, diag);
    if (status != SIM_OK)
        return status;
    if (event->kind == EVENT_IGNORE) {
        exception->ignored = true;
        metrics->ignored++;
        return SIM_OK;
    }
    status = note_arrival(metrics, event->request, event->time_ns, diag);
    exception->dropped = true;
    exception->drop_reason = event->extra;
    exception->smallest_pool = (uint64_t)event->value;
    metrics->dropped++;
    return status;
}

/* Events come before the runs of their steps, which say when the stream pauses: with pauses, gaps wait for the end. */
static enum status note_gap(struct metrics *metrics, const struct event *event, struct diag *diag)
{
    if (!stream_pauses_any(&metrics->pauses))
        return gap_distribution_add(&metrics->gaps, event->value, 0, 1, event->extra, diag);
    const struct open_gap gap = {event->time_ns, event->value, event->extra};
    return array_append(&metrics->open_gaps, &metrics->open_gap_count, &metrics->open_gap_capacity, &gap, sizeof gap, "metrics", diag);
}

/* A gap between tokens as the client saw it. `weight`: how many saw it. */
static enum status add_streamed_gap(struct metrics *metrics, int64_t end_ns, int64_t gap_ns, uint32_t weight, struct diag *diag)
{
    const int64_t streamed_ns = stream_pauses_out(&metrics->pauses, end_ns) - stream_pauses_out(&metrics->pauses, end_ns - gap_ns);
    return gap_distribution_add(&metrics->gaps, streamed_ns, 0, 1, weight, diag);
}

static enum status close_gaps(struct metrics *metrics, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < metrics->open_gap_count && status == SIM_OK; i++) {
        const struct open_gap *gap = &metrics->open_gaps[i];
        status = add_streamed_gap(metrics, gap->end_ns, gap->gap_ns, gap->weight, diag);
    }
    metrics->open_gap_count = 0;
    return status;
}

/* Hot: once for each event of a replay. Every case is a store or two into the request's own story and into totals; what needs a walk over
 * all requests waits for on_finish. */
static enum status note_event(struct metrics *metrics, const struct event *event, struct diag *diag)
{
    struct request_times *times = &metrics->stories.times[event->request];
    enum status status;
    switch ((enum event_kind)event->kind) {
    case EVENT_ARRIVE:
        if (metrics->first_arrival_ns < 0) {
            metrics->first_arrival_ns = event->time_ns;
            metrics->output_peak.second_end_ns = event->time_ns + NS_PER_S;
        }
        return note_arrival(metrics, event->request, event->time_ns, diag);
    case EVENT_ADMIT:
    case EVENT_READMIT:
        return note_admission(metrics, event, diag);
    case EVENT_PREEMPT:
        return note_preemption(metrics, event, diag);
    case EVENT_FIRST_TOKEN:
        times->first_token_ns = event->time_ns;
        break;
    case EVENT_GAP: /* only gaps that are not one step long; the others come with runs of steps (on_runs) */
        return note_gap(metrics, event, diag);
    case EVENT_FINISH:
        status = note_output(metrics, event->request, (uint32_t)event->value, diag);
        times->finish_ns = event->time_ns;
        metrics->completed++;
        return status;
    case EVENT_IGNORE:
    case EVENT_DROP:
        return note_loss(metrics, event, diag);
    case EVENT_VAIN: /* counted with the runs */
        break;
    /* Tokens, latencies and the story go on as if it had waited; only the time out on the CPU is told apart. It was swapped out before. */
    case EVENT_SWAP_IN:
        metrics->swapped_ns += (uint64_t)(event->time_ns - metrics->stories.exceptions[event->request].swapped_out_ns);
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

/* The gaps of who decodes in a run are one progression, unless the stream paused. */
static enum status add_run_gaps(struct metrics *metrics, const struct step_run *run, struct diag *diag)
{
    const struct step_tally *first = &run->first;
    int64_t end_ns = first->start_ns, duration_ns = first->duration_ns;
    enum status status = SIM_OK;
    if (!stream_pauses_touch(&metrics->pauses, first->start_ns, first->start_ns + run->duration_ns))
        return gap_distribution_add(&metrics->gaps, first->duration_ns, run->change_ns, run->steps, first->regular_gaps, diag);
    for (uint32_t step = 0; step < run->steps && status == SIM_OK; step++, duration_ns += run->change_ns) {
        end_ns += duration_ns;
        status = add_streamed_gap(metrics, end_ns, duration_ns, first->regular_gaps, diag);
    }
    return status;
}

/* All steps of a run schedule, sample and copy the same, so its first step times their number is exact. Only their durations differ, by a
 * constant change. */
static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct metrics *metrics = self;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *first = &runs[i].first;
        const uint64_t steps = runs[i].steps;
        metrics->scheduled_tokens += first->scheduled_tokens * steps;
        metrics->output_tokens += first->sampled_tokens * steps;
        metrics->vain_tokens += first->vain_tokens * steps;
        metrics->draft_tokens += first->draft_tokens * steps;
        metrics->accepted_draft_tokens += first->accepted_draft_tokens * steps;
        note_tokens(&metrics->output_peak, &runs[i], first->sampled_tokens * steps);
        metrics->copies += first->copies * steps;
        metrics->forks += first->forks * steps;
        metrics->survivor_recomputes += first->survivor_recomputes * steps;
        metrics->swapped_in_blocks += first->swapped_in_blocks * steps;
        metrics->swapped_out_blocks += first->swapped_out_blocks * steps;
        metrics->peak_running = max_u32(metrics->peak_running, first->running);
        metrics->peak_waiting = max_u32(metrics->peak_waiting, first->waiting);
        enum status status = stream_pauses_note(&metrics->pauses, &runs[i], diag);
        if (status == SIM_OK && first->regular_gaps > 0)
            status = add_run_gaps(metrics, &runs[i], diag);
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

/* One latency of all requests that have it. Single values are worked out again for each walk rather than kept: any percentile may be asked
 * for after the replay. */
struct latency_values {
    const struct metrics *metrics;
    enum latency latency;
};

static size_t next_values(const void *self, uint32_t *position, double *values, size_t room)
{
    const struct latency_values *of = self;
    const struct metrics *metrics = of->metrics;
    size_t count = 0;
    for (; *position < metrics->trace->count && count < room; ++*position) {
        const struct request_story story = metrics_story(metrics, *position);
        count += request_latency_ms(&story, of->latency, metrics->trace, *position, &values[count]);
    }
    return count;
}

enum status metrics_percentiles(const struct metrics *metrics, enum latency latency, const double *percentiles, size_t count,
                                double *out_ms, struct diag *diag)
{
    const struct latency_values values = {metrics, latency};
    if (latency == LATENCY_ITL)
        return gap_distribution_percentiles(&metrics->gaps, percentiles, count, out_ms, diag);
    return value_source_percentiles(&(struct value_source){next_values, &values}, percentiles, count, out_ms, diag);
}

/* The largest of the pools that single requests need, as a pool that takes the largest takes the others, too. */
struct metrics_drops metrics_count_drops(const struct metrics *metrics)
{
    struct metrics_drops drops = {.pool_is_enough = metrics->dropped > 0};
    for (uint32_t position = 0; metrics->dropped > 0 && position < metrics->trace->count; position++) {
        const struct request_exception *exception = &metrics->stories.exceptions[position];
        if (!exception->dropped)
            continue;
        drops.count[exception->drop_reason]++;
        drops.smallest_pool = max_u64(drops.smallest_pool, exception->smallest_pool);
        drops.pool_is_enough = drops.pool_is_enough && exception->smallest_pool > 0;
    }
    return drops;
}

static enum status summarize(struct metrics *metrics, enum latency latency, struct diag *diag)
{
    struct summary *out = &metrics->latency_ms[latency];
    const struct latency_values values = {metrics, latency};
    if (latency_of_client(latency) && !metrics->closed_loop)
        return SIM_OK;
    return latency == LATENCY_ITL ? gap_distribution_summary(&metrics->gaps, out, diag)
                                  : value_source_summary(&(struct value_source){next_values, &values}, out, diag);
}

static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct metrics *metrics = self;
    metrics->end = *end;
    metrics->output_peak.most = max_u64(metrics->output_peak.most, metrics->output_peak.tokens); /* the last second */
    if (close_gaps(metrics, diag) != SIM_OK)
        return diag->status;
    enum status status = SIM_OK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(kv_team(0)) if (metrics->trace->count >= SHARED_FROM)
    for (int latency = 0; latency < LATENCIES; latency++) {
        struct diag own = {0}; /* one at a time: stacks may be small */
        const enum status result = summarize(metrics, (enum latency)latency, &own);
        if (result == SIM_OK)
            continue;
#pragma omp critical(metrics_failure)
        {
            status = result;
            *diag = own;
        }
    }
    return status;
}

struct observer metrics_observer(struct metrics *metrics)
{
    return (struct observer){.self = metrics, .runs = on_runs, .events = on_events, .finish = on_finish};
}

/* --- several servers --------------------------------------------------------------------------------------------------------------- */

enum status metrics_asked(struct metrics *metrics, uint32_t position, int64_t asked_ns, struct diag *diag)
{
    return note_arrival(metrics, position, asked_ns, diag);
}

static enum status add_to(uint32_t **column, const struct metrics *metrics, uint32_t position, uint32_t value, struct diag *diag)
{
    uint32_t *place;
    enum status status = value > 0 ? place_in(column, metrics, position, &place, diag) : SIM_OK;
    if (status == SIM_OK && value > 0)
        *place += value;
    return status;
}

/* A server of prompts says when a request began, one of answers when they came. */
static enum status merge_story(struct metrics *metrics, const struct request_story *story, uint32_t position, enum metrics_part kind,
                               struct diag *diag)
{
    struct request_times *times = &metrics->stories.times[position];
    struct request_exception *exception;
    enum status status = add_to(&metrics->stories.preemptions, metrics, position, story->preemptions, diag);
    if (status == SIM_OK && kind != METRICS_DECODE) {
        times->first_scheduled_ns = story->first_scheduled_ns;
        status = add_to(&metrics->stories.cached_tokens, metrics, position, story->cached_tokens, diag);
    }
    if (status == SIM_OK && kind != METRICS_PREFILL && story->finish_ns >= 0)
        status = note_output(metrics, position, story->output_tokens, diag);
    if (status == SIM_OK && kind != METRICS_PREFILL) {
        times->first_token_ns = story->first_token_ns;
        times->finish_ns = story->finish_ns;
    }
    if (status != SIM_OK || !(story->dropped || story->ignored))
        return status;
    status = exception_of(metrics, position, &exception, diag);
    if (status == SIM_OK)
        *exception = (struct request_exception){.dropped = story->dropped, .ignored = story->ignored, .drop_reason = story->drop_reason};
    if (status == SIM_OK && story->dropped)
        exception->smallest_pool = story->smallest_pool;
    return status;
}

static void merge_sums(struct metrics *metrics, const struct metrics *part, enum metrics_part kind)
{
    metrics->dropped += part->dropped;
    metrics->ignored += part->ignored;
    metrics->scheduled_tokens += part->scheduled_tokens;
    metrics->recomputed_tokens += part->recomputed_tokens;
    metrics->vain_tokens += part->vain_tokens;
    metrics->draft_tokens += part->draft_tokens;
    metrics->accepted_draft_tokens += part->accepted_draft_tokens;
    metrics->preempt_recompute += part->preempt_recompute;
    metrics->preempt_swap += part->preempt_swap;
    metrics->copies += part->copies;
    metrics->swapped_in_blocks += part->swapped_in_blocks;
    metrics->swapped_out_blocks += part->swapped_out_blocks;
    metrics->forks += part->forks;
    metrics->survivor_recomputes += part->survivor_recomputes;
    metrics->swapped_ns += part->swapped_ns;
    metrics->peak_running = max_u32(metrics->peak_running, part->peak_running);
    metrics->peak_waiting = max_u32(metrics->peak_waiting, part->peak_waiting);
    metrics->output_peak.most = max_u64(metrics->output_peak.most, part->output_peak.most);
    if (kind != METRICS_DECODE) {
        metrics->first_admissions += part->first_admissions;
        metrics->prompt_tokens += part->prompt_tokens;
        metrics->cached_tokens += part->cached_tokens;
        metrics->known_tokens_all += part->known_tokens_all;
        metrics->cached_tokens_all += part->cached_tokens_all;
    }
    if (kind != METRICS_PREFILL) {
        metrics->completed += part->completed;
        metrics->output_tokens += part->output_tokens;
    }
}

enum status metrics_merge(struct metrics *metrics, const struct metrics *part, const uint32_t *positions, enum metrics_part kind,
                          struct diag *diag)
{
    merge_sums(metrics, part, kind);
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < part->trace->count && status == SIM_OK; i++) {
        const struct request_story story = metrics_story(part, i);
        if (positions[i] == UINT32_MAX)
            continue;
        const int64_t asked_ns = metrics_story(metrics, positions[i]).arrival_ns;
        status = merge_story(metrics, &story, positions[i], kind, diag);
        if (!story.dropped && (metrics->first_arrival_ns < 0 || asked_ns < metrics->first_arrival_ns))
            metrics->first_arrival_ns = asked_ns;
    }
    return status;
}
