/* test_replay_loop.c - the loop alone, over a stepper that is no engine: every request runs for so many steps, one after the other. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "engine/replay_loop.h"
#include "support/stream_recorder.h"
#include "support/tiny_trace.h"

enum { CALLS_MOST = 64 };

/* A stepper that serves requests in the order of arrival. A request takes output_tokens steps of STEP_NS. It goes on for up to `stretch`
 * steps a call, but starts none at or after the next arrival. */
#define STEP_NS 10

struct fake {
    struct stepper base;
    uint32_t stretch;       /* steps a call at the most */
    uint32_t hopeless;      /* this position can never run; UINT32_MAX: none */
    uint32_t steps_to_come; /* of the request that is served */
    uint32_t served, arrived;
    bool stuck;           /* does nothing, for ever */
    bool quiet;           /* makes no tallies: a million would fill the memory */
    bool tokenless;       /* takes steps for ever, which bring no token */
    uint32_t token_every; /* 0: every step brings a token; else only every so many steps */
    bool holds;           /* keeps the output of its last step for the next call, as an asynchronous engine does */
    bool held;
    uint64_t dies_at; /* this step aborts */
    uint32_t fails_at_call;
    uint32_t calls, pool_calls;
    int64_t started[CALLS_MOST], untils[CALLS_MOST]; /* of each call */
    int64_t seen_ns[CALLS_MOST];                     /* by position: the clock when it was taken in */
};

static bool fake_never_runs(const struct stepper *self, uint32_t position, enum drop_reason *why, uint64_t *smallest_pool)
{
    *why = DROP_POOL;
    *smallest_pool = 77;
    return ((const struct fake *)self)->hopeless == position;
}

static enum status fake_arrive(struct stepper *self, uint32_t position, int64_t arrival_ns, struct diag *diag)
{
    (void)diag;
    struct fake *fake = (struct fake *)self;
    cr_assert_leq(arrival_ns, self->now_ns);
    fake->seen_ns[position] = self->now_ns;
    fake->arrived++;
    return SIM_OK;
}

/* The request that is to be served next; positions that were dropped never arrive. */
static uint32_t current(const struct fake *fake)
{
    return fake->served + (fake->served >= fake->hopeless);
}

static enum status one_step(struct fake *fake, struct advance *out, struct diag *diag)
{
    struct stepper *base = &fake->base;
    const uint32_t position = current(fake);
    if (fake->steps_to_come == 0)
        fake->steps_to_come = base->trace->output_tokens[position];
    const struct step_tally tally = {.step = base->step_number, .start_ns = base->now_ns, .duration_ns = STEP_NS};
    enum status status = fake->quiet ? SIM_OK : step_stream_tally(&base->stream, &tally, diag);
    base->now_ns += STEP_NS;
    base->step_number++;
    out->tokens += !fake->tokenless && (fake->token_every == 0 || base->step_number % fake->token_every == 0);
    if (fake->tokenless || --fake->steps_to_come > 0)
        return status;
    fake->served++;
    fake->held = fake->holds;
    arrivals_end(&base->arrivals, position, base->now_ns);
    return status == SIM_OK ? stepper_tell(base, EVENT_FINISH, position, base->now_ns, 0, diag) : status;
}

static enum status fake_advance(struct stepper *self, struct advance *out, struct diag *diag)
{
    struct fake *fake = (struct fake *)self;
    enum status status = SIM_OK;
    if (fake->calls < CALLS_MOST) {
        fake->started[fake->calls] = self->now_ns;
        fake->untils[fake->calls] = self->arrivals.next_ns;
    }
    if (++fake->calls == fake->fails_at_call)
        return diag_set(diag, SIM_FAILED, "call %u", fake->calls);
    if (fake->dies_at > 0 && self->step_number == fake->dies_at) {
        out->abort = "out of everything";
        return SIM_OK;
    }
    if (fake->stuck || fake->arrived == fake->served) {
        out->idle = !fake->held;
        self->now_ns += fake->held ? STEP_NS : 0; /* the output that was held comes in */
        fake->held = false;
        return SIM_OK;
    }
    for (uint32_t i = 0; i < fake->stretch && status == SIM_OK && self->now_ns < self->arrivals.next_ns && fake->arrived > fake->served;
         i++)
        status = one_step(fake, out, diag);
    return status;
}

static void fake_pool_state(const struct stepper *self, struct step_tally *tally)
{
    ((struct fake *)self)->pool_calls++;
    tally->free_blocks = 123;
}

static const char *fake_diagnose(struct stepper *self)
{
    (void)self;
    return "nothing helps";
}

static const struct stepper_ops fake_ops = {.never_runs = fake_never_runs,
                                            .arrive = fake_arrive,
                                            .advance = fake_advance,
                                            .pool_state = fake_pool_state,
                                            .diagnose = fake_diagnose};

/* What a test says of a case, and what came of it. */
struct outcome_of {
    struct fake fake;
    struct stream stream;
    struct replay_facts facts;
    struct replay_watch watch;
    struct diag diag;
    enum status status;
};

static struct outcome_of *with(uint32_t stretch)
{
    static struct outcome_of one;
    one = (struct outcome_of){.fake = {.stretch = stretch, .hopeless = UINT32_MAX}};
    return &one;
}

static void replay(struct outcome_of *one, const struct tiny_request *requests, uint32_t count, uint32_t max_concurrency)
{
    struct trace *trace = tiny_trace(requests, count);
    struct config config = tiny_config_v1(16, 10);
    struct observer observer = stream_observer(&one->stream);
    const struct replay_inputs inputs = {.trace = trace, .config = &config, .observers = &observer, .observer_count = 1};
    config.max_concurrency = max_concurrency;
    cr_assert_eq(stepper_init(&one->fake.base, &fake_ops, &inputs, &one->diag), SIM_OK);
    one->status = replay_loop_run(&one->fake.base, &one->watch, &one->facts, &one->diag);
    stepper_deinit(&one->fake.base);
    trace_destroy(trace);
}

static const struct event *find(const struct outcome_of *one, enum event_kind kind, uint32_t request)
{
    for (size_t i = 0; i < one->stream.event_count; i++)
        if (one->stream.events[i].kind == kind && one->stream.events[i].request == request)
            return &one->stream.events[i];
    return NULL;
}

Test(replay_loop, takes_in_whoever_has_arrived_between_two_calls)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 3},
                                                   {.arrival_ns = 15, .input = 1, .output = 2},
                                                   {.arrival_ns = 20, .input = 1, .output = 1}};
    struct outcome_of *one = with(1);
    replay(one, requests, 3, 0);
    cr_assert_eq(one->status, SIM_OK);
    cr_expect_eq(one->fake.seen_ns[0], 0);
    cr_expect_eq(one->fake.seen_ns[1], 20, "seen at the end of the step during which it came");
    cr_expect_eq(one->fake.seen_ns[2], 20, "arriving at the very end of a step is in time for the next");
    const struct event *arrival = find(one, EVENT_ARRIVE, 1);
    cr_assert_not_null(arrival);
    cr_expect_eq(arrival->time_ns, 15);
    cr_expect_eq(arrival->value, 20);
    cr_expect_eq(arrival->step, 2);
    cr_expect_eq(one->facts.end.steps, 6);
    cr_expect_eq(one->facts.end.end_ns, 60);
    cr_expect_eq(one->facts.end.unfinished, 0);
    cr_expect_not(one->facts.end.stalled);
    cr_expect_eq(one->stream.end.steps, 6, "observers are told of the end");
    stream_deinit(&one->stream);
}

Test(replay_loop, bounds_a_stretch_by_the_next_arrival)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 10},
                                                   {.arrival_ns = 35, .input = 1, .output = 10},
                                                   {.arrival_ns = 1000, .input = 1, .output = 1}};
    struct outcome_of *one = with(1000);
    replay(one, requests, 3, 0);
    cr_assert_eq(one->status, SIM_OK);
    cr_expect_eq(one->fake.untils[0], 35);
    cr_expect_eq(one->fake.started[1], 40, "the step that began before the arrival is the last of the stretch");
    cr_expect_eq(one->fake.seen_ns[1], 40);
    cr_expect_eq(one->fake.untils[1], 1000);
    cr_expect_eq(one->fake.started[3], 1000);
    cr_expect_eq(one->fake.untils[3], INT64_MAX);
    cr_expect_eq(one->fake.calls, 5, "two stretches, an idle call, a stretch, an idle call");
    stream_deinit(&one->stream);
}

Test(replay_loop, skips_idle_time_and_tells_of_it_but_not_before_the_first_step)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 500, .input = 1, .output = 1},
                                                   {.arrival_ns = 900, .input = 1, .output = 1}};
    struct outcome_of *one = with(8);
    replay(one, requests, 2, 0);
    cr_assert_eq(one->stream.tally_count, 3);
    cr_expect_eq(one->stream.tallies[0].start_ns, 500);
    const struct step_tally *gap = &one->stream.tallies[1];
    cr_expect_eq(gap->step, TALLY_GAP);
    cr_expect_eq(gap->start_ns, 510);
    cr_expect_eq(gap->duration_ns, 390);
    cr_expect_eq(gap->mode, STEP_MODE_IDLE);
    cr_expect_eq(gap->free_blocks, 123);
    cr_expect_eq(one->fake.pool_calls, 1);
    cr_expect_eq(one->facts.end.end_ns, 910);
    stream_deinit(&one->stream);
}

Test(replay_loop, drops_those_who_can_never_run_before_anything_else)
{
    static const struct tiny_request requests[] = {
        {.arrival_ns = 0, .input = 1, .output = 1}, {.arrival_ns = 3, .input = 1, .output = 1}, {.arrival_ns = 5, .input = 1, .output = 1}};
    for (uint32_t hopeless = 0; hopeless < 3; hopeless++) {
        struct outcome_of *one = with(1);
        one->fake.hopeless = hopeless;
        replay(one, requests, 3, 0);
        cr_assert_eq(one->status, SIM_OK);
        const struct event *first = &one->stream.events[0];
        cr_expect_eq(first->kind, EVENT_DROP);
        cr_expect_eq(first->request, hopeless);
        cr_expect_eq(first->value, 77);
        cr_expect_eq(first->extra, DROP_POOL);
        cr_expect_null(find(one, EVENT_ARRIVE, hopeless));
        cr_expect_eq(one->facts.end.steps, 2);
        cr_expect_eq(one->facts.end.unfinished, 0);
        stream_deinit(&one->stream);
    }
}

Test(replay_loop, gives_a_slot_of_a_closed_loop_to_the_next_when_somebody_ends)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 2},
                                                   {.arrival_ns = 0, .input = 1, .output = 2},
                                                   {.arrival_ns = 100, .input = 1, .output = 1}};
    struct outcome_of *one = with(1000);
    replay(one, requests, 3, 1);
    cr_expect_eq(one->fake.untils[0], INT64_MAX, "nobody comes before somebody ends");
    cr_expect_eq(one->fake.seen_ns[1], 20);
    cr_expect_eq(find(one, EVENT_ARRIVE, 1)->time_ns, 20);
    cr_expect_eq(find(one, EVENT_ARRIVE, 2)->time_ns, 100);
    cr_expect_eq(one->facts.end.end_ns, 110);
    stream_deinit(&one->stream);
}

Test(replay_loop, calls_it_a_stall_when_somebody_is_left_and_nobody_will_come)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 1}, {.arrival_ns = 50, .input = 1, .output = 1}};
    struct outcome_of *one = with(1);
    one->fake.stuck = true;
    replay(one, requests, 2, 0);
    cr_expect_eq(one->status, SIM_OK);
    cr_expect(one->facts.end.stalled);
    cr_expect_eq(one->facts.end.unfinished, 2);
    cr_expect_str_eq(one->facts.diagnosis, "nothing helps");
    cr_expect_eq(one->fake.arrived, 2, "later arrivals might have helped");
    stream_deinit(&one->stream);
}

Test(replay_loop, ends_when_the_engine_dies)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 9}};
    struct outcome_of *one = with(1);
    one->fake.dies_at = 4;
    replay(one, requests, 1, 0);
    cr_expect_eq(one->status, SIM_OK);
    cr_expect_str_eq(one->facts.end.abort, "out of everything");
    cr_expect_eq(one->facts.end.abort, one->facts.abort, "the text outlives the stepper");
    cr_expect_str_eq(one->facts.diagnosis, "nothing helps");
    cr_expect_eq(one->facts.end.steps, 4);
    cr_expect_eq(one->facts.end.unfinished, 1);
    stream_deinit(&one->stream);
}

Test(replay_loop, gives_up_after_a_million_steps_without_a_token)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 1}};
    struct outcome_of *one = with(1);
    one->fake.tokenless = one->fake.quiet = true;
    replay(one, requests, 1, 0);
    cr_expect_eq(one->status, SIM_OK);
    cr_expect(one->facts.end.stalled);
    cr_expect_eq(one->facts.end.steps, LIVELOCK_STEPS + 1);
    cr_expect_not_null(strstr(one->facts.diagnosis, "preempt each other for ever"));
    stream_deinit(&one->stream);
}

Test(replay_loop, bears_with_a_million_steps_that_bring_a_token_now_and_then)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 1500000}};
    struct outcome_of *one = with(1);
    one->fake.token_every = 600000;
    one->fake.quiet = true;
    replay(one, requests, 1, 0);
    cr_expect_eq(one->status, SIM_OK);
    cr_expect_not(one->facts.end.stalled);
    cr_expect_eq(one->facts.end.steps, 1500000);
    stream_deinit(&one->stream);
}

/* A watch that stops the replay at its `stop`-th question. */
struct questions {
    uint32_t asked, stop;
    uint64_t finished, total;
};

static bool ask(void *context, uint64_t finished, uint64_t total)
{
    struct questions *questions = context;
    questions->finished = finished;
    questions->total = total;
    return ++questions->asked == questions->stop;
}

Test(replay_loop, asks_every_thousand_steps_whether_to_go_on)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 2000},
                                                   {.arrival_ns = 0, .input = 1, .output = 3000},
                                                   {.arrival_ns = 0, .input = 1, .output = 1}};
    struct questions questions = {.stop = 4};
    struct outcome_of *one = with(1);
    one->watch = (struct replay_watch){.progress = ask, .context = &questions};
    one->fake.hopeless = 2;
    replay(one, requests, 3, 0);
    cr_expect_eq(one->status, SIM_INTERRUPTED);
    cr_expect_eq(questions.asked, 4);
    cr_expect_eq(one->fake.base.step_number, 3072);
    cr_expect_eq(questions.finished, 1);
    cr_expect_eq(questions.total, 2);
    cr_expect_eq(one->stream.end.steps, 0, "an interrupted replay has no end to tell of");
    stream_deinit(&one->stream);

    questions = (struct questions){0};
    one = with(1500); /* a stretch may run past the thousand: the next question comes after it */
    one->watch = (struct replay_watch){.progress = ask, .context = &questions};
    replay(one, requests, 2, 0);
    cr_expect_eq(one->status, SIM_OK);
    cr_expect_eq(questions.asked, 4, "at steps 0, 1500, 3000 and 4500");
    stream_deinit(&one->stream);
}

Test(replay_loop, hands_on_what_fails)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 5}};
    struct outcome_of *one = with(1);
    one->fake.fails_at_call = 3;
    replay(one, requests, 1, 0);
    cr_expect_eq(one->status, SIM_FAILED);
    cr_expect_str_eq(one->diag.text, "call 3");
    stream_deinit(&one->stream);

    one = with(1);
    one->stream.tally_limit = 2; /* an observer that has had enough */
    replay(one, requests, 1, 0);
    cr_expect_eq(one->status, SIM_INTERRUPTED);
    stream_deinit(&one->stream);
}

/* All requests have ended, and a step is still submitted: that is not the end yet. */
Test(replay_loop, waits_for_a_step_whose_output_is_outstanding)
{
    static const struct tiny_request requests[] = {{.arrival_ns = 0, .input = 1, .output = 2}};
    struct outcome_of *one = with(1);
    one->fake.holds = true;
    replay(one, requests, 1, 0);
    cr_expect_eq(one->status, SIM_OK);
    cr_expect_not(one->facts.end.stalled);
    cr_expect_eq(one->facts.end.end_ns, 30, "the output came in after the last request had ended");
    cr_expect_eq(one->fake.calls, 4);
    stream_deinit(&one->stream);
}
