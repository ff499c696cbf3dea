/* metrics.c - see metrics.h. */
#include "observe/metrics.h"

#include <stdlib.h>

#include "base/array.h"
#include "observe/distribution.h"
#include "observe/latency.h"

enum { GAP_RUNS_PER_REQUEST = 4 };

enum status metrics_init(struct metrics *metrics, const struct trace *trace, struct diag *diag)
{
    *metrics = (struct metrics){.trace = trace, .first_arrival_ns = -1};
    enum status status = array_zeroed(&metrics->stories, trace->count, sizeof *metrics->stories, "metrics", diag);
    if (status == SIM_OK) /* what real traces come to; growing would copy what there is */
        status = gap_distribution_reserve(&metrics->gaps, (size_t)trace->count * GAP_RUNS_PER_REQUEST, diag);
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

static enum status note_event(struct metrics *metrics, const struct event *event, struct diag *diag)
{
    struct request_story *story = &metrics->stories[event->request];
    switch ((enum event_kind)event->kind) {
    case EVENT_ARRIVE:
        story->arrival_ns = event->time_ns;
        if (metrics->first_arrival_ns < 0)
            metrics->first_arrival_ns = event->time_ns;
        break;
    case EVENT_ADMIT:
    case EVENT_READMIT:
        note_admission(metrics, story, event);
        break;
    case EVENT_PREEMPT:
        story->preemptions++;
        metrics->recomputed_tokens += (uint64_t)event->value;
        story->swapped_out_ns = event->time_ns;
        *(event->extra == PREEMPT_SWAP ? &metrics->preempt_swap : &metrics->preempt_recompute) += 1;
        break;
    case EVENT_FIRST_TOKEN:
        story->first_token_ns = event->time_ns;
        break;
    case EVENT_GAP:
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

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct metrics *metrics = self;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *first = &runs[i].first;
        const uint64_t steps = runs[i].steps;
        metrics->scheduled_tokens += first->scheduled_tokens * steps;
        metrics->output_tokens += first->sampled_tokens * steps;
        metrics->copies += first->copies * steps;
        metrics->forks += first->forks * steps;
        metrics->survivor_recomputes += first->survivor_recomputes * steps;
        metrics->swapped_in_blocks += first->swapped_in_blocks * steps;
        metrics->swapped_out_blocks += first->swapped_out_blocks * steps;
        if (first->running > metrics->peak_running)
            metrics->peak_running = first->running;
        if (first->waiting > metrics->peak_waiting)
            metrics->peak_waiting = first->waiting;
        if (first->regular_gaps > 0) {
            enum status status =
                gap_distribution_add(&metrics->gaps, first->duration_ns, runs[i].change_ns, runs[i].steps, first->regular_gaps, diag);
            if (status != SIM_OK)
                return status;
        }
    }
    return SIM_OK;
}

/* Fresh memory costs more than another walk over the stories: all kinds of latency take turns in `values`. */
static enum status collect_latencies(const struct metrics *metrics, latency_of *latency, struct distribution *values, struct figures *out,
                                     struct diag *diag)
{
    enum status status = SIM_OK;
    values->count = 0;
    for (uint32_t position = 0; position < metrics->trace->count && status == SIM_OK; position++) {
        double ms;
        if (latency(&metrics->stories[position], metrics->trace->output_tokens[position], &ms))
            status = distribution_add(values, ms, diag);
    }
    return status == SIM_OK ? distribution_figures(values, out, diag) : status;
}

static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct metrics *metrics = self;
    struct distribution values = {0};
    metrics->end = *end;
    enum status status = distribution_reserve(&values, metrics->trace->count, diag);
    if (status == SIM_OK)
        status = collect_latencies(metrics, latency_ttft, &values, &metrics->ttft_ms, diag);
    if (status == SIM_OK)
        status = collect_latencies(metrics, latency_tpot, &values, &metrics->tpot_ms, diag);
    if (status == SIM_OK)
        status = collect_latencies(metrics, latency_e2e, &values, &metrics->e2e_ms, diag);
    if (status == SIM_OK)
        status = collect_latencies(metrics, latency_queue, &values, &metrics->queue_ms, diag);
    distribution_deinit(&values);
    return status == SIM_OK ? gap_distribution_figures(&metrics->gaps, &metrics->itl_ms, diag) : status;
}

struct observer metrics_observer(struct metrics *metrics)
{
    return (struct observer){.self = metrics, .runs = on_runs, .events = on_events, .finish = on_finish};
}
