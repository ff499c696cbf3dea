/* replica.c - the engine of one replica behind its feed. */
#include "fleet/replica.h"

#include "replay/replay.h"

enum status replica_open(struct replica *replica, const struct fleet_kind *kind, const struct trace *trace, const int64_t *times_ns,
                         bool stops, int64_t now_ns, struct diag *diag)
{
    *replica = (struct replica){.feed = {.times_ns = times_ns, .stops = stops}, .reached_ns = now_ns};
    const struct replay_inputs inputs = {.trace = trace, .config = &kind->config, .model = kind->model, .feed = &replica->feed};
    return replay_stepper(&inputs, &(struct replay_options){0}, &replica->facts, &replica->stepper, diag);
}

void replica_close(struct replica *replica)
{
    if (replica->stepper)
        replica->stepper->ops->destroy(replica->stepper);
    arrival_feed_deinit(&replica->feed);
    replica->stepper = NULL;
}

enum status replica_send(struct replica *replica, uint32_t position, int64_t time_ns, bool *runs, struct diag *diag)
{
    enum drop_reason why;
    uint64_t smallest_pool;
    *runs = !replica->stepper->ops->never_runs(replica->stepper, position, &why, &smallest_pool);
    if (*runs && replica->feed.present == 0 && replica->reached_ns < time_ns)
        replica->reached_ns = time_ns; /* it had nothing to do until then */
    return *runs ? arrival_feed_send(&replica->feed, position, time_ns, diag) : SIM_OK;
}

/* An engine that dies, or does not go on, has answered nobody that it holds; the replay of the replica tells why. For routing it stands still at
 * the horizon. */
void replica_advance(struct replica *replica, int64_t horizon_ns)
{
    struct stepper *stepper = replica->stepper;
    static const struct replay_watch nobody = {0};
    arrivals_set_horizon(&stepper->arrivals, horizon_ns);
    if (!replica->facts.end.abort && !replica->facts.end.stalled)
        replica->status = replay_loop_go(stepper, &nobody, &replica->facts, &replica->diag);
    replica->reached_ns = stepper->now_ns > stepper->arrivals.horizon_ns ? stepper->now_ns : stepper->arrivals.horizon_ns;
}
