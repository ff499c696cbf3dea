/* watch.c - the lines of live views: what is asked first is above. All fit 40 columns, with less picture. Read watch.h first. */
#include "command/watch.h"

#include <math.h>
#include <string.h>

#include "base/printable.h"
#include "base/units.h"

/* --- replay ------------------------------------------------------------------------------------------------------------------------- */

/* What is left of the width for a picture. */
static size_t room(const struct live_view *view, size_t taken)
{
    enum { PICTURE_MOST = 40 };
    const size_t left = view->width > taken ? view->width - taken : 0;
    return left < PICTURE_MOST ? left : PICTURE_MOST;
}

static void describe_queues(const struct replay_view *self, struct live_view *view)
{
    enum { WORDS = 48 };
    const struct latest_state *state = &self->state;
    char spark[LIVE_TEXT];
    live_spark(view, state->pieces, state->newest + 1, room(view, WORDS), spark);
    live_view_line(view, "running", "%u, waiting %u, peak %u%s%s", state->running, state->waiting, self->run->metrics.peak_running,
                   *spark ? " " : "", spark);
}

static void describe_pool(const struct replay_view *self, struct live_view *view)
{
    enum { WORDS = 48 };
    const double pool = self->run->config->num_gpu_blocks, share = self->state.used_blocks / pool;
    char bar[LIVE_TEXT], blocks[UNIT_TEXT];
    live_bar(view, share, room(view, WORDS), bar);
    live_view_line(view, "pool", "%.0f %%, peak %.0f %% of %s blocks%s%s", 100 * share, 100 * self->state.peak_used_blocks / pool,
                   unit_count(self->run->config->num_gpu_blocks, blocks), *bar ? " " : "", bar);
}

/* First all are routed, as far as the router has to know the replicas, then each replica is replayed and watched; with servers of prompts and of
 * answers both twice. */
static void describe_fleet(const struct progress *progress, struct live_view *view)
{
    const struct fleet *fleet = ((const struct replay_view *)progress->context)->run->fleet;
    const bool split = fleet->plan.config->fleet.prefill_replicas > 0;
    uint64_t requests = 0;
    char sent[UNIT_TEXT];
    live_view_line(view, "fleet", "%u replicas behind %s", fleet->plan.replicas, fleet->plan.router_name);
    if (fleet->stage_count == 0)
        return;
    const char *of = !split ? "" : fleet->stage_count == 1 ? " for prefill" : " for decode";
    const uint32_t stage = fleet->stage_count - 1;
    for (size_t i = 0; i < fleet->part_count; i++)
        requests += (fleet->parts[i].does == METRICS_DECODE) == (stage == 1) ? fleet->parts[i].member->count : 0;
    if (requests == 0)
        live_view_line(view, "now", "requests are routed%s", of);
    else
        live_view_line(view, "now", "replicas are replayed%s; %s requests were routed", of, unit_count(requests, sent));
}

static void describe_replay(const struct progress *progress, struct live_view *view)
{
    const struct replay_view *self = progress->context;
    const struct metrics *metrics = &self->run->metrics;
    const double seconds = (double)self->state.time_ns / 1e9;
    char done[UNIT_TEXT], all[UNIT_TEXT], rate[UNIT_TEXT], time[UNIT_TEXT];
    live_view_line(view, "done", "%s of %s requests", unit_count(progress->done, done), unit_count(progress->total, all));
    describe_queues(self, view);
    describe_pool(self, view);
    live_view_line(view, "output", "%s tokens/s in %s",
                   unit_count(seconds > 0 ? (uint64_t)((double)metrics->output_tokens / seconds) : 0, rate), unit_seconds(seconds, time));
    live_view_line(view, "preempted", "%s times", unit_count(metrics->preempt_recompute + metrics->preempt_swap, done));
}

struct observer replay_view_start(struct replay_view *view, const struct run *run, struct progress *progress)
{
    view->run = run;
    progress_start_view(progress, "replay", run->fleet ? describe_fleet : describe_replay, view);
    return latest_state_observer(&view->state);
}

/* --- sweep -------------------------------------------------------------------------------------------------------------------------- */

/* Runs that ended early are no candidates; of equal ones the first in the plan stays, whichever ended first. */
static void on_ended(void *context, const struct sweep_result *result, size_t point)
{
    struct sweep_best *best = context;
    const size_t figure = sweep_result_find(result, best->objective->name);
    best->ended++;
    if (result->rows[point].state != SWEEP_DONE || figure == result->figure_count || !isfinite(result->rows[point].values[figure]))
        return;
    const double value = result->rows[point].values[figure], gain = best->objective->maximise ? value - best->value : best->value - value;
    if (!isnan(best->value) && !(gain > 0) && !(gain == 0 && point < best->point))
        return;
    best->value = value;
    best->point = point;
}

/* Values of keys may be any text: what is not ASCII may be wider than it looks. */
static void describe_point(const struct sweep_best *best, struct live_view *view)
{
    char text[256], shown[LIVE_TEXT / 2];
    sweep_plan_describe(best->plan, best->point, text, sizeof text);
    printable_copy(text, shown, sizeof shown);
    for (char *at = shown; *at; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    live_view_line(view, "with", "%s", shown);
}

static void describe_sweep(const struct progress *progress, struct live_view *view)
{
    const struct sweep_best *best = progress->context;
    char ended[UNIT_TEXT], all[UNIT_TEXT];
    live_view_line(view, "runs", "%s of %s", unit_count(best->ended, ended), unit_count(best->total, all));
    if (isnan(best->value))
        return;
    live_view_line(view, "best", "%s %.6g", best->objective->name, best->value);
    describe_point(best, view);
}

const struct sweep_watcher *sweep_best_watch(struct sweep_best *best, const struct sweep_plan *plan, const struct sweep_view *view)
{
    *best = (struct sweep_best){.plan = plan,
                                .objective = &view->objectives[0],
                                .total = plan->point_count,
                                .value = NAN,
                                .watcher = {.describe = describe_sweep, .ended = on_ended, .context = best}};
    return &best->watcher;
}
