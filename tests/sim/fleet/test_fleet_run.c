/* test_fleet_run.c - what a fleet comes to: each replica decides as a server alone, nothing is lost between the passes, sums are sums, and one
 * replica is no fleet. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_run.h"
#include "observe/decision_hash.h"
#include "run/run.h"
#include "support/allocations.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/stream_recorder.h"
#include "support/tiny_trace.h"

enum { CASES = 200 };

/* Any router, with sessions' and clients' loads, reports, delays, failures and servers of prompts now and then. */
static struct config random_fleet(uint64_t *seed)
{
    struct config config = random_case_config(seed, random_below(seed, 6) == 0);
    uint32_t routers = 0;
    while (policy_at(POLICY_ROUTER, routers))
        routers++;
    config.fleet = (struct fleet_config){.replicas = 2 + random_below(seed, 3),
                                         .data_parallel_size = 1,
                                         .router_view_ms = random_below(seed, 2) ? -1 : (double)random_below(seed, 50),
                                         .router_delay_ms = random_below(seed, 3) == 0 ? random_below(seed, 30) : 0,
                                         .router_balance_requests = random_below(seed, 4),
                                         .router_balance_ratio = 1.5,
                                         .router_prefix_match = 0.3,
                                         .kv_transfer_gb_per_s = 1};
    if (config.scheduler == SCHEDULER_VLLM_V1) /* without it some cases never end */
        config.scheduler_reserve_full_isl = true;
    tiny_name(config.fleet.router, policy_at(POLICY_ROUTER, random_below(seed, routers))->name);
    config.max_concurrency = random_below(seed, 4) == 0 ? 1 + random_below(seed, 8) : 0;
    if (config.max_concurrency == 0 && random_below(seed, 4) == 0)
        config.fleet.failures[config.fleet.failure_count++] = (struct replica_failure){.at_s = random_below(seed, 1000) * 1e-3,
                                                                                       .replica = random_below(seed, config.fleet.replicas),
                                                                                       .down_s = 0.1,
                                                                                       .lost = random_below(seed, 2)};
    else if (config.max_concurrency == 0 && config.scheduler == SCHEDULER_VLLM_V1 && random_below(seed, 3) == 0)
        config.fleet.prefill_replicas = 1;
    return config;
}

/* What is left of a fleet when it was replayed. */
struct replayed {
    struct config config;
    struct trace *trace;
    struct fleet fleet;
    struct metrics whole;
    struct ledger ledger;
    struct replay_facts facts;
};

static void replay_fleet(uint64_t seed, struct replayed *out)
{
    const uint64_t first = seed;
    struct diag diag = {0};
    const struct replay_options options = {.reference = random_below(&seed, 4) == 0};
    memset(out, 0, sizeof *out);
    out->config = random_fleet(&seed);
    out->trace = random_case_trace(&seed, &out->config);
    cr_assert_eq(fleet_open(&out->fleet, out->trace, &out->config, &diag), SIM_OK, "seed %llu: %s", (unsigned long long)first, diag.text);
    cr_assert_eq(metrics_init(&out->whole, out->trace, &diag), SIM_OK);
    ledger_init(&out->ledger, out->trace, &out->config);
    cr_assert_eq(fleet_replay(&out->fleet, out->trace, &options, &out->whole, &out->ledger, &out->facts, &diag), SIM_OK,
                 "seed %llu, %s: %s", (unsigned long long)first, out->config.fleet.router, diag.text);
}

static void end_fleet(struct replayed *replayed)
{
    fleet_close(&replayed->fleet);
    metrics_deinit(&replayed->whole);
    trace_destroy(replayed->trace);
}

/* Each request is with one replica of each stage, or with several if one failed; whoever has it last tells its story. */
static void expect_nothing_lost(const struct replayed *replayed, uint64_t seed)
{
    uint32_t *had = calloc(replayed->trace->count, sizeof *had);
    uint64_t completed = 0, sent = 0;
    const struct fleet *fleet = &replayed->fleet;
    const bool split = replayed->config.fleet.prefill_replicas > 0;
    for (size_t i = 0; i < fleet->part_count; i++) {
        const struct fleet_part *part = &fleet->parts[i];
        for (size_t k = 0; k < part->member->count && part->does != METRICS_DECODE; k++)
            had[part->member->requests[k].position]++;
        sent += part->does == METRICS_DECODE ? 0 : part->member->count;
        if (part->does != METRICS_PREFILL && part->requests)
            completed += part->metrics.completed;
        for (size_t k = 1; k < part->member->count; k++)
            cr_expect_leq(part->member->requests[k - 1].time_ns, part->member->requests[k].time_ns);
    }
    for (uint32_t position = 0; position < replayed->trace->count; position++) {
        const struct request_story story = metrics_story(&replayed->whole, position);
        if (had[position] == 0 && !replayed->facts.end.stalled && replayed->config.max_concurrency == 0)
            cr_expect(replayed->fleet.sums.lost > 0, "seed %llu: request %u went nowhere", (unsigned long long)seed, position);
        if (story.finish_ns >= 0) {
            cr_expect_leq(replayed->trace->arrival_ns[position], story.first_scheduled_ns);
            cr_expect_leq(story.first_scheduled_ns, story.first_token_ns);
            cr_expect_leq(story.first_token_ns, story.finish_ns);
        }
    }
    cr_expect_eq(replayed->whole.completed, completed);
    if (!split && replayed->config.fleet.failure_count == 0 && !replayed->facts.end.stalled)
        cr_expect_eq(sent, replayed->trace->count, "seed %llu", (unsigned long long)seed);
    free(had);
}

/* The proof: what a replica was sent, replayed as a server alone, step by step, tells the same stories at the same times. */
static void expect_as_alone(const struct replayed *replayed, const struct fleet_part *part, uint64_t seed)
{
    const uint32_t stage = part->does == METRICS_DECODE;
    const struct fleet_routes *routes = &replayed->fleet.routes[stage];
    const struct trace *all = replayed->fleet.stages[stage] ? replayed->fleet.stages[stage] : replayed->trace;
    struct trace *requests;
    struct metrics alone;
    struct replay_facts facts;
    struct diag diag = {0};
    const struct replay_options options = {.reference = true};
    if (!part->requests || part->member->failed)
        return;
    cr_assert_eq(fleet_routes_trace(routes, (uint32_t)(part->member - routes->members), all, false, &requests, &diag), SIM_OK);
    cr_assert_eq(metrics_init(&alone, requests, &diag), SIM_OK);
    const struct observer observer = metrics_observer(&alone);
    cr_assert_eq(replay_run(requests, &part->kind->config, part->kind->model, &observer, 1, &options, &facts, &diag), SIM_OK);
    cr_expect_eq(facts.end.steps, part->facts.end.steps, "seed %llu", (unsigned long long)seed);
    cr_expect_eq(facts.end.end_ns, part->facts.end.end_ns);
    for (uint32_t i = 0; i < requests->count; i++) {
        const struct request_story a = metrics_story(&alone, i), b = metrics_story(&part->metrics, i);
        cr_expect(a.finish_ns == b.finish_ns && a.first_token_ns == b.first_token_ns && a.preemptions == b.preemptions &&
                      a.cached_tokens == b.cached_tokens,
                  "seed %llu: request %u", (unsigned long long)seed, i);
    }
    metrics_deinit(&alone);
    trace_destroy(requests);
}

/* From when to when a request waits at a replica; false: it was turned away. */
static bool wait_at(const struct fleet_part *part, size_t request, int64_t *from_ns, int64_t *to_ns)
{
    const struct request_story story = metrics_story(&part->metrics, (uint32_t)request);
    const int64_t end_ns = part->member->end_ns < part->facts.end.end_ns ? part->member->end_ns : part->facts.end.end_ns;
    *from_ns = part->member->requests[request].time_ns;
    *to_ns = story.first_scheduled_ns >= 0 ? story.first_scheduled_ns : end_ns;
    return !story.dropped && *to_ns > *from_ns;
}

/* Does a replica take requests, and does nobody wait there, from `at_ns` to the next change of any? */
static bool is_clear(const struct fleet_part *part, int64_t at_ns)
{
    const struct fleet_member *member = part->member;
    bool clear = member->ready_ns <= at_ns && at_ns < member->closed_ns && at_ns < member->end_ns;
    for (size_t i = 0; i < member->count && clear; i++) {
        int64_t from_ns, to_ns;
        clear = !wait_at(part, i, &from_ns, &to_ns) || at_ns < from_ns || at_ns >= to_ns;
    }
    return clear;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All times at which a replica's queue or door may change, in order. */
static size_t list_times(const struct fleet *fleet, enum metrics_part does, int64_t *times)
{
    size_t count = 0;
    for (size_t i = 0; i < fleet->part_count; i++) {
        const struct fleet_part *part = &fleet->parts[i];
        if (part->does != does)
            continue;
        times[count++] = part->member->ready_ns;
        times[count++] = part->member->closed_ns;
        times[count++] = part->member->end_ns;
        for (size_t k = 0; part->requests && k < part->member->count; k++)
            if (wait_at(part, k, &times[count], &times[count + 1]))
                count += 2;
    }
    qsort(times, count, sizeof *times, ascending);
    return count;
}

/* What routing cost each replica's requests, by its definition: piece of time by piece of time. */
static void expect_routing_wait(const struct replayed *replayed, uint64_t seed)
{
    enum { TIMES_MOST = 4096 };
    static int64_t times[TIMES_MOST];
    const struct fleet *fleet = &replayed->fleet;
    cr_assert(replayed->trace->count < TIMES_MOST / 16);
    for (size_t i = 0; i < fleet->part_count; i++) {
        const struct fleet_part *part = &fleet->parts[i];
        const size_t count = list_times(fleet, part->does, times);
        int64_t waited_ns = 0;
        for (size_t k = 0; part->requests && k < part->member->count; k++) {
            int64_t from_ns, to_ns;
            if (!wait_at(part, k, &from_ns, &to_ns))
                continue;
            for (size_t piece = 0; piece + 1 < count; piece++) {
                bool clear = false;
                for (size_t other = 0; other < fleet->part_count; other++)
                    clear = clear || (other != i && fleet->parts[other].does == part->does && is_clear(&fleet->parts[other], times[piece]));
                if (times[piece] >= from_ns && times[piece] < to_ns && clear)
                    waited_ns += times[piece + 1] - times[piece];
            }
        }
        cr_expect_eq(part->routing_wait_ns, waited_ns, "seed %llu: replica %u: %lld, not %lld", (unsigned long long)seed,
                     part->member->number, (long long)part->routing_wait_ns, (long long)waited_ns);
    }
}

Test(fleet_run, each_replica_is_a_server_alone_and_nothing_is_lost, .timeout = 120)
{
    static struct replayed replayed;
    uint32_t splits = 0, failures = 0, v0 = 0;
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        replay_fleet(seed, &replayed);
        expect_nothing_lost(&replayed, seed);
        expect_routing_wait(&replayed, seed);
        for (size_t i = 0; i < replayed.fleet.part_count; i++)
            expect_as_alone(&replayed, &replayed.fleet.parts[i], seed);
        cr_expect(ledger_check(&replayed.ledger) || replayed.config.fleet.failure_count > 0, "seed %llu", (unsigned long long)seed);
        splits += replayed.config.fleet.prefill_replicas > 0;
        failures += replayed.config.fleet.failure_count > 0;
        v0 += replayed.config.scheduler == SCHEDULER_VLLM_V0;
        end_fleet(&replayed);
    }
    cr_expect(splits > CASES / 10 && failures > CASES / 10 && v0 > CASES / 20, "%u, %u, %u", splits, failures, v0);
}

/* One server behind a router that adds nothing is that server. */
Test(fleet_run, with_one_replica_it_is_that_server)
{
    for (uint64_t first = 1; first <= 40; first++) {
        uint64_t seed = first;
        struct config config = random_fleet(&seed);
        static struct run alone, fleet;
        struct diag diag = {0};
        const struct fleet_config none = {.replicas = 1, .data_parallel_size = 1, .router_view_ms = -1, .gpu_hour_price = 1};
        struct fleet_config one = config.fleet;
        one.replicas = 1;
        one.prefill_replicas = one.failure_count = 0;
        one.router_delay_ms = 0;
        one.gpu_hour_price = 1; /* so that both have the figures of fleets */
        one.kinds[0] = (struct replica_kind){.count = 1, .settings = "{}"};
        one.kind_count = 1; /* a fleet of one */
        struct trace *trace = random_case_trace(&seed, &config);
        config.fleet = none;
        cr_assert_eq(run_open(&alone, trace, &config, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(run_replay(&alone, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
        struct config configured = config;
        configured.fleet = one;
        cr_assert_eq(run_open(&fleet, trace, &configured, &diag), SIM_OK, "%s", diag.text);
        cr_assert_not_null(fleet.fleet);
        cr_assert_eq(run_replay(&fleet, NULL, 0, NULL, &diag), SIM_OK, "seed %llu: %s", (unsigned long long)first, diag.text);
        cr_assert_eq(alone.figures.count, fleet.figures.count);
        for (size_t i = 0; i < alone.figures.count; i++)
            cr_expect(alone.figures.list[i].value == fleet.figures.list[i].value &&
                          alone.figures.list[i].undefined == fleet.figures.list[i].undefined,
                      "seed %llu: %s is %g and %g", (unsigned long long)first, alone.figures.list[i].name, alone.figures.list[i].value,
                      fleet.figures.list[i].value);
        run_close(&fleet);
        run_close(&alone);
        trace_destroy(trace);
    }
}

/* Each before anything is replayed, and with the way out. */
Test(fleet_run, what_is_not_modelled_is_refused)
{
    static const struct tiny_request requests[] = {{0, 16, 4}};
    struct trace *trace = tiny_trace(requests, 1);
    const struct config plain = tiny_config_v1(16, 20);
    for (int i = 0; i < 7; i++) {
        static const char *const reasons[] = {"give one of them, or their product",
                                              "leaves none of the 3",
                                              "wait for answers of another",
                                              "there is no replica 3; numbers are from 0 to 2",
                                              "\"cout\" is no key",
                                              "there is no router",
                                              "reject requests"};
        struct config config = plain;
        struct fleet fleet;
        struct diag diag = {0};
        struct fleet_config *of = &config.fleet;
        *of = (struct fleet_config){.replicas = 3, .data_parallel_size = i == 0 ? 2 : 1, .router_view_ms = -1};
        tiny_name(of->router, i == 5 ? "nobody" : "round-robin");
        of->prefill_replicas = i == 1 ? 3 : i == 2 ? 1 : 0;
        config.max_concurrency = i == 2 || i == 6 ? 4 : 0;
        config.max_num_queued_reqs = i == 6 ? 4 : 0;
        if (i == 3)
            of->failures[of->failure_count++] = (struct replica_failure){.replica = 3};
        if (i == 4) {
            of->replicas = 1;
            of->kinds[of->kind_count++] = (struct replica_kind){.count = 2, .settings = "{\"cout\":2}"};
        }
        cr_expect_eq(fleet_open(&fleet, trace, &config, &diag), SIM_BAD_INPUT, "%s", reasons[i]);
        cr_expect(strstr(diag.text, reasons[i]), "%s: %s", reasons[i], diag.text);
        fleet_close(&fleet);
    }
    trace_destroy(trace);
}

/* In one thread, whose allocations fail one after the other until none is left. */
Test(fleet_run, without_memory_it_is_an_error_and_nothing_is_left, .timeout = 60)
{
    static const char *const routers[] = {"prefix-aware", "least-blocks", "session-affine"};
    for (size_t i = 0; i < sizeof routers / sizeof *routers; i++) {
        uint64_t seed = 5 + i, failed = 0;
        struct config config = random_case_config(&seed, false);
        struct trace *trace = random_case_trace(&seed, &config);
        enum status status = SIM_FAILED;
        config.fleet = (struct fleet_config){.replicas = 3, .data_parallel_size = 1, .router_view_ms = -1, .kv_transfer_gb_per_s = 1};
        config.fleet.prefill_replicas = i == 2;
        config.fleet.failures[0] = (struct replica_failure){.at_s = 0.05, .replica = 1, .down_s = 0.05};
        config.fleet.failure_count = i == 1;
        tiny_name(config.fleet.router, routers[i]);
        for (uint64_t countdown = 1; status != SIM_OK; countdown++) {
            static struct run run;
            struct diag diag = {0};
            allocations_fail_after(countdown);
            status = run_open(&run, trace, &config, &diag);
            if (status == SIM_OK)
                status = run_replay(&run, NULL, 0, NULL, &diag);
            allocations_fail_after(0);
            cr_assert(status == SIM_OK || (status == SIM_FAILED && strstr(diag.text, "memory")), "%s, allocation %llu: %s", routers[i],
                      (unsigned long long)countdown, diag.text);
            failed += status != SIM_OK;
            run_close(&run);
        }
        cr_expect_gt(failed, 50, "%s", routers[i]);
        trace_destroy(trace);
    }
}
