/* scheduler_stepper.c - a step of a readable scheduler from decision to tally, and the events that its lists amount to. Read scheduler.h
 * and stepper.h first; step.h says in which order events come.
 *
 * One step, and who sees what of it:
 *
 *     schedule -> price -> events of the decisions -> scheduled() -> complete -> events of the tokens -> tally -> completed()
 *                                                                  ^
 * With asynchronous scheduling the next step gets this far before the one in flight goes on. */
#include "engine/scheduler_stepper.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "engine/slot_count.h"

/* What is remembered of a request, to turn sampled tokens into events. */
struct request_times {
    int64_t last_token_ns; /* -1 before the first */
    uint32_t output_tokens;
    bool admitted, waits; /* waits: after a preemption */
};

struct scheduler_stepper {
    struct stepper base;
    struct scheduler *scheduler;
    bool check, quiet;           /* quiet: not every step has to be shown */
    struct request_times *times; /* by position */
    struct slot_count slots;
    struct step steps[2];   /* the one that is decided, and the one in flight */
    struct step *step;      /* of those, the one that is decided, or was last */
    struct step *in_flight; /* asynchronous scheduling: its output is not back. NULL: none */
};

static bool stepper_never_runs(const struct stepper *stepper, uint32_t position, enum drop_reason *why, uint64_t *smallest_pool)
{
    const struct scheduler *scheduler = ((const struct scheduler_stepper *)stepper)->scheduler;
    return scheduler->ops->never_runs(stepper->trace, stepper->config, position, why, smallest_pool);
}

static enum status stepper_arrive(struct stepper *stepper, uint32_t position, int64_t arrival_ns, struct diag *diag)
{
    struct scheduler_stepper *self = (struct scheduler_stepper *)stepper;
    self->times[position].last_token_ns = -1;
    return self->scheduler->ops->arrive(self->scheduler, position, arrival_ns, diag);
}

/* Events of what schedule() decided, in the order that step.h promises. Known tokens of an admission are the prompt and what was
 * generated before a preemption; the scheduler's list does not say, so the stepper's own count of outputs does. A group that V0 ignores
 * has its (empty) answer, so its slot of a closed loop is free at once. */
static enum status tell_decisions(struct scheduler_stepper *self, struct diag *diag)
{
    const struct step *step = self->step;
    const int64_t now = step->tally.decided_ns;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < step->preempted_count && status == SIM_OK; i++) {
        const struct preempted *victim = &step->preempted[i];
        struct event *event = stepper_event(&self->base, EVENT_PREEMPT, victim->request, now, victim->tokens_lost);
        event->other = victim->requester;
        event->blocks = victim->blocks;
        event->extra = (uint8_t)victim->kind;
        self->times[victim->request].waits = true;
        status = step_stream_event_done(&self->base.stream, diag);
    }
    for (uint32_t i = 0; i < step->resumed_count && status == SIM_OK; i++) {
        self->times[step->resumed[i]].waits = false;
        status = stepper_tell(&self->base, EVENT_SWAP_IN, step->resumed[i], now, 0, diag);
    }
    for (uint32_t i = 0; i < step->admitted_count && status == SIM_OK; i++) {
        struct request_times *times = &self->times[step->admitted[i].request];
        const uint32_t request = step->admitted[i].request, cached = step->admitted[i].cached_tokens;
        struct event *event = stepper_event(&self->base, times->admitted ? EVENT_READMIT : EVENT_ADMIT, request, now, cached);
        event->other = self->base.trace->input_tokens[request] + times->output_tokens;
        event->external = step->admitted[i].external_tokens;
        times->admitted = true;
        times->waits = false;
        status = step_stream_event_done(&self->base.stream, diag);
    }
    for (uint32_t i = 0; i < step->ignored_count && status == SIM_OK; i++) {
        arrivals_end(&self->base.arrivals, step->ignored[i], now);
        status = stepper_tell(&self->base, EVENT_IGNORE, step->ignored[i], now, 0, diag);
    }
    return status;
}

/* Turn who got tokens into first tokens, gaps and finishes; counts the gaps that are simply the step's duration. A request whose last
 * token came at the end of the step before has a gap of exactly this step's duration: that is nearly every token, and a count in the
 * tally stands for all of them. Only the others need events: first tokens, and gaps after steps in which a request had no turn or was
 * preempted. `finished` is in the order of `sampled`, so one index walks along. Tokens that speculation brings at once are one
 * answer with one gap; those of V0 belong to as many samples. A gap's `extra` has eight bits; larger groups than 255
 * samples count as 255. */
static enum status tell_tokens(struct scheduler_stepper *self, struct step *step, int64_t end_ns, struct diag *diag)
{
    enum status status = SIM_OK;
    const bool at_once = self->base.config->speculative.method != SPECULATIVE_NONE;
    uint32_t done = 0;
    for (uint32_t i = 0; i < step->scheduled_count && step->tally.vain_tokens > 0 && status == SIM_OK; i++)
        if (step->scheduled[i].vain)
            status = stepper_tell_of(&self->base, step->tally.step, EVENT_VAIN, step->scheduled[i].request, end_ns,
                                     step->scheduled[i].tokens, diag);
    for (uint32_t i = 0; i < step->sampled_count && status == SIM_OK; i++) {
        const uint32_t request = step->sampled[i].request, tokens = (uint32_t)step->sampled[i].tokens, gaps = at_once ? 1 : tokens;
        struct request_times *times = &self->times[request];
        if (times->last_token_ns < 0) {
            status = stepper_tell_of(&self->base, step->tally.step, EVENT_FIRST_TOKEN, request, end_ns, tokens, diag);
        } else if (times->last_token_ns == step->tally.start_ns) {
            step->tally.regular_gaps += gaps;
        } else {
            stepper_event_of(&self->base, step->tally.step, EVENT_GAP, request, end_ns, end_ns - times->last_token_ns)->extra =
                (uint8_t)min_u32(gaps, UINT8_MAX);
            status = step_stream_event_done(&self->base.stream, diag);
        }
        times->last_token_ns = end_ns;
        times->output_tokens += tokens;
        if (status == SIM_OK && done < step->finished_count && step->finished[done] == request) {
            done++;
            arrivals_end(&self->base.arrivals, request, end_ns);
            stepper_event_of(&self->base, step->tally.step, EVENT_FINISH, request, end_ns, times->output_tokens)->extra = times->waits;
            status = step_stream_event_done(&self->base.stream, diag);
        }
    }
    return status;
}

/* An answer's drafts are counted as vLLM counts them: right ones even if the request ended before it took them. */
static void count_drafts(struct draft_sums *sums, const struct step *step)
{
    for (uint32_t i = 0; i < step->scheduled_count; i++) {
        const struct scheduled *scheduled = &step->scheduled[i];
        if (scheduled->drafts == 0 || scheduled->vain)
            continue;
        sums->verified++;
        for (uint32_t at = 0; at < scheduled->accepted; at++)
            sums->accepted_at[at]++;
    }
}

/* The decided step is on its way: price and show it. Observers of `scheduled` come before complete(), which gives back the tables of those
 * who finish: the data plane has to see them whole. */
static enum status submit_step(struct scheduler_stepper *self, struct diag *diag)
{
    struct step *step = self->step;
    step->shape.step = self->base.step_number;
    step->shape.copies = step->copy_count;
    step->shape.swapped_blocks = step->swap_in_count + step->swap_out_count;
    step->shape.idle = step->scheduled_count == 0;
    step->tally.step = self->base.step_number;
    enum status status = stepper_time_step(&self->base, &step->shape, &step->tally, diag);
    if (status == SIM_OK && self->scheduler->ops->priced)
        status = self->scheduler->ops->priced(self->scheduler, step, diag);
    if (status == SIM_OK)
        status = tell_decisions(self, diag);
    if (status == SIM_OK)
        status = step_stream_step(&self->base.stream, step, false, diag);
    self->base.step_number++;
    return status;
}

/* The step's output is back: complete, show. The tally comes last, since it includes what the outputs brought (gaps, V0's forks). */
static enum status take_output(struct scheduler_stepper *self, struct step *step, struct diag *diag)
{
    const int64_t end_ns = step->tally.start_ns + step->tally.duration_ns;
    stepper_wait_until(&self->base, end_ns);
    enum status status = self->scheduler->ops->complete(self->scheduler, end_ns, step, diag);
    if (self->slots.tokens)
        slot_count_completed(&self->slots, step);
    if (step->tally.draft_tokens > 0)
        count_drafts(&self->base.drafts, step);
    if (status == SIM_OK)
        status = tell_tokens(self, step, end_ns, diag);
    if (status == SIM_OK)
        status = step_stream_tally(&self->base.stream, &step->tally, diag);
    if (status == SIM_OK)
        status = step_stream_step(&self->base.stream, step, true, diag);
    if (status == SIM_OK && self->check && !self->scheduler->ops->check(self->scheduler, diag))
        status = SIM_FAILED;
    return status;
}

/* --- quiet steps ------------------------------------------------------------------------------------------------------------------- */

/* A run of steps on its way into the stream. */
struct quiet_run {
    struct step_run *open; /* NULL: none */
    int64_t last_ns;       /* duration of its newest step */
};

static enum status close_run(struct scheduler_stepper *self, struct quiet_run *run, struct diag *diag)
{
    const bool open = run->open != NULL;
    run->open = NULL;
    return open ? step_stream_run_done(&self->base.stream, diag) : SIM_OK;
}

/* Steps become runs as far as their durations rise evenly: the second step says by how much. */
static enum status add_to_run(struct scheduler_stepper *self, struct quiet_run *run, struct diag *diag)
{
    struct step_stream *stream = &self->base.stream;
    const struct step_tally *tally = &self->step->tally;
    const int64_t change_ns = tally->duration_ns - run->last_ns;
    enum status status = SIM_OK;
    run->last_ns = tally->duration_ns;
    if (run->open && run->open->steps == 1)
        run->open->change_ns = change_ns;
    if (run->open && run->open->change_ns == change_ns) {
        step_run_extend(stream, tally, run->open);
        return SIM_OK;
    }
    status = close_run(self, run, diag);
    run->open = step_stream_run(stream);
    step_run_begin(stream, tally, run->open);
    return status;
}

/* A decided quiet step: price and tell it, as run_step() does. Requests may have stood still before the first one of a stretch, so its
 * tokens are looked at. In all others everybody's gap is the step's duration. */
static enum status run_quiet_step(struct scheduler_stepper *self, bool first, struct quiet_run *run, struct diag *diag)
{
    struct step *step = self->step;
    struct step_tally *tally = &step->tally;
    step->shape.step = tally->step = self->base.step_number;
    enum status status = stepper_time_step(&self->base, &step->shape, tally, diag);
    if (status != SIM_OK)
        return status;
    const int64_t end_ns = tally->start_ns + tally->duration_ns;
    tally->regular_gaps = first ? 0 : step->sampled_count;
    if (first)
        status = tell_tokens(self, step, end_ns, diag);
    if (status == SIM_OK)
        status =
            first || self->base.stream.wants_tallies ? step_stream_tally(&self->base.stream, tally, diag) : add_to_run(self, run, diag);
    stepper_wait_until(&self->base, end_ns);
    self->base.step_number++;
    return status;
}

/* As many quiet steps as start before the next arrival is seen. What is remembered of requests is brought up to date at the end. */
static enum status run_quiet_steps(struct scheduler_stepper *self, struct advance *out, struct diag *diag)
{
    const struct scheduler_ops *scheduler_ops = self->scheduler->ops;
    const int64_t until_ns = self->base.arrivals.next_ns;
    struct step *step = self->step;
    struct quiet_run run = {0};
    enum status status = SIM_OK;
    const uint32_t most = until_ns > self->base.now_ns ? scheduler_ops->quiet_begin(self->scheduler, step) : 0;
    if (most == 0)
        return SIM_OK;
    uint32_t steps = 0;
    while (status == SIM_OK && steps < most && until_ns > self->base.now_ns && scheduler_ops->quiet_next(self->scheduler, step))
        status = run_quiet_step(self, steps++ == 0, &run, diag);
    scheduler_ops->quiet_end(self->scheduler);
    for (uint32_t i = 0; i < step->sampled_count && steps > 1; i++) {
        struct request_times *times = &self->times[step->sampled[i].request];
        times->last_token_ns = self->base.now_ns;
        times->output_tokens += steps - 1; /* the first is counted */
    }
    out->tokens += steps;
    return status == SIM_OK ? close_run(self, &run, diag) : status;
}

/* Decide the coming step. *decided = false: nothing at all happened, and every further step would be the same. A step that schedules nothing but
 * preempts or ignores somebody is still a step: it changed the queues, so the next one can differ. Nobody present is asked first, since a
 * scheduler with empty queues need not be run to know. */
static enum status decide(struct scheduler_stepper *self, bool *decided, struct advance *out, struct diag *diag)
{
    struct step *step = self->step = self->in_flight == self->steps ? self->steps + 1 : self->steps;
    *decided = false;
    if (arrivals_present(&self->base.arrivals) == 0)
        return SIM_OK;
    enum status status = self->scheduler->ops->schedule(self->scheduler, self->base.now_ns, step, diag);
    if (status != SIM_OK)
        return status;
    if (self->slots.tokens) {
        slot_count_scheduled(&self->slots, step);
        step->tally.held_tokens = slot_count_held(&self->slots);
    }
    out->abort = step->abort;
    *decided = !step->abort && step->scheduled_count + step->preempted_count + step->ignored_count > 0;
    return *decided ? submit_step(self, diag) : SIM_OK;
}

/* One step a call never runs past an arrival. With asynchronous scheduling the first step of a busy time only gets under way; then each call
 * decides the next one and takes the output of the one before it, and the last call takes an output alone. */
static enum status stepper_advance(struct stepper *stepper, struct advance *out, struct diag *diag)
{
    struct scheduler_stepper *self = (struct scheduler_stepper *)stepper;
    struct step *before = self->in_flight;
    bool decided;
    enum status status = decide(self, &decided, out, diag);
    out->idle = !decided && !before;
    if (self->scheduler->ops->offloads)
        self->scheduler->ops->offloads(self->scheduler, &stepper->offloads);
    if (status != SIM_OK || out->abort || out->idle)
        return status;
    if (stepper->overlaps)
        self->in_flight = decided ? self->step : NULL;
    struct step *back = stepper->overlaps ? before : self->step;
    if (!back)
        return SIM_OK;
    struct step_tally wait = {0};
    if (!decided)
        status = stepper_wait(stepper, stepper->device_ns, &wait, diag);
    if (status == SIM_OK)
        status = take_output(self, back, diag);
    if (status == SIM_OK && wait.state_ns > 0)
        status = step_stream_tally(&stepper->stream, &wait, diag);
    out->tokens = back->sampled_count;
    return status == SIM_OK && self->quiet ? run_quiet_steps(self, out, diag) : status;
}

static void stepper_pool_state(const struct stepper *stepper, struct step_tally *tally)
{
    const struct scheduler_stepper *self = (const struct scheduler_stepper *)stepper;
    self->scheduler->ops->pool_state(self->scheduler, tally);
    if (self->slots.tokens)
        tally->held_tokens = slot_count_held(&self->slots);
}

static int64_t scheduler_wakes_ns(const struct stepper *stepper)
{
    const struct scheduler *scheduler = ((const struct scheduler_stepper *)stepper)->scheduler;
    return scheduler->ops->wakes_ns ? scheduler->ops->wakes_ns(scheduler) : INT64_MAX;
}

static void stepper_pool_states(const struct stepper *stepper, uint8_t *states)
{
    const struct scheduler *scheduler = ((const struct scheduler_stepper *)stepper)->scheduler;
    scheduler->ops->pool_states(scheduler, states);
}

static const char *stepper_diagnose(struct stepper *stepper)
{
    struct scheduler *scheduler = ((struct scheduler_stepper *)stepper)->scheduler;
    return scheduler->ops->diagnose ? scheduler->ops->diagnose(scheduler) : NULL;
}

static void stepper_destroy(struct stepper *stepper)
{
    struct scheduler_stepper *self = (struct scheduler_stepper *)stepper;
    self->scheduler->ops->destroy(self->scheduler);
    slot_count_deinit(&self->slots);
    stepper_deinit(stepper);
    free(self->times);
    free(self);
}

static const struct stepper_ops ops = {
    .never_runs = stepper_never_runs,
    .arrive = stepper_arrive,
    .advance = stepper_advance,
    .pool_state = stepper_pool_state,
    .wakes_ns = scheduler_wakes_ns,
    .pool_states = stepper_pool_states,
    .diagnose = stepper_diagnose,
    .destroy = stepper_destroy,
};

bool scheduler_stepper_wants_lists(const struct replay_inputs *inputs)
{
    if (slot_count_wanted(inputs->config))
        return true;
    for (size_t i = 0; i < inputs->observer_count; i++)
        if (inputs->observers[i].scheduled)
            return true;
    return false;
}

bool scheduler_stepper_wants_ids(const struct replay_inputs *inputs)
{
    for (size_t i = 0; i < inputs->observer_count; i++)
        if (inputs->observers[i].contiguity || inputs->observers[i].pool || inputs->observers[i].completed)
            return true;
    return scheduler_stepper_wants_lists(inputs);
}

/* The scheduler becomes the stepper's with the call, even if the call fails, so that callers have one thing to destroy. */
enum status scheduler_stepper_create(const struct replay_inputs *inputs, struct scheduler *scheduler, enum stepping stepping,
                                     struct stepper **out, struct diag *diag)
{
    struct scheduler_stepper *self;
    enum status status = array_zeroed(&self, 1, sizeof *self, "the replay", diag);
    if (status != SIM_OK) {
        scheduler->ops->destroy(scheduler);
        return status;
    }
    self->scheduler = scheduler;
    self->check = stepping == STEPPING_CHECKED;
    status = stepper_init(&self->base, &ops, inputs, diag);
    self->quiet = stepping == STEPPING_QUIETLY && scheduler->ops->quiet_begin && !self->base.stream.wants_steps;
    if (status == SIM_OK)
        status = array_zeroed(&self->times, inputs->trace->count, sizeof *self->times, "the replay's requests", diag);
    if (status == SIM_OK)
        status = slot_count_init(&self->slots, inputs->trace->count, inputs->config, diag);
    if (status != SIM_OK) {
        stepper_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return SIM_OK;
}
