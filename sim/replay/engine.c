/* engine.c - the step-by-step loop of engine.h, over any scheduler. Formats.md section 3 gives the order of things. */
#include "replay/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/closed_loop.h"
#include "engine/emitter.h"
#include "engine/livelock.h"
#include "engine/scheduler.h"
#include "vllm_v1_fast/event_replay.h"

/* What the loop remembers of a request, to turn sampled tokens into events. */
struct request_times {
    int64_t last_token_ns; /* -1 before the first */
    uint32_t output_tokens;
    bool dropped, admitted;
};

struct engine {
    const struct trace *trace;
    const struct config *config;
    const struct step_time_model *model;
    const struct observer *observers;
    size_t observer_count;
    const struct replay_options *options;
    struct scheduler *scheduler;
    struct request_times *times;
    uint32_t next; /* the next position to arrive */
    uint64_t finished, dropped;
    int64_t now_ns;
    struct closed_loop loop;
    uint64_t step_number, steps_without_token;
    struct step step;
    struct emitter emitter;
};

static enum status emit(struct engine *engine, enum event_kind kind, uint32_t request, int64_t time_ns, int64_t value, struct diag *diag)
{
    *emitter_event(&engine->emitter) =
        (struct event){.time_ns = time_ns, .step = engine->step_number, .value = value, .request = request, .kind = (uint8_t)kind};
    return emitter_event_done(&engine->emitter, diag);
}

static enum status drop_hopeless(struct engine *engine, struct diag *diag)
{
    const struct scheduler_ops *ops = scheduler_ops_of(engine->config);
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < engine->trace->count && status == SIM_OK; position++) {
        enum drop_reason why;
        uint64_t smallest_pool;
        engine->times[position].last_token_ns = -1;
        if (!ops->never_runs(engine->trace, engine->config, position, &why, &smallest_pool))
            continue;
        engine->times[position].dropped = true;
        engine->dropped++;
        *emitter_event(&engine->emitter) = (struct event){.time_ns = engine->trace->arrival_ns[position],
                                                          .value = (int64_t)smallest_pool,
                                                          .request = position,
                                                          .kind = EVENT_DROP,
                                                          .extra = (uint8_t)why};
        status = emitter_event_done(&engine->emitter, diag);
    }
    return status;
}

/* When the next request arrives; false when none is left or, in a closed loop, all slots are busy. */
static bool next_arrival(struct engine *engine, int64_t *arrival_ns)
{
    while (engine->next < engine->trace->count && engine->times[engine->next].dropped)
        engine->next++;
    if (engine->next >= engine->trace->count)
        return false;
    *arrival_ns = closed_loop_arrival(&engine->loop, engine->next);
    return *arrival_ns < INT64_MAX;
}

static enum status take_in(struct engine *engine, struct diag *diag)
{
    int64_t arrival_ns;
    enum status status = SIM_OK;
    while (status == SIM_OK && next_arrival(engine, &arrival_ns) && arrival_ns <= engine->now_ns) {
        uint32_t position = engine->next++;
        closed_loop_take(&engine->loop, position, arrival_ns);
        status = emit(engine, EVENT_ARRIVE, position, arrival_ns, engine->now_ns, diag);
        if (status == SIM_OK)
            status = engine->scheduler->ops->arrive(engine->scheduler, position, arrival_ns, diag);
    }
    return status;
}

/* Events of what schedule() decided, in the order that step.h promises. */
static enum status emit_decisions(struct engine *engine, struct diag *diag)
{
    const struct step *step = &engine->step;
    const int64_t now = engine->now_ns;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < step->preempted_count && status == SIM_OK; i++) {
        const struct preempted *victim = &step->preempted[i];
        *emitter_event(&engine->emitter) = (struct event){.time_ns = now,
                                                          .step = engine->step_number,
                                                          .value = victim->tokens_lost,
                                                          .request = victim->request,
                                                          .other = victim->requester,
                                                          .blocks = victim->blocks,
                                                          .kind = EVENT_PREEMPT,
                                                          .extra = (uint8_t)victim->kind};
        status = emitter_event_done(&engine->emitter, diag);
    }
    for (uint32_t i = 0; i < step->resumed_count && status == SIM_OK; i++)
        status = emit(engine, EVENT_SWAP_IN, step->resumed[i], now, 0, diag);
    for (uint32_t i = 0; i < step->admitted_count && status == SIM_OK; i++) {
        struct request_times *times = &engine->times[step->admitted[i].request];
        uint32_t request = step->admitted[i].request;
        *emitter_event(&engine->emitter) = (struct event){.time_ns = now,
                                                          .step = engine->step_number,
                                                          .value = step->admitted[i].cached_tokens,
                                                          .request = request,
                                                          .other = engine->trace->input_tokens[request] + times->output_tokens,
                                                          .kind = times->admitted ? EVENT_READMIT : EVENT_ADMIT};
        times->admitted = true;
        status = emitter_event_done(&engine->emitter, diag);
    }
    for (uint32_t i = 0; i < step->ignored_count && status == SIM_OK; i++) {
        engine->finished++;
        closed_loop_end(&engine->loop, step->ignored[i], now);
        status = emit(engine, EVENT_IGNORE, step->ignored[i], now, 0, diag);
    }
    return status;
}

/* Turn who got tokens into first tokens, gaps and finishes; counts the gaps that are simply the step's duration. */
static enum status emit_tokens(struct engine *engine, int64_t end_ns, struct diag *diag)
{
    struct step *step = &engine->step;
    enum status status = SIM_OK;
    uint32_t done = 0;
    for (uint32_t i = 0; i < step->sampled_count && status == SIM_OK; i++) {
        uint32_t request = step->sampled[i].request, tokens = (uint32_t)step->sampled[i].tokens;
        struct request_times *times = &engine->times[request];
        if (times->last_token_ns < 0) {
            status = emit(engine, EVENT_FIRST_TOKEN, request, end_ns, tokens, diag);
        } else if (times->last_token_ns == step->tally.start_ns) {
            step->tally.regular_gaps += tokens;
        } else {
            *emitter_event(&engine->emitter) = (struct event){.time_ns = end_ns,
                                                              .step = engine->step_number,
                                                              .value = end_ns - times->last_token_ns,
                                                              .request = request,
                                                              .kind = EVENT_GAP,
                                                              .extra = (uint8_t)(tokens < UINT8_MAX ? tokens : UINT8_MAX)};
            status = emitter_event_done(&engine->emitter, diag);
        }
        times->last_token_ns = end_ns;
        times->output_tokens += tokens;
        if (status == SIM_OK && done < step->finished_count && step->finished[done] == request) {
            done++;
            engine->finished++;
            closed_loop_end(&engine->loop, request, end_ns);
            status = emit(engine, EVENT_FINISH, request, end_ns, times->output_tokens, diag);
        }
    }
    return status;
}

static enum status tell_observers(struct engine *engine, bool completed, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < engine->observer_count && status == SIM_OK; i++) {
        const struct observer *observer = &engine->observers[i];
        if (!completed && observer->scheduled)
            status = observer->scheduled(observer->self, &engine->step, diag);
        if (completed && observer->completed)
            status = observer->completed(observer->self, &engine->step, diag);
    }
    return status;
}

static bool did_nothing(const struct step *step)
{
    return step->scheduled_count == 0 && step->preempted_count == 0 && step->ignored_count == 0;
}

/* From a decided step to the next: price, show, complete, show. */
static enum status run_step(struct engine *engine, struct diag *diag)
{
    struct step *step = &engine->step;
    step->shape.step = engine->step_number;
    step->shape.copies = step->copy_count;
    step->shape.swapped_blocks = step->swap_in_count + step->swap_out_count;
    step->shape.idle = step->scheduled_count == 0;
    step->tally.step = engine->step_number;
    step->tally.start_ns = engine->now_ns;
    step->tally.duration_ns = step_time_price(engine->model, &step->shape);
    int64_t end_ns = engine->now_ns + step->tally.duration_ns;
    enum status status = emit_decisions(engine, diag);
    if (status == SIM_OK)
        status = tell_observers(engine, false, diag);
    if (status == SIM_OK)
        status = engine->scheduler->ops->complete(engine->scheduler, end_ns, step, diag);
    if (status == SIM_OK)
        status = emit_tokens(engine, end_ns, diag);
    if (status == SIM_OK)
        status = emitter_tally(&engine->emitter, &step->tally, diag);
    if (status == SIM_OK)
        status = tell_observers(engine, true, diag);
    if (status == SIM_OK && engine->options->check && !engine->scheduler->ops->check(engine->scheduler, diag))
        status = SIM_FAILED;
    engine->now_ns = end_ns;
    engine->step_number++;
    return status;
}

/* Jump over time in which nothing can run. Before the first step there is nothing to tell of. */
static enum status skip_to(struct engine *engine, int64_t when_ns, struct diag *diag)
{
    enum status status = SIM_OK;
    if (engine->step_number > 0 && when_ns > engine->now_ns) {
        struct step_tally gap = {
            .step = TALLY_GAP, .start_ns = engine->now_ns, .duration_ns = when_ns - engine->now_ns, .mode = STEP_MODE_IDLE};
        engine->scheduler->ops->pool_state(engine->scheduler, &gap);
        status = emitter_tally(&engine->emitter, &gap, diag);
    }
    engine->now_ns = when_ns;
    return status;
}

static bool interrupted(const struct engine *engine)
{
    return engine->options->progress && engine->step_number % 1024 == 0 &&
           engine->options->progress(engine->options->progress_context, engine->finished, engine->trace->count - engine->dropped);
}

static enum status run_loop(struct engine *engine, struct replay_facts *facts, struct diag *diag)
{
    const struct scheduler_ops *ops = engine->scheduler->ops;
    for (;;) {
        int64_t arrival_ns;
        enum status status = take_in(engine, diag);
        if (status != SIM_OK)
            return status;
        if (interrupted(engine))
            return diag_set(diag, SIM_INTERRUPTED, "interrupted");
        bool nothing = ops->unfinished(engine->scheduler) == 0;
        if (!nothing) {
            status = ops->schedule(engine->scheduler, engine->now_ns, &engine->step, diag);
            if (status != SIM_OK)
                return status;
            if (engine->step.abort) {
                facts->end.abort = engine->step.abort;
                return SIM_OK;
            }
        }
        if (nothing || did_nothing(&engine->step)) {
            if (!next_arrival(engine, &arrival_ns)) {
                facts->end.stalled = !nothing;
                return SIM_OK;
            }
            status = skip_to(engine, arrival_ns, diag);
        } else {
            status = run_step(engine, diag);
            if (status == SIM_OK && livelocked(&engine->steps_without_token, engine->step.sampled_count, facts))
                return SIM_OK;
        }
        if (status != SIM_OK)
            return status;
    }
}

static enum status finish(struct engine *engine, struct replay_facts *facts, struct diag *diag)
{
    facts->end.steps = engine->step_number;
    facts->end.end_ns = engine->now_ns;
    facts->end.unfinished = engine->trace->count - engine->dropped - engine->finished;
    const char *diagnosis = facts->end.stalled || facts->end.abort ? engine->scheduler->ops->diagnose(engine->scheduler) : NULL;
    if (diagnosis && !*facts->diagnosis)
        memccpy(facts->diagnosis, diagnosis, '\0', sizeof facts->diagnosis - 1);
    if (facts->end.abort) { /* the scheduler's text goes with the scheduler */
        memccpy(facts->abort, facts->end.abort, '\0', sizeof facts->abort - 1);
        facts->end.abort = facts->abort;
    }
    enum status status = emitter_flush(&engine->emitter, diag);
    for (size_t i = 0; i < engine->observer_count && status == SIM_OK; i++)
        if (engine->observers[i].finish)
            status = engine->observers[i].finish(engine->observers[i].self, &facts->end, diag);
    return status;
}

static enum status run_step_by_step(struct engine *engine, struct replay_facts *facts, struct diag *diag)
{
    bool want_lists = false;
    for (size_t i = 0; i < engine->observer_count; i++)
        want_lists |= engine->observers[i].scheduled != NULL;
    enum status status = array_zeroed(&engine->times, engine->trace->count, sizeof *engine->times, "the engine's requests", diag);
    if (status == SIM_OK)
        status = closed_loop_init(&engine->loop, engine->trace, engine->config->max_concurrency, diag);
    if (status == SIM_OK)
        status = scheduler_create(engine->trace, engine->config, engine->model, want_lists, &engine->scheduler, diag);
    if (status == SIM_OK)
        status = drop_hopeless(engine, diag);
    if (status == SIM_OK)
        status = run_loop(engine, facts, diag);
    if (status == SIM_OK)
        status = finish(engine, facts, diag);
    if (engine->scheduler)
        engine->scheduler->ops->destroy(engine->scheduler);
    closed_loop_deinit(&engine->loop);
    free(engine->times);
    return status;
}

enum status replay_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                       const struct observer *observers, size_t observer_count, const struct replay_options *options,
                       struct replay_facts *facts, struct diag *diag)
{
    *facts = (struct replay_facts){0};
    const char *why_not = options->reference ? "the plain scheduler was asked for"
                          : options->check   ? "checking every step was asked for"
                                             : event_replay_refuses(trace, config, model, observers, observer_count);
    if (!why_not) {
        facts->by_events = true;
        return event_replay_run(trace, config, model, observers, observer_count, options, facts, diag);
    }
    memccpy(facts->why_not, why_not, '\0', sizeof facts->why_not - 1);
    struct engine *engine;
    enum status status = array_zeroed(&engine, 1, sizeof *engine, "the engine", diag);
    if (status != SIM_OK)
        return status;
    engine->trace = trace;
    engine->config = config;
    engine->model = model;
    engine->observers = observers;
    engine->observer_count = observer_count;
    engine->options = options;
    emitter_init(&engine->emitter, observers, observer_count, config->block_size);
    status = run_step_by_step(engine, facts, diag);
    free(engine);
    return status;
}
