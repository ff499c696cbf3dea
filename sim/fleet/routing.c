/* routing.c - the clock of a fleet. Read routing.h, then next_moment: what happens next, and whether all replicas have come that far.
 *
 *     threads:   all        one                                     all                          one
 *                           what is due at this moment, until
 *                           replicas have to go on            ->    replicas go on to the  ->    ...
 *                                                                   horizon, each its share */
#include "fleet/routing.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "fleet/crew.h"
#include "fleet/routing_state.h"
#include "team.h"

/* --- ends -------------------------------------------------------------------------------------------------------------------------- */

static void answer(struct routing *routing, uint32_t number, const struct feed_item *end)
{
    struct pagesim_router_replica *view = &routing->views[number];
    const struct trace *trace = routing->trace;
    view->unanswered--;
    view->unanswered_tokens -= trace->input_tokens[end->position];
    view->unanswered_of[routing_class(trace, end->position)]--;
    routing->answered[end->position] = true;
    routing->routes->ended_ns[end->position] = end->time_ns;
    if (routing->followed)
        arrivals_end(&routing->clients, end->position, end->time_ns);
    if (view->unanswered == 0)
        routing_drained(routing, number, end->time_ns);
}

/* All ends up to `until_ns`, which all replicas have reached. Those that clients wait for come in the order of time over all replicas. */
static void take_ends(struct routing *routing, int64_t until_ns)
{
    for (;;) {
        uint32_t first = UINT32_MAX;
        int64_t first_ns = until_ns;
        for (uint32_t number = 0; number < routing->count; number++) {
            struct arrival_feed *feed = &routing->replicas[number].feed;
            if (feed->first_end == feed->end_count)
                continue;
            if (!routing->followed) {
                const struct feed_item *end;
                while ((end = arrival_feed_next_end(feed, until_ns)) != NULL)
                    answer(routing, number, end);
            } else if (feed->ended[feed->first_end].time_ns <= first_ns &&
                       (first == UINT32_MAX || feed->ended[feed->first_end].time_ns < first_ns)) {
                first = number;
                first_ns = feed->ended[feed->first_end].time_ns;
            }
        }
        if (first == UINT32_MAX)
            return;
        answer(routing, first, arrival_feed_next_end(&routing->replicas[first].feed, first_ns));
    }
}

/* --- what is due ------------------------------------------------------------------------------------------------------------------- */

/* What a router sees of queues and blocks: as the last step decided before now left them. */
void routing_report(struct routing *routing)
{
    for (uint32_t number = 0; number < routing->count; number++) {
        struct stepper *stepper = routing->replicas[number].stepper;
        struct pagesim_router_replica *view = &routing->views[number];
        struct step_tally tally = {0};
        if (!stepper)
            continue;
        stepper->ops->pool_state(stepper, &tally);
        view->running = tally.running;
        view->waiting = tally.waiting;
        view->used_blocks = tally.used_blocks;
        view->sent_since = 0;
    }
}

/* What is known of the prompt's beginning. The name of a session stands above those of ids. */
static struct pagesim_router_request request_of(struct routing *routing, uint32_t position, int64_t now_ns)
{
    const struct trace *trace = routing->trace;
    const uint32_t *tenants = trace_tenants(trace);
    struct pagesim_router_request request = {.now_ns = now_ns,
                                             .position = position,
                                             .input_tokens = trace->input_tokens[position],
                                             .priority = trace->priority ? trace->priority[position] : 0,
                                             .session = trace->session ? trace->session[position] : 0,
                                             .tenant = tenants ? tenants[position] : 0,
                                             .names_length = (uint32_t)trace_hash_count(trace, position)};
    if (request.names_length > 0) {
        request.names = trace->hash_ids + trace->hash_start[position];
    } else if (request.session > 0) {
        routing->session_name = trace->distinct_hashes + request.session;
        request.names = &routing->session_name;
        request.names_length = 1;
    }
    return request;
}

static enum status send(struct routing *routing, uint32_t number, uint32_t position, int64_t now_ns, struct diag *diag)
{
    struct replica *replica = &routing->replicas[number];
    struct pagesim_router_replica *view = &routing->views[number];
    const int64_t there_ns = now_ns + routing->plan->delay_ns;
    bool runs = true;
    if (routing->times_ns)
        routing->times_ns[position] = there_ns;
    enum status status = fleet_routes_send(routing->routes, replica->member, position, there_ns, diag);
    if (status == SIM_OK && routing->simulated)
        status = replica_send(replica, position, there_ns, &runs, diag);
    view->sent++;
    view->last_sent = ++routing->sent;
    if (status != SIM_OK || !routing->simulated)
        return status;
    if (!runs) { /* refused at once, and its client is told */
        routing->answered[position] = true;
        if (routing->followed)
            arrivals_end(&routing->clients, position, now_ns);
        return SIM_OK;
    }
    view->unanswered++;
    view->unanswered_tokens += routing->trace->input_tokens[position];
    view->unanswered_of[routing_class(routing->trace, position)]++;
    view->sent_since++;
    return SIM_OK;
}

/* All samples of a request go the same way. With nobody there who takes requests, it waits at the router. */
enum status routing_route(struct routing *routing, uint32_t position, uint32_t samples, int64_t now_ns, struct diag *diag)
{
    const struct pagesim_router *router = routing->plan->router;
    enum status status = SIM_OK;
    if (routing->taking == 0) {
        for (uint32_t i = 0; i < samples && status == SIM_OK; i++) {
            const uint32_t held = position + i;
            status = array_append(&routing->held, &routing->held_count, &routing->held_capacity, &held, sizeof held, "requests", diag);
        }
        return status;
    }
    if (router->looks_at_reports && routing->plan->view_ns == 0)
        routing_report(routing);
    const struct pagesim_router_request request = request_of(routing, position, now_ns);
    const uint32_t number = router->choose(routing->router, &request, routing->views, routing->count);
    if (number == UINT32_MAX)
        return diag_set(diag, SIM_FAILED, "out of memory for the state of router \"%s\"", router->info.name);
    if (number >= routing->count || !routing->views[number].takes_requests)
        return diag_set(diag, SIM_FAILED, "router \"%s\" chose replica %u, which takes no requests", router->info.name, number);
    for (uint32_t i = 0; i < samples && status == SIM_OK; i++)
        status = send(routing, number, position + i, now_ns, diag);
    return status;
}

/* Whoever arrives now, with all samples. */
static enum status arrive(struct routing *routing, struct diag *diag)
{
    const int64_t now_ns = routing->clients.next_ns;
    const uint32_t position = arrivals_take(&routing->clients);
    uint32_t samples = 1;
    while (position + samples < routing->trace->count && trace_sample_of(routing->trace, position + samples) > 0) {
        arrivals_take(&routing->clients);
        samples++;
    }
    for (uint32_t i = 0; i < samples && routing->routes->asked_ns; i++)
        routing->routes->asked_ns[position + i] = now_ns;
    return routing_route(routing, position, samples, now_ns, diag);
}

/* The newest moment of a report at or before the next request; what is reported in between, nobody reads. */
static int64_t report_due(const struct routing *routing, int64_t arrival_ns)
{
    const int64_t view_ns = routing->plan->view_ns;
    if (!routing->plan->router->looks_at_reports || view_ns == 0 || arrival_ns == INT64_MAX)
        return INT64_MAX;
    const int64_t moment_ns = arrival_ns / view_ns * view_ns;
    return moment_ns > routing->reported_ns ? moment_ns : INT64_MAX;
}

/* What happens next. Of several things at one time: replicas become ready, fail, come and go, report, and then requests come. */
static struct moment next_moment(const struct routing *routing)
{
    const bool left = routing->clients.next < routing->trace->count;
    const int64_t arrival_ns = left ? routing->clients.next_ns : INT64_MAX;
    struct moment next = routing_next_change(routing);
    const int64_t report_ns = report_due(routing, arrival_ns);
    if (report_ns < next.time_ns)
        next = (struct moment){.kind = MOMENT_REPORT, .time_ns = report_ns, .needs = NEEDS_STATE};
    if (arrival_ns < next.time_ns)
        next = (struct moment){.kind = MOMENT_ARRIVAL, .time_ns = arrival_ns, .needs = routing->arrival_needs};
    return next;
}

static enum status happen(struct routing *routing, const struct moment *moment, struct diag *diag)
{
    if (moment->kind == MOMENT_ARRIVAL)
        return arrive(routing, diag);
    if (moment->kind != MOMENT_REPORT)
        return routing_change(routing, moment, diag);
    routing->reported_ns = moment->time_ns;
    routing_report(routing);
    return SIM_OK;
}

/* --- the clock --------------------------------------------------------------------------------------------------------------------- */

/* The two smallest clocks of replicas that have something to do; they may be equal. */
static void clocks(const struct routing *routing, bool exactly, int64_t *least, int64_t *second)
{
    *least = *second = INT64_MAX;
    for (uint32_t number = 0; routing->simulated && number < routing->count; number++) {
        const int64_t clock = replica_clock(&routing->replicas[number], exactly);
        *second = min_i64(*second, max_i64(*least, clock));
        *least = min_i64(*least, clock);
    }
}

/* The first end that is known and was not taken yet, because not all replicas have come that far: it may bring somebody. */
static int64_t first_end(const struct routing *routing)
{
    int64_t first_ns = INT64_MAX;
    for (uint32_t number = 0; number < routing->count; number++) {
        const struct arrival_feed *feed = &routing->replicas[number].feed;
        if (feed->first_end < feed->end_count)
            first_ns = min_i64(first_ns, feed->ended[feed->first_end].time_ns);
    }
    return first_ns;
}

static bool asks_to_stop(struct routing *routing)
{
    enum { ROUTED_BETWEEN_QUESTIONS = 1024 };
    const struct replay_watch *watch = routing->watch;
    if (!watch || !watch->progress || routing->sent < routing->next_question)
        return false;
    routing->next_question = routing->sent + ROUTED_BETWEEN_QUESTIONS;
    return watch->progress(watch->context, routing->sent, routing->trace->count);
}

static enum status replicas_status(struct routing *routing, struct diag *diag)
{
    for (uint32_t number = 0; routing->simulated && number < routing->count; number++)
        if (routing->replicas[number].status != SIM_OK) {
            *diag = routing->replicas[number].diag;
            return routing->replicas[number].status;
        }
    return SIM_OK;
}

/* Everything that is due until replicas have to go on. *horizon_ns: how far; 0: never again, routing is over. */
static enum status go_on(struct routing *routing, int64_t *horizon_ns, struct diag *diag)
{
    enum status status = replicas_status(routing, diag);
    while (status == SIM_OK) {
        int64_t least, second;
        const struct moment next = next_moment(routing);
        routing->exactly = next.needs == NEEDS_STATE;
        clocks(routing, routing->exactly, &least, &second);
        const int64_t known_ns = min_i64(least, next.time_ns);
        if (routing->simulated)
            take_ends(routing, known_ns);
        if (routing->followed && next_moment(routing).time_ns < next.time_ns)
            continue; /* an answer brought somebody earlier */
        const bool waits = routing->followed || routing->changes;
        if (next.time_ns == INT64_MAX && !(waits && least < INT64_MAX)) {
            *horizon_ns = 0;
            return SIM_OK;
        }
        if (next.needs != NEEDS_NOTHING ? next.time_ns > least : next.time_ns == INT64_MAX) {
            *horizon_ns = next.time_ns;
            if (routing->followed) /* who has the earliest clock may reach that of the next one, or run one step */
                *horizon_ns = min_i64(min_i64(next.time_ns, first_end(routing)), max_i64(second, least + 1));
            return SIM_OK;
        }
        if (asks_to_stop(routing))
            return diag_set(diag, SIM_INTERRUPTED, "interrupted");
        status = happen(routing, &next, diag);
    }
    return status;
}

/* The clock in the hands of one thread; all of them let replicas go on. */
struct driver {
    struct routing *routing;
    int64_t horizon_ns;
    enum status status;
    struct diag *diag;
};

static void drive(void *self, struct crew *crew)
{
    struct driver *driver = self;
    for (;;) {
        driver->status = go_on(driver->routing, &driver->horizon_ns, driver->diag);
        if (driver->status != SIM_OK || driver->horizon_ns == 0)
            return;
        crew_round(crew);
    }
}

static void let_go_on(void *self, uint32_t number)
{
    const struct driver *driver = self;
    struct replica *replica = &driver->routing->replicas[number];
    if (replica_clock(replica, driver->routing->exactly) < driver->horizon_ns)
        replica_advance(replica, driver->horizon_ns);
}

/* Where each request asks what replicas have done, there is too little to do from one to the next to share it; one thread then lets replicas go
 * on only when somebody has to know them (replica.h). */
static enum status run(struct routing *routing, uint32_t threads, struct diag *diag)
{
    struct driver driver = {.routing = routing, .diag = diag};
    crew_run(&(struct crew_work){.self = &driver, .lead = drive, .piece = let_go_on, .pieces = routing->count}, threads);
    return driver.status;
}

enum status routing_run(const struct fleet_plan *plan, const struct trace *trace, struct routing_part part,
                        const struct replay_watch *watch, struct fleet_routes *routes, struct diag *diag)
{
    struct routing *routing;
    *routes = (struct fleet_routes){0};
    enum status status = array_zeroed(&routing, 1, sizeof *routing, "the fleet", diag);
    if (status != SIM_OK)
        return status;
    status = routing_open(routing, plan, trace, part, routes, diag);
    routing->watch = watch;
    if (status == SIM_OK)
        status = run(routing, routing->simulated && routing->arrival_needs == NEEDS_NOTHING ? kv_team(0) : 1, diag);
    routes->lost += routing->held_count; /* nobody took them */
    routing_close(routing);
    return status;
}
