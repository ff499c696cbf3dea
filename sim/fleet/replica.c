/* replica.c - the engine of one replica behind its feed. */
#include "fleet/replica.h"

#include <assert.h>

#include "base/integers.h"
#include "replay/replay.h"

/* Can nobody end in fewer steps than tokens to come? Drafts bring several tokens in a step; who is rejected, or given up by V0, ends at once. */
static bool takes_a_step_a_token(const struct stepper *stepper)
{
    const struct config *config = stepper->config;
    return stepper->ops->steps_to_end && config->speculative.method == SPECULATIVE_NONE && config->max_num_queued_reqs == 0 &&
           config->max_num_queued_tokens == 0;
}

enum status replica_open(struct replica *replica, const struct fleet_kind *kind, const struct trace *trace, const int64_t *times_ns,
                         bool stops, int64_t now_ns, struct diag *diag)
{
    *replica = (struct replica){.feed = {.times_ns = times_ns, .stops = stops}, .reached_ns = now_ns, .quiet_ns = now_ns};
    const struct replay_inputs inputs = {.trace = trace, .config = &kind->config, .model = kind->model, .feed = &replica->feed};
    enum status status = replay_stepper(&inputs, &(struct replay_options){0}, &replica->facts, &replica->stepper, diag);
    if (status == SIM_OK && takes_a_step_a_token(replica->stepper))
        replica->least_ns = step_time_least(kind->model);
    return status;
}

void replica_close(struct replica *replica)
{
    if (replica->stepper)
        replica->stepper->ops->destroy(replica->stepper);
    arrival_feed_deinit(&replica->feed);
    replica->stepper = NULL;
}

/* After so many steps that take as little as any. */
static int64_t later(int64_t time_ns, uint32_t steps, int64_t step_ns)
{
    int64_t sum;
    return __builtin_mul_overflow((int64_t)steps, step_ns, &sum) || __builtin_add_overflow(sum, time_ns, &sum) ? time_ns : sum;
}

enum status replica_send(struct replica *replica, uint32_t position, int64_t time_ns, bool *runs, struct diag *diag)
{
    enum drop_reason why;
    uint64_t smallest_pool;
    *runs = !replica->stepper->ops->never_runs(replica->stepper, position, &why, &smallest_pool);
    if (!*runs)
        return SIM_OK;
    const int64_t earliest_ns = later(time_ns, replica->stepper->trace->output_tokens[position], replica->least_ns);
    if (replica->feed.present == 0 || replica->reached_ns == INT64_MAX) /* it had nothing to do until then */
        replica->reached_ns = max_i64(time_ns, replica->reached_ns == INT64_MAX ? 0 : replica->reached_ns);
    if (replica->feed.present == 0 || earliest_ns < replica->quiet_ns)
        replica->quiet_ns = earliest_ns;
    return arrival_feed_send(&replica->feed, position, time_ns, diag);
}

/* An engine that dies, or does not go on, has answered nobody that it holds; the replay of the replica tells why. */
void replica_advance(struct replica *replica, int64_t horizon_ns)
{
    struct stepper *stepper = replica->stepper;
    static const struct replay_watch nobody = {0};
    const int64_t promised_ns = replica->quiet_ns;
    const size_t ends = replica->feed.end_count;
    arrivals_set_horizon(&stepper->arrivals, horizon_ns);
    if (!replica->facts.end.abort && !replica->facts.end.stalled)
        replica->status = replay_loop_go(stepper, &nobody, &replica->facts, &replica->diag);
    assert(ends == replica->feed.end_count || replica->feed.ended[ends].time_ns >= promised_ns);
    (void)ends, (void)promised_ns;
    const uint32_t quiet = replica->least_ns > 0 ? stepper->ops->steps_to_end(stepper) : 0;
    replica->reached_ns = stepper->now_ns > stepper->arrivals.horizon_ns ? stepper->now_ns : stepper->arrivals.horizon_ns;
    /* It holds requests that nothing can move, or has died: nothing happens until somebody is sent, if then. */
    const bool stuck = stepper->now_ns < stepper->arrivals.horizon_ns && replica->feed.first == replica->feed.count &&
                       stepper_wakes_ns(stepper) == INT64_MAX;
    if (stuck || replica->facts.end.abort || replica->facts.end.stalled)
        replica->reached_ns = INT64_MAX;
    replica->quiet_ns = later(stepper->now_ns, quiet, replica->least_ns);
    for (size_t i = replica->feed.first; i < replica->feed.count; i++) { /* on their way */
        const struct feed_item *item = &replica->feed.sent[i];
        replica->quiet_ns =
            min_i64(replica->quiet_ns, later(item->time_ns, stepper->trace->output_tokens[item->position], replica->least_ns));
    }
}
