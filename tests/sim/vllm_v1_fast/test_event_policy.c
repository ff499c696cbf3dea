/* test_event_policy.c - policies are told the same by the event replay as by the plain scheduler, late or not. */
#include <criterion/criterion.h>
#include <string.h>

#include "policy/policy.h"
#include "run/run.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/two_ways.h"

enum { CASES = 1500, REQUESTS_MOST = 256, PATIENCE_NS = 7000000, HISTORIES = 6 };

/* What a policy was told of a request until it finished. */
struct told {
    uint64_t tokens, cached, lost, calls;
    int64_t step_ns, finish_ns;
    uint32_t known, admissions;
    bool generated;
};

/* One history a replay: two_ways_equal makes six of each case. */
static struct told histories[HISTORIES][REQUESTS_MOST];
static int replays;

static bool create(const struct pagesim_policy_setup *setup, void **self)
{
    cr_assert(setup->request_count <= REQUESTS_MOST && replays < HISTORIES);
    *self = histories[replays++];
    memset(*self, 0, sizeof *histories);
    return true;
}

static void happened(void *self, const struct pagesim_policy_request *request, const struct pagesim_policy_event *event)
{
    struct told *told = (struct told *)self + request->position;
    told->calls++;
    told->tokens += event->kind == PAGESIM_POLICY_COMPUTED ? event->tokens : 0;
    told->step_ns += event->kind == PAGESIM_POLICY_COMPUTED ? event->step_ns : 0;
    told->lost += event->kind == PAGESIM_POLICY_PREEMPTED ? event->tokens : 0;
    told->cached += event->kind == PAGESIM_POLICY_ADMITTED ? event->tokens : 0;
    told->admissions += event->kind == PAGESIM_POLICY_ADMITTED;
    if (event->kind == PAGESIM_POLICY_COMPUTED)
        told->generated = event->generated;
    told->known = request->known_tokens;
    if (event->kind == PAGESIM_POLICY_FINISHED)
        told->finish_ns = event->now_ns;
}

/* Who was served least goes first: keys are asked for when somebody is preempted, so nothing may be untold then. */
static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    return ((const struct told *)self)[request->position].step_ns;
}

static int64_t patience(void *self, const struct pagesim_policy_request *request)
{
    const struct told *told = (const struct told *)self + request->position;
    return PATIENCE_NS - told->step_ns % PATIENCE_NS;
}

static const struct pagesim_scheduling_policy impatient = {
    .info = {"least-served", "who was served least"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .key = key,
    .create = create,
    .happened = happened,
};
static const struct pagesim_scheduling_policy patient = {
    .info = {"least-served-later", "the same, told when it is due"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .key = key,
    .create = create,
    .happened = happened,
    .patience = patience,
};

static int64_t no_end(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    (void)request;
    return INT64_MAX;
}

/* Told when it is asked for a key, and when something else happens. */
static const struct pagesim_scheduling_policy endless = {
    .info = {"least-served-at-last", "the same, never due"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .key = key,
    .create = create,
    .happened = happened,
    .patience = no_end,
};

/* Notes when it was asked and of how many, at a place that no request has. */
static void before_admission(void *self, int64_t now_ns, struct pagesim_policy_waiting *waiting)
{
    struct told *told = (struct told *)self + REQUESTS_MOST - 1;
    told->calls++;
    told->step_ns += now_ns;
    told->tokens += waiting->count;
}

static const struct pagesim_scheduling_policy watchful = {
    .info = {"least-served-watched", "the same, and it looks at who waits"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .key = key,
    .create = create,
    .happened = happened,
    .before_admission = before_admission,
    .patience = patience,
};

/* The plain scheduler's history is the first. Calls may be fewer with patience. */
static uint64_t compare_histories(uint64_t number, uint32_t count, bool late)
{
    uint64_t spared = 0;
    for (int replay = 1; replay < replays; replay++)
        for (uint32_t i = 0; i < count; i++) {
            struct told plain = histories[0][i], fast = histories[replay][i];
            if (plain.finish_ns == 0)
                continue;
            cr_assert(late || plain.calls == fast.calls, "case %llu, request %u", (unsigned long long)number, i);
            spared += plain.calls - fast.calls;
            fast.calls = plain.calls;
            cr_assert(plain.tokens == fast.tokens && plain.step_ns == fast.step_ns && plain.known == fast.known &&
                          plain.lost == fast.lost && plain.cached == fast.cached && plain.admissions == fast.admissions &&
                          plain.generated == fast.generated && plain.finish_ns == fast.finish_ns,
                      "case %llu, request %u: %llu and %llu tokens", (unsigned long long)number, i, (unsigned long long)plain.tokens,
                      (unsigned long long)fast.tokens);
        }
    return spared;
}

static uint64_t compare_with(const struct pagesim_scheduling_policy *policy, struct two_ways *reached)
{
    struct diag diag = {0};
    char text[256];
    uint64_t spared = 0;
    cr_assert_eq(policy_register(POLICY_SCHEDULING, &policy->info, &diag), SIM_OK, "%s", diag.text);
    for (uint64_t number = 1; number <= CASES; number++) {
        uint64_t seed = number;
        struct config config = random_case_config(&seed, false);
        struct trace *trace = random_case_trace(&seed, &config);
        tiny_name(config.scheduling_policy, policy->info.name);
        config.seed = random_below(&seed, 6);
        replays = 0;
        cr_assert(two_ways_equal(trace, &config, reached, text, sizeof text), "case %llu: %s", (unsigned long long)number, text);
        cr_assert(reached->by_events);
        spared += compare_histories(number, trace->count, policy->patience != NULL);
        for (int replay = 1; replay < replays; replay++) {
            const struct told *plain = &histories[0][REQUESTS_MOST - 1], *fast = &histories[replay][REQUESTS_MOST - 1];
            cr_assert(plain->calls == fast->calls && plain->step_ns == fast->step_ns && plain->tokens == fast->tokens,
                      "case %llu: %llu and %llu looks at who waits", (unsigned long long)number, (unsigned long long)plain->calls,
                      (unsigned long long)fast->calls);
        }
        trace_destroy(trace);
    }
    return spared;
}

Test(event_policy, is_told_of_each_step_of_each_request)
{
    struct two_ways reached = {0};
    cr_expect_eq(compare_with(&impatient, &reached), 0);
    cr_expect_gt(reached.preemptions, CASES / 4);
}

/* In each step that could admit somebody and in no other, however steps are made. */
Test(event_policy, sees_who_waits_at_the_same_times)
{
    struct two_ways reached = {0};
    cr_expect_gt(compare_with(&watchful, &reached), 0);
    cr_expect_gt(reached.preemptions, CASES / 4);
}

Test(event_policy, may_be_told_late_of_several_steps_at_once)
{
    struct two_ways reached = {0};
    const uint64_t spared = compare_with(&patient, &reached);
    cr_expect_gt(spared, UINT64_C(10) * CASES, "many calls are spared");
    cr_expect_gt(reached.preemptions, CASES / 4);
    cr_expect_gt(compare_with(&endless, &reached), spared, "and more where none is due");
}

static uint64_t deepest(void *self, const struct pagesim_policy_block *block)
{
    (void)self;
    return UINT32_MAX - block->depth;
}

Test(event_policy, that_tells_blocks_of_one_touch_apart_is_left_to_the_plain_scheduler)
{
    static const struct pagesim_eviction_policy policy = {.info = {"deepest", "deepest first"}, .key = deepest};
    const struct tiny_request requests[] = {{0, 20, 5}};
    struct config config = tiny_config_v1(16, 100);
    struct trace *trace = tiny_trace(requests, 1);
    struct diag diag = {0};
    cr_assert_eq(policy_register(POLICY_EVICTION, &policy.info, &diag), SIM_OK, "%s", diag.text);
    tiny_name(config.eviction_policy, "deepest");
    for (int caching = 0; caching < 2; caching++) {
        struct run run;
        config.enable_prefix_caching = caching;
        cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(run.facts.by_events, !caching, "nothing is evicted without caching");
        run_close(&run);
    }
    trace_destroy(trace);
}
