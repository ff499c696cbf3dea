/* replay_loop.c - the one loop over both kinds of stepper: drops, arrivals, idle time, interruption, the livelock guard, the end. Read
 * stepper.h first. What a step is, and what it costs, is the steppers' business (scheduler_stepper.c, vllm_v1_fast/event_replay.c).
 *
 * In each turn arrivals come first, as vLLM's engine empties its input queue before it schedules. The loop knows nothing of steps that
 * overlap or of blocks; it sees only a clock, who is next, and whether the stepper is idle. */
#include "engine/replay_loop.h"

#include <stdio.h>
#include <string.h>

/* Steps between two questions to the watch: a progress bar and an interrupt need no more, and a step can take less than a microsecond. */
enum { PROGRESS_STEPS = 1024 };

/* Requests that would wait for ever are told of before the first step. Neither engine passes over a head that does not fit, so one such
 * request would hold up all after it and end the replay as a stall. The event names the pool that would do, for the report's advice. The
 * first arrival can be found only when all drops are known. */
static enum status drop_hopeless(struct stepper *stepper, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < stepper->trace->count && status == SIM_OK; position++) {
        enum drop_reason why;
        uint64_t smallest_pool;
        if (!stepper->ops->never_runs(stepper, position, &why, &smallest_pool))
            continue;
        status = arrivals_drop(&stepper->arrivals, position, diag);
        if (status != SIM_OK)
            return status;
        stepper_event(stepper, EVENT_DROP, position, stepper->trace->arrival_ns[position], (int64_t)smallest_pool)->extra = (uint8_t)why;
        status = step_stream_event_done(&stepper->stream, diag);
    }
    arrivals_find_next(&stepper->arrivals);
    return status;
}

enum status replay_loop_begin(struct stepper *stepper, struct diag *diag)
{
    return drop_hopeless(stepper, diag);
}

/* The front door's verdict on the next request holds for all its samples. */
static enum status turn_away(struct stepper *stepper, struct diag *diag)
{
    const int64_t arrival_ns = stepper->arrivals.next_ns;
    uint32_t position, samples;
    enum status status = arrivals_reject(&stepper->arrivals, &position, &samples, diag);
    for (uint32_t i = 0; i < samples && status == SIM_OK; i++) {
        stepper_event(stepper, EVENT_DROP, position + i, arrival_ns, 0)->extra = DROP_QUEUE_FULL;
        status = step_stream_event_done(&stepper->stream, diag);
    }
    return status;
}

/* Everybody who has arrived by now. A request keeps its own arrival time, though the engine sees it only between two steps. The event
 * holds both times, and what lies between them is part of the request's waiting time. The time is read before arrivals_take, which moves
 * on to the next request. */
static enum status take_in(struct stepper *stepper, struct diag *diag)
{
    enum status status = SIM_OK;
    while (status == SIM_OK && stepper->arrivals.next_ns <= stepper->now_ns && stepper->arrivals.next < stepper->trace->count) {
        if (arrivals_rejects_next(&stepper->arrivals)) {
            status = turn_away(stepper, diag);
            continue;
        }
        const int64_t arrival_ns = stepper->arrivals.next_ns;
        const uint32_t position = arrivals_take(&stepper->arrivals);
        status = stepper_tell(stepper, EVENT_ARRIVE, position, arrival_ns, stepper->now_ns, diag);
        if (status == SIM_OK)
            status = stepper->ops->arrive(stepper, position, arrival_ns, diag);
    }
    return status;
}

/* Jump over time in which nothing can run. Before the first step there is nothing to tell of. Averages over time have to include the
 * pause, in which cached blocks stay where they are; so a gap is a tally with the state of the pool, and TALLY_GAP for a number, since
 * no step ran. */
static enum status skip_to(struct stepper *stepper, int64_t when_ns, struct diag *diag)
{
    enum status status = SIM_OK;
    if (stepper->step_number > 0 && when_ns > stepper->now_ns) {
        struct step_tally gap = {
            .step = TALLY_GAP, .start_ns = stepper->now_ns, .duration_ns = when_ns - stepper->now_ns, .mode = STEP_MODE_IDLE};
        gap.decided_ns = gap.start_ns;
        gap.state_ns = gap.duration_ns;
        stepper->ops->pool_state(stepper, &gap);
        status = step_stream_tally(&stepper->stream, &gap, diag);
        if (status == SIM_OK)
            status = stepper_show_pool(stepper, stepper->now_ns, when_ns, diag);
    }
    stepper->now_ns = when_ns;
    return status;
}

/* A stepper may take many steps in a call, so the watch is asked when the next thousand is full, not at each multiple. */
static bool interrupted(const struct stepper *stepper, const struct replay_watch *watch, uint64_t *next_question)
{
    if (!watch->progress || stepper->step_number < *next_question)
        return false;
    *next_question = stepper->step_number + PROGRESS_STEPS;
    return watch->progress(watch->context, stepper->arrivals.ended, stepper->trace->count - stepper->arrivals.dropped);
}

/* A call that covers many steps of decoding brings tokens in each, so counting calls is counting steps. A long prompt brings no token
 * for many steps either, but not for a million of them. */
static bool livelocked(uint32_t tokens, struct replay_facts *facts)
{
    facts->steps_without_token = tokens > 0 ? 0 : facts->steps_without_token + 1;
    if (facts->steps_without_token <= LIVELOCK_STEPS)
        return false;
    facts->end.stalled = true;
    snprintf(facts->diagnosis, sizeof facts->diagnosis,
             "a million steps brought no token: requests preempt each other for ever; raise num_gpu_blocks or lower max_num_seqs");
    return true;
}

/* Five ways out with SIM_OK: the horizon; an abort; a livelock; idle with nobody left to come, which is the normal end, or a stall if requests
 * are present that nothing can move. An idle stepper with an arrival ahead is not stuck, so the clock jumps to it; but not to a horizon, where
 * nothing happens that the stepper knows of. */
enum status replay_loop_go(struct stepper *stepper, const struct replay_watch *watch, struct replay_facts *facts, struct diag *diag)
{
    uint64_t next_question = 0;
    while (stepper->now_ns < stepper->arrivals.horizon_ns) {
        struct advance out = {0};
        enum status status = take_in(stepper, diag);
        if (status == SIM_OK && interrupted(stepper, watch, &next_question))
            status = diag_set(diag, SIM_INTERRUPTED, "interrupted");
        if (status == SIM_OK)
            status = stepper->ops->advance(stepper, &out, diag);
        if (status != SIM_OK)
            return status;
        if (out.abort) {
            facts->end.abort = out.abort;
            return SIM_OK;
        }
        if (!out.idle) {
            if (livelocked(out.tokens, facts))
                return SIM_OK;
            continue;
        }
        const int64_t next_ns = min_i64(stepper->arrivals.next_ns, stepper_wakes_ns(stepper));
        if (next_ns == stepper->arrivals.horizon_ns) {
            facts->end.stalled = stepper->arrivals.horizon_ns == INT64_MAX && arrivals_present(&stepper->arrivals) > 0;
            return SIM_OK;
        }
        status = skip_to(stepper, next_ns, diag);
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

/* Texts of the stepper go with the stepper, so they are copied. The livelock's diagnosis is the loop's own and stays; a stepper would
 * only describe the head of its queue. facts is all zero at the start, so a text that is cut still ends. What is left in the stream goes
 * to the observers before they are told of the end. */
static enum status finish(struct stepper *stepper, struct replay_facts *facts, struct diag *diag)
{
    const struct arrivals *arrivals = &stepper->arrivals;
    const struct step_stream *stream = &stepper->stream;
    facts->end.steps = stepper->step_number;
    facts->end.drafts = stepper->drafts;
    facts->end.offloads = stepper->offloads;
    facts->end.end_ns = stepper->now_ns;
    facts->end.unfinished = stepper->trace->count - arrivals->dropped - arrivals->ended;
    const bool died = facts->end.stalled || facts->end.abort;
    const char *diagnosis = died && stepper->ops->diagnose ? stepper->ops->diagnose(stepper) : NULL;
    if (diagnosis && !*facts->diagnosis)
        snprintf(facts->diagnosis, sizeof facts->diagnosis, "%s", diagnosis);
    if (facts->end.abort) {
        snprintf(facts->abort, sizeof facts->abort, "%s", facts->end.abort);
        facts->end.abort = facts->abort;
    }
    enum status status = step_stream_flush(&stepper->stream, diag);
    for (size_t i = 0; i < stream->observer_count && status == SIM_OK; i++)
        if (stream->observers[i].finish)
            status = stream->observers[i].finish(stream->observers[i].self, &facts->end, diag);
    return status;
}

enum status replay_loop_run(struct stepper *stepper, const struct replay_watch *watch, struct replay_facts *facts, struct diag *diag)
{
    enum status status = drop_hopeless(stepper, diag);
    if (status == SIM_OK)
        status = replay_loop_go(stepper, watch, facts, diag);
    return status == SIM_OK ? finish(stepper, facts, diag) : status;
}
