/* routing_changes.c - replicas that come, become ready, drain, fail and end; and what routing starts and ends with. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "fleet/routing_state.h"

static int64_t later(int64_t now_ns, double seconds)
{
    const int64_t ns = ns_of(seconds, 1e9);
    return ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + ns;
}

/* --- one replica ------------------------------------------------------------------------------------------------------------------- */

static struct fleet_member *member_of(const struct routing *routing, uint32_t number)
{
    return &routing->routes->members[routing->replicas[number].member];
}

/* Is there a replica of this number, which has not ended? */
static bool is_there(const struct routing *routing, uint32_t number)
{
    return routing->replicas[number].member != NO_MEMBER;
}

static void set_taking(struct routing *routing, uint32_t number, bool takes)
{
    struct pagesim_router_replica *view = &routing->views[number];
    assert(routing->views);
    routing->taking += (uint32_t)takes - (uint32_t)view->takes_requests;
    view->takes_requests = takes;
}

static enum status start(struct routing *routing, uint32_t number, int64_t now_ns, int64_t ready_ns, struct diag *diag)
{
    struct replica *replica = &routing->replicas[number];
    const uint32_t kind = fleet_plan_kind(routing->plan, routing->part.first + number);
    const struct fleet_member member = {.number = routing->part.first + number,
                                        .kind = kind,
                                        .born_ns = now_ns,
                                        .ready_ns = ready_ns,
                                        .closed_ns = INT64_MAX,
                                        .end_ns = INT64_MAX};
    uint32_t place = 0;
    enum status status = fleet_routes_add(routing->routes, &member, &place, diag);
    if (status == SIM_OK && routing->simulated)
        status = replica_open(replica, &routing->plan->kinds[kind], routing->trace, routing->times_ns, routing->followed, now_ns, diag);
    if (status != SIM_OK)
        return status;
    replica->member = place;
    routing->views[number] = (struct pagesim_router_replica){.pool_blocks = routing->plan->kinds[kind].config.num_gpu_blocks};
    set_taking(routing, number, ready_ns <= now_ns);
    return SIM_OK;
}

/* It is no more, from `time_ns` on. */
static void stop(struct routing *routing, uint32_t number, int64_t time_ns)
{
    const struct pagesim_router *router = routing->plan->router;
    struct fleet_member *member = member_of(routing, number);
    set_taking(routing, number, false);
    member->end_ns = time_ns;
    member->closed_ns = min_i64(member->closed_ns, time_ns);
    if (routing->simulated)
        replica_close(&routing->replicas[number]);
    routing->replicas[number].member = NO_MEMBER;
    routing->views[number] = (struct pagesim_router_replica){0};
    if (router->gone)
        router->gone(routing->router, number);
}

void routing_drained(struct routing *routing, uint32_t number, int64_t time_ns)
{
    if (is_there(routing, number) && member_of(routing, number)->closed_ns < INT64_MAX)
        stop(routing, number, max_i64(time_ns, member_of(routing, number)->closed_ns));
}

/* It takes no more requests, and ends when it has answered those that it has. */
static void drain(struct routing *routing, uint32_t number, int64_t now_ns)
{
    member_of(routing, number)->closed_ns = now_ns;
    set_taking(routing, number, false);
    if (routing->views[number].unanswered == 0)
        stop(routing, number, now_ns);
}

/* --- fewer and more ---------------------------------------------------------------------------------------------------------------- */

static bool is_draining(const struct routing *routing, uint32_t number)
{
    return is_there(routing, number) && member_of(routing, number)->closed_ns < INT64_MAX;
}

/* Who drains is asked to stay first: it is there at once, with its cache. Then a new one with the lowest number that is free. */
static enum status one_more(struct routing *routing, int64_t now_ns, struct diag *diag)
{
    const double startup_s = routing->plan->config->fleet.autoscale.startup_s;
    for (uint32_t number = 0; number < routing->count; number++)
        if (is_draining(routing, number)) {
            member_of(routing, number)->closed_ns = INT64_MAX;
            set_taking(routing, number, true);
            return SIM_OK;
        }
    for (uint32_t number = 0; number < routing->count; number++)
        if (!is_there(routing, number))
            return start(routing, number, now_ns, later(now_ns, startup_s), diag);
    return SIM_OK;
}

/* Whoever does not take requests yet goes first, then who has the least to do, then the newest. */
static void one_less(struct routing *routing, int64_t now_ns)
{
    uint32_t least = UINT32_MAX;
    for (uint32_t number = 0; number < routing->count; number++) {
        if (!is_there(routing, number) || is_draining(routing, number))
            continue;
        const struct pagesim_router_replica *view = &routing->views[number], *other = least == UINT32_MAX ? NULL : &routing->views[least];
        if (!other || view->takes_requests < other->takes_requests ||
            (view->takes_requests == other->takes_requests && view->unanswered <= other->unanswered))
            least = number;
    }
    if (least != UINT32_MAX)
        drain(routing, least, now_ns);
}

/* The mean over replicas that take requests, by the target. */
static double load_ratio(struct routing *routing)
{
    const struct autoscale_config *config = &routing->plan->config->fleet.autoscale;
    double sum = 0;
    if (config->most == 0 || routing->taking == 0)
        return 1;
    if (config->utilization > 0)
        routing_report(routing);
    for (uint32_t number = 0; number < routing->count; number++) {
        const struct pagesim_router_replica *view = &routing->views[number];
        if (view->takes_requests)
            sum += config->utilization > 0 ? (double)view->used_blocks / (double)view->pool_blocks / config->utilization
                                           : (double)view->unanswered / config->unanswered;
    }
    return sum / routing->taking;
}

static enum status scale(struct routing *routing, int64_t now_ns, struct diag *diag)
{
    uint32_t there = 0, wanted = 0;
    for (uint32_t number = 0; number < routing->count; number++)
        there += is_there(routing, number) && !is_draining(routing, number);
    enum status status = scaling_look(&routing->scaling, routing->taking, there, load_ratio(routing), &wanted, diag);
    for (; status == SIM_OK && there < wanted; there++)
        status = one_more(routing, now_ns, diag);
    for (; status == SIM_OK && there > wanted; there--)
        one_less(routing, now_ns);
    return status;
}

/* --- failures ---------------------------------------------------------------------------------------------------------------------- */

static int compare_positions(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The requests that the replica has not answered, in the order of the trace. The caller frees the list. */
static enum status unanswered(const struct routing *routing, const struct fleet_member *member, uint32_t **out, size_t *count,
                              struct diag *diag)
{
    *count = 0;
    enum status status = array_zeroed(out, member->count, sizeof **out, "requests", diag);
    for (size_t i = 0; i < member->count && status == SIM_OK; i++) {
        const uint32_t position = member->requests[i].position;
        if (!routing->answered[position] && routing->routes->member_of[position] == (uint32_t)(member - routing->routes->members))
            (*out)[(*count)++] = position;
    }
    if (status == SIM_OK)
        qsort(*out, *count, sizeof **out, compare_positions);
    return status;
}

/* Nobody answers it any more. Its client hears so. */
static void lose(struct routing *routing, uint32_t position, int64_t now_ns)
{
    routing->routes->lost++;
    routing->answered[position] = true;
    if (routing->followed)
        arrivals_end(&routing->clients, position, now_ns);
}

static enum status fail(struct routing *routing, const struct replica_failure *failure, int64_t now_ns, struct diag *diag)
{
    const uint32_t number = failure->replica;
    uint32_t *positions;
    size_t count;
    routing->failures++;
    if (number >= routing->count || !is_there(routing, number))
        return SIM_OK;
    struct fleet_member *member = member_of(routing, number);
    enum status status = unanswered(routing, member, &positions, &count, diag);
    if (status != SIM_OK)
        return status;
    member->failed = true;
    stop(routing, number, now_ns);
    if (!isinf(failure->down_s))
        status = start(routing, number, now_ns, later(now_ns, failure->down_s), diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        uint32_t samples = 1;
        if (failure->lost) {
            lose(routing, positions[i], now_ns);
            continue;
        }
        while (i + samples < count && positions[i + samples] == positions[i] + samples &&
               trace_sample_of(routing->trace, positions[i + samples]) > 0)
            samples++;
        routing->routes->retried += samples;
        status = routing_route(routing, positions[i], samples, now_ns, diag);
        i += samples - 1;
    }
    free(positions);
    return status;
}

/* --- moments ----------------------------------------------------------------------------------------------------------------------- */

static struct moment earlier(struct moment next, enum moment_kind kind, int64_t time_ns)
{
    return time_ns < next.time_ns ? (struct moment){.kind = kind, .time_ns = time_ns, .needs = NEEDS_STATE} : next;
}

/* Is there anything left to be served, now or later? */
static bool goes_on(const struct routing *routing)
{
    bool busy = routing->clients.next < routing->trace->count || routing->held_count > 0;
    for (uint32_t number = 0; number < routing->count && !busy; number++)
        busy = routing->views[number].unanswered > 0;
    return busy;
}

struct moment routing_next_change(const struct routing *routing)
{
    const struct fleet_config *fleet = &routing->plan->config->fleet;
    struct moment next = {.time_ns = INT64_MAX};
    if (!routing->simulated || !routing->changes || !goes_on(routing))
        return next;
    for (uint32_t number = 0; number < routing->count; number++)
        if (is_there(routing, number) && !is_draining(routing, number) && !routing->views[number].takes_requests)
            next = earlier(next, MOMENT_READY, member_of(routing, number)->ready_ns);
    if (routing->failures < fleet->failure_count)
        next = earlier(next, MOMENT_FAILURE, ns_of(fleet->failures[routing->failures].at_s, 1e9));
    return earlier(next, MOMENT_SCALING, routing->scaling.next_ns);
}

/* What waited at the router goes to the first that is ready. */
static enum status make_ready(struct routing *routing, int64_t now_ns, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t number = 0; number < routing->count; number++)
        if (is_there(routing, number) && !is_draining(routing, number) && member_of(routing, number)->ready_ns <= now_ns)
            set_taking(routing, number, true);
    const size_t count = routing->held_count;
    routing->held_count = 0;
    for (size_t i = 0, samples; i < count && status == SIM_OK; i += samples) {
        for (samples = 1; i + samples < count && trace_sample_of(routing->trace, routing->held[i + samples]) > 0;)
            samples++;
        status = routing_route(routing, routing->held[i], (uint32_t)samples, now_ns, diag);
    }
    return status;
}

enum status routing_change(struct routing *routing, const struct moment *moment, struct diag *diag)
{
    const struct fleet_config *fleet = &routing->plan->config->fleet;
    switch (moment->kind) {
    case MOMENT_READY:
        return make_ready(routing, moment->time_ns, diag);
    case MOMENT_FAILURE:
        return fail(routing, &fleet->failures[routing->failures], moment->time_ns, diag);
    default:
        return scale(routing, moment->time_ns, diag);
    }
}

/* --- from start to end ------------------------------------------------------------------------------------------------------------- */

static enum status make_lists(struct routing *routing, struct diag *diag)
{
    const uint32_t requests = routing->trace->count;
    const struct array_request arrays[] = {ARRAY_OF(routing->replicas, routing->count), ARRAY_OF(routing->views, routing->count),
                                           ARRAY_IF(routing->simulated, routing->times_ns, requests),
                                           ARRAY_IF(routing->simulated, routing->answered, requests)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the fleet", diag);
    for (uint32_t number = 0; status == SIM_OK && number < routing->count; number++)
        routing->replicas[number].member = NO_MEMBER;
    return status;
}

static enum status make_router(struct routing *routing, struct diag *diag)
{
    const struct pagesim_router *router = routing->plan->router;
    const struct trace *trace = routing->trace;
    const uint32_t sessions = trace->session ? trace->sessions.count + 1 : 0;
    struct pagesim_router_setup setup = fleet_plan_router_setup(routing->plan, trace, trace->distinct_hashes + sessions);
    setup.replica_most = routing->count;
    if (router->create && !router->create(&setup, &routing->router))
        return diag_set(diag, SIM_FAILED, "out of memory for the state of router \"%s\"", router->info.name);
    return SIM_OK;
}

enum status routing_open(struct routing *routing, const struct fleet_plan *plan, const struct trace *trace, struct routing_part part,
                         struct fleet_routes *routes, struct diag *diag)
{
    const struct pagesim_router *router = plan->router;
    const struct autoscale_config *autoscale = &plan->config->fleet.autoscale;
    *routing = (struct routing){.plan = plan, .trace = trace, .routes = routes, .part = part, .count = part.end - part.first};
    routing->followed = fleet_plan_follows(plan, trace);
    routing->changes = autoscale->most > 0 || autoscale->schedule_count > 0 || plan->config->fleet.failure_count > 0;
    routing->simulated = routing->followed || routing->changes || router->looks_at_answers || router->looks_at_reports;
    routing->arrival_needs = router->looks_at_reports && plan->view_ns == 0  ? NEEDS_STATE
                             : routing->followed || router->looks_at_answers ? NEEDS_ENDS
                                                                             : NEEDS_NOTHING;
    routing->reported_ns = -1;
    scaling_init(&routing->scaling, autoscale);
    enum status status = arrivals_init(&routing->clients, trace, plan->config->max_concurrency, NULL, diag);
    routing->shared = *trace;
    routing->trace = &routing->shared;
    if (status == SIM_OK && routing->simulated && !trace->id_runs) {
        status = id_runs_make(trace, &routing->runs, diag);
        routing->shared.id_runs = &routing->runs;
    }
    if (status == SIM_OK)
        status = fleet_routes_init(routes, trace, routing->followed, routing->simulated, diag);
    if (status == SIM_OK)
        status = make_lists(routing, diag);
    if (status == SIM_OK)
        status = make_router(routing, diag);
    const uint32_t replicas = min_u32(plan->replicas, part.end) - part.first;
    for (uint32_t number = 0; status == SIM_OK && number < replicas; number++)
        status = start(routing, number, 0, 0, diag);
    if (status == SIM_OK)
        arrivals_find_next(&routing->clients);
    return status;
}

void routing_close(struct routing *routing)
{
    const struct pagesim_router *router = routing->plan->router;
    for (uint32_t number = 0; routing->replicas && number < routing->count; number++)
        replica_close(&routing->replicas[number]);
    if (router->destroy && routing->router)
        router->destroy(routing->router);
    scaling_deinit(&routing->scaling);
    id_runs_deinit(&routing->runs);
    arrivals_deinit(&routing->clients);
    free(routing->replicas);
    free(routing->views);
    free(routing->times_ns);
    free(routing->answered);
    free(routing->held);
    free(routing);
}
