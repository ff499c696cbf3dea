/* test_routing.c - who gets what, against the definition: each request is routed by what whole replays of all replicas, made anew for it, say of
 * the time before. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/routing.h"
#include "observe/metrics.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

enum { REPLICAS_MOST = 4, REQUESTS_MOST = 64, CASES = 300 };

/* --- the definition --------------------------------------------------------------------------------------------------------------- */

/* What each replica was sent so far. */
struct sent {
    uint32_t positions[REQUESTS_MOST];
    int64_t times_ns[REQUESTS_MOST], ends_ns[REQUESTS_MOST]; /* INT64_MAX: it does not end */
    uint32_t count;
};

struct definition {
    const struct fleet_plan *plan;
    const struct trace *trace;
    struct sent sent[REPLICAS_MOST];
    uint32_t member_of[REQUESTS_MOST];
};

/* A replica's requests replayed from the start, alone. */
static void replay_alone(const struct definition *of, struct sent *sent)
{
    struct trace *part;
    struct metrics metrics;
    struct replay_facts facts;
    struct diag diag = {0};
    const struct replay_options options = {.reference = true};
    if (sent->count == 0)
        return;
    cr_assert_eq(trace_copy(of->trace, sent->positions, sent->count, &part, &diag), SIM_OK);
    memcpy(part->arrival_ns, sent->times_ns, sent->count * sizeof *sent->times_ns);
    free(part->delay_ns);
    part->delay_ns = NULL;
    cr_assert_eq(metrics_init(&metrics, part, &diag), SIM_OK);
    const struct observer observer = metrics_observer(&metrics);
    cr_assert_eq(replay_run(part, &of->plan->kinds[0].config, of->plan->kinds[0].model, &observer, 1, &options, &facts, &diag), SIM_OK,
                 "%s", diag.text);
    for (uint32_t i = 0; i < sent->count; i++) {
        const struct request_story story = metrics_story(&metrics, i);
        sent->ends_ns[i] = story.dropped ? sent->times_ns[i] - of->plan->delay_ns : story.finish_ns >= 0 ? story.finish_ns : INT64_MAX;
    }
    metrics_deinit(&metrics);
    trace_destroy(part);
}

static int ascending(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* The end of a position, over all replicas; INT64_MAX: it was not sent, or does not end. */
static int64_t end_of(const struct definition *of, uint32_t position)
{
    for (uint32_t r = 0; r < of->plan->replicas; r++)
        for (uint32_t i = 0; i < of->sent[r].count; i++)
            if (of->sent[r].positions[i] == position)
                return of->sent[r].ends_ns[i];
    return INT64_MAX;
}

static uint32_t samples_at(const struct trace *trace, uint32_t position)
{
    uint32_t samples = 1;
    while (position + samples < trace->count && trace_sample_of(trace, position + samples) > 0)
        samples++;
    return samples;
}

/* A limit of N in flight: request k asks for a slot when it was drawn, and gets it when k - N + 1 of those before it have ended. All before it
 * were sent, and no later request can end before it comes. */
static int64_t slot_time(const struct definition *of, uint32_t requests, uint32_t limit, int64_t drawn_ns, int64_t newest_ns)
{
    int64_t ends[REQUESTS_MOST];
    uint32_t count = 0;
    for (uint32_t position = 0; position < of->trace->count; position += samples_at(of->trace, position)) {
        int64_t end_ns = of->member_of[position] == NO_MEMBER ? INT64_MAX : 0;
        for (uint32_t i = 0; i < samples_at(of->trace, position) && end_ns < INT64_MAX; i++)
            end_ns = end_of(of, position + i) > end_ns ? end_of(of, position + i) : end_ns;
        if (end_ns < INT64_MAX)
            ends[count++] = end_ns;
    }
    qsort(ends, count, sizeof *ends, ascending);
    if (requests >= limit)
        drawn_ns = count <= requests - limit ? INT64_MAX : ends[requests - limit] > drawn_ns ? ends[requests - limit] : drawn_ns;
    return drawn_ns > newest_ns ? drawn_ns : newest_ns;
}

static void route(struct definition *of, void *router, uint32_t position, int64_t now_ns)
{
    struct pagesim_router_replica views[REPLICAS_MOST] = {{0}};
    const struct trace *trace = of->trace;
    for (uint32_t r = 0; r < of->plan->replicas; r++) {
        views[r].takes_requests = true;
        views[r].pool_blocks = of->plan->kinds[0].config.num_gpu_blocks;
        for (uint32_t i = 0; i < of->sent[r].count; i++) {
            const uint32_t other = of->sent[r].positions[i];
            views[r].sent++;
            if (of->sent[r].ends_ns[i] <= now_ns)
                continue;
            views[r].unanswered++;
            views[r].unanswered_tokens += trace->input_tokens[other];
            views[r].unanswered_of[!trace->priority || trace->priority[other] <= 0 ? 0 : trace->priority[other] == 1 ? 1 : 2]++;
        }
        views[r].last_sent = of->sent[r].count > 0 ? (uint64_t)of->sent[r].positions[of->sent[r].count - 1] + 1 : 0;
    }
    const struct pagesim_router_request request = {
        .now_ns = now_ns,
        .position = position,
        .input_tokens = trace->input_tokens[position],
        .priority = trace->priority ? trace->priority[position] : 0,
        .names = trace->hash_start ? trace->hash_ids + trace->hash_start[position] : NULL,
        .names_length = (uint32_t)trace_hash_count(trace, position),
    };
    const uint32_t chosen = of->plan->router->choose(router, &request, views, of->plan->replicas);
    cr_assert_lt(chosen, of->plan->replicas);
    for (uint32_t i = 0; i < samples_at(trace, position); i++) {
        struct sent *to = &of->sent[chosen];
        to->positions[to->count] = position + i;
        to->times_ns[to->count] = now_ns + of->plan->delay_ns;
        to->ends_ns[to->count++] = INT64_MAX;
        of->member_of[position + i] = chosen;
    }
    replay_alone(of, &of->sent[chosen]);
}

/* Requests in the order of the trace; each at its time, or when there is a slot. */
static void define(struct definition *of)
{
    struct pagesim_router_setup setup = fleet_plan_router_setup(of->plan, of->trace, of->trace->distinct_hashes);
    const uint32_t limit = of->plan->config->max_concurrency;
    uint32_t requests = 0;
    int64_t newest_ns = 0;
    void *router = NULL;
    setup.replica_most = of->plan->replicas;
    if (of->plan->router->create)
        cr_assert(of->plan->router->create(&setup, &router));
    memset(of->member_of, 0xff, sizeof of->member_of);
    for (uint32_t position = 0; position < of->trace->count; position += samples_at(of->trace, position), requests++) {
        newest_ns =
            limit > 0 ? slot_time(of, requests, limit, of->trace->arrival_ns[position], newest_ns) : of->trace->arrival_ns[position];
        if (newest_ns == INT64_MAX)
            break; /* all slots are held by requests that never end */
        route(of, router, position, newest_ns);
    }
    if (of->plan->router->destroy && router)
        of->plan->router->destroy(router);
}

/* --- random cases ----------------------------------------------------------------------------------------------------------------- */

static struct config random_fleet(uint64_t *seed)
{
    static const char *const routers[] = {"round-robin",  "random",       "least-requests", "least-requests",
                                          "power-of-two", "prefix-aware", "priority-aware", "session-affine"};
    struct config config = random_case_config(seed, false);
    config.fleet.replicas = 2 + random_below(seed, REPLICAS_MOST - 1);
    config.fleet.data_parallel_size = 1;
    config.fleet.router_view_ms = -1;
    tiny_name(config.fleet.router, routers[random_below(seed, sizeof routers / sizeof *routers)]);
    config.fleet.router_delay_ms = random_below(seed, 3) == 0 ? random_below(seed, 30) : 0;
    config.fleet.router_balance_requests = random_below(seed, 4);
    config.fleet.router_balance_ratio = 1.5;
    config.fleet.router_prefix_match = 0.3;
    config.max_concurrency = random_below(seed, 3) == 0 ? 1 + random_below(seed, 8) : 0;
    if (random_below(seed, 4) == 0)
        random_case_layers(seed, &config);
    return config;
}

static void expect_as_defined(const struct definition *of, const struct fleet_routes *routes, uint64_t seed)
{
    for (uint32_t position = 0; position < of->trace->count; position++)
        cr_assert_eq(routes->member_of[position], of->member_of[position], "seed %llu, %s: request %u", (unsigned long long)seed,
                     of->plan->router->info.name, position);
    for (uint32_t r = 0; r < of->plan->replicas; r++) {
        cr_assert_eq(routes->members[r].count, of->sent[r].count);
        for (uint32_t i = 0; i < of->sent[r].count; i++) {
            cr_assert_eq(routes->members[r].requests[i].position, of->sent[r].positions[i], "seed %llu", (unsigned long long)seed);
            cr_assert_eq(routes->members[r].requests[i].time_ns, of->sent[r].times_ns[i], "seed %llu", (unsigned long long)seed);
        }
    }
}

/* How often it mattered, so that a change of the generator cannot make the test empty. */
static uint32_t by_answers, in_closed_loop, preempting, drafting;

static void route_both_ways(uint64_t seed)
{
    const uint64_t first = seed;
    struct config config = random_fleet(&seed);
    struct trace *trace = random_case_trace(&seed, &config);
    struct fleet_plan plan;
    struct fleet_routes routes;
    static struct definition of;
    struct diag diag = {0};
    cr_assert_leq(trace->count, REQUESTS_MOST);
    cr_assert_eq(fleet_plan_make(&config, &plan, &diag), SIM_OK, "%s", diag.text);
    of = (struct definition){.plan = &plan, .trace = trace};
    define(&of);
    cr_assert_eq(routing_run(&plan, trace, (struct routing_part){0, plan.most}, NULL, &routes, &diag), SIM_OK, "seed %llu: %s",
                 (unsigned long long)first, diag.text);
    expect_as_defined(&of, &routes, first);
    by_answers += plan.router->looks_at_answers;
    in_closed_loop += config.max_concurrency > 0;
    preempting += config.num_gpu_blocks < 30;
    drafting += config.speculative.method != SPECULATIVE_NONE;
    fleet_routes_deinit(&routes);
    fleet_plan_deinit(&plan);
    trace_destroy(trace);
}

Test(routing, is_as_defined, .timeout = 120)
{
    by_answers = in_closed_loop = preempting = drafting = 0;
    for (uint64_t seed = 1; seed <= CASES; seed++)
        route_both_ways(seed);
    cr_expect_gt(by_answers, CASES / 4);
    cr_expect_gt(in_closed_loop, CASES / 5);
    cr_expect_gt(preempting, CASES / 4);
    cr_expect_gt(drafting, CASES / 20);
}

/* --- cases by hand ---------------------------------------------------------------------------------------------------------------- */

#define MS INT64_C(1000000)

/* A step takes 10 ms, whatever is in it. */
static struct config even_steps(uint32_t replicas, const char *router)
{
    struct config config = tiny_config_v1(16, 100);
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 10 * MS};
    config.async_scheduling = false;
    config.fleet = (struct fleet_config){.replicas = replicas, .data_parallel_size = 1, .router_view_ms = -1};
    tiny_name(config.fleet.router, router);
    return config;
}

/* The caller ends *routes. */
static void run_case(const struct config *config, const struct tiny_request *requests, uint32_t count, struct fleet_routes *routes)
{
    struct trace *trace = tiny_trace(requests, count);
    struct fleet_plan plan;
    struct diag diag = {0};
    cr_assert_eq(fleet_plan_make(config, &plan, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(routing_run(&plan, trace, (struct routing_part){0, plan.most}, NULL, routes, &diag), SIM_OK, "%s", diag.text);
    fleet_plan_deinit(&plan);
    trace_destroy(trace);
}

static void expect_members(const struct fleet_routes *routes, const uint32_t *members, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        cr_expect_eq(routes->member_of[i], members[i], "request %u went to %u, not %u", i, routes->member_of[i], members[i]);
}

Test(routing, an_answer_counts_from_the_moment_when_it_is_there)
{
    for (uint32_t before = 0; before < 2; before++) {
        /* 0 and 2 end at 20 ms on replica 0, 1 at 100 ms on replica 1. */
        const struct tiny_request requests[] = {{0, 16, 2}, {0, 16, 10}, {1 * MS, 16, 1}, {20 * MS - before, 16, 1}};
        const uint32_t members[] = {0, 1, 0, before};
        const struct config config = even_steps(2, "least-requests");
        struct fleet_routes routes;
        run_case(&config, requests, 4, &routes);
        expect_members(&routes, members, 4);
        fleet_routes_deinit(&routes);
    }
}

static uint32_t choose_last(void *self, const struct pagesim_router_request *request, const struct pagesim_router_replica *replicas,
                            uint32_t count)
{
    (void)self;
    cr_expect_eq(request->input_tokens, 16);
    cr_expect(replicas[count - 1].takes_requests);
    return count - 1;
}

Test(routing, routers_of_other_programs_are_asked_like_those_built_in)
{
    static const struct pagesim_router last = {.info = {"last", "always the last one, for a test"}, .choose = choose_last};
    static const struct tiny_request requests[] = {{0, 16, 2}, {0, 16, 10}};
    static const uint32_t members[] = {2, 2};
    struct pagesim_error error;
    struct fleet_routes routes;
    cr_assert_eq(pagesim_register_router(&last, &error), PAGESIM_OK);
    const struct config config = even_steps(3, "last");
    run_case(&config, requests, 2, &routes);
    expect_members(&routes, members, 2);
    fleet_routes_deinit(&routes);
}

Test(routing, a_failed_replica_sends_its_requests_to_others_or_loses_them)
{
    static const struct tiny_request requests[] = {{0, 16, 10}, {0, 16, 10}, {60 * MS, 16, 1}, {90 * MS, 16, 1}};
    for (int lost = 0; lost < 2; lost++) {
        struct config config = even_steps(2, "round-robin");
        struct fleet_routes routes;
        config.fleet.failures[0] = (struct replica_failure){.at_s = 0.05, .replica = 0, .down_s = 0.03, .lost = lost};
        config.fleet.failure_count = 1;
        run_case(&config, requests, 4, &routes);
        cr_assert_eq(routes.count, 3, "the one that failed, the other, and its successor");
        cr_expect(routes.members[0].failed);
        cr_expect_eq(routes.members[0].end_ns, 50 * MS);
        cr_expect_eq(routes.members[2].born_ns, 50 * MS);
        cr_expect_eq(routes.members[2].ready_ns, 80 * MS);
        cr_expect_eq(routes.retried, lost ? 0 : 1);
        cr_expect_eq(routes.lost, lost ? 1 : 0);
        cr_expect_eq(routes.member_of[0], lost ? 0 : 1);
        cr_expect_eq(routes.member_of[2], 1, "while number 0 is down");
        fleet_routes_deinit(&routes);
    }
}

Test(routing, without_any_replica_requests_wait_at_the_router)
{
    static const struct tiny_request requests[] = {{60 * MS, 16, 1}, {70 * MS, 16, 1}};
    struct config config = even_steps(1, "round-robin");
    struct fleet_routes routes;
    config.fleet.failures[0] = (struct replica_failure){.at_s = 0.05, .replica = 0, .down_s = 0.05};
    config.fleet.failure_count = 1;
    run_case(&config, requests, 2, &routes);
    cr_assert_eq(routes.count, 2);
    cr_assert_eq(routes.members[1].count, 2);
    cr_expect_eq(routes.members[1].requests[0].time_ns, 100 * MS);
    cr_expect_eq(routes.members[1].requests[1].time_ns, 100 * MS);
    fleet_routes_deinit(&routes);
    config.fleet.failures[0].down_s = 1e12; /* never */
    run_case(&config, requests, 2, &routes);
    cr_expect_eq(routes.lost, 2);
    fleet_routes_deinit(&routes);
}

Test(routing, a_schedule_brings_replicas_and_lets_them_drain)
{
    static const struct tiny_request requests[] = {
        {0, 16, 20}, {110 * MS, 16, 30}, {120 * MS, 16, 30}, {310 * MS, 16, 1}, {320 * MS, 16, 1}};
    static const uint32_t members[] = {0, 0, 1, 0, 0};
    struct config config = even_steps(1, "round-robin");
    struct fleet_routes routes;
    config.fleet.autoscale = (struct autoscale_config){.least = 1, .startup_s = 0.02, .schedule_count = 2};
    config.fleet.autoscale.schedule[0].at_s = 0.095;
    config.fleet.autoscale.schedule[0].replicas = 2;
    config.fleet.autoscale.schedule[1].at_s = 0.3;
    config.fleet.autoscale.schedule[1].replicas = 1;
    run_case(&config, requests, 5, &routes);
    cr_assert_eq(routes.count, 2);
    expect_members(&routes, members, 5);
    cr_expect_eq(routes.members[1].born_ns, 95 * MS);
    cr_expect_eq(routes.members[1].ready_ns, 115 * MS);
    cr_expect_eq(routes.members[1].closed_ns, 300 * MS);
    cr_expect_eq(routes.members[1].end_ns, 420 * MS, "when it has answered what it has");
    fleet_routes_deinit(&routes);
}
