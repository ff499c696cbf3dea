/* routing_state.h - what the files of the first pass share: the state of routing, and the replicas that come and go (routing_changes.c).
 */
#ifndef PAGESIM_ROUTING_STATE_H
#define PAGESIM_ROUTING_STATE_H

#include "engine/arrivals.h"
#include "fleet/fleet_routes.h"
#include "fleet/replica.h"
#include "fleet/scaling.h"
#include "trace/id_runs.h"

enum moment_kind { MOMENT_READY, MOMENT_FAILURE, MOMENT_SCALING, MOMENT_REPORT, MOMENT_ARRIVAL };

/* What has to be known of replicas up to a moment. */
enum moment_needs { NEEDS_NOTHING, NEEDS_ENDS, NEEDS_STATE };

struct moment {
    enum moment_kind kind;
    int64_t time_ns; /* INT64_MAX: never */
    enum moment_needs needs;
};

struct routing {
    const struct fleet_plan *plan;
    const struct trace *trace;
    struct fleet_routes *routes;
    const struct replay_watch *watch;
    struct routing_part part;
    struct trace shared; /* the trace, with id_runs that all replicas look at: ids that always come together do so in each replica, too */
    struct id_runs runs;
    struct arrivals clients;
    bool followed;  /* clients wait for answers */
    bool changes;   /* replicas come and go, for as long as somebody is served */
    bool simulated; /* replicas have engines; else only lists are made */
    enum moment_needs arrival_needs;
    bool exactly; /* replicas go on to the horizon, also those of which it is known that nobody ends before */
    void *router;
    struct replica *replicas; /* by number from part.first on, as what follows */
    struct pagesim_router_replica *views;
    uint32_t count, taking; /* numbers; replicas that take requests */
    uint64_t sent, next_question;
    int64_t reported_ns;
    int64_t *times_ns;     /* by position: when it reaches the replica that it was sent to; NULL: nobody asks */
    bool *answered;        /* by position */
    uint32_t session_name; /* scratch */
    uint32_t *held;        /* requests that wait at the router for a replica */
    size_t held_count, held_capacity;
    uint32_t failures; /* so many have been */
    struct scaling scaling;
};

/* The class of a request, as routers count them. */
static inline uint32_t routing_class(const struct trace *trace, uint32_t position)
{
    return policy_class(trace->priority ? trace->priority[position] : 0);
}

SIM_NODISCARD enum status routing_open(struct routing *routing, const struct fleet_plan *plan, const struct trace *trace,
                                       struct routing_part part, struct fleet_routes *routes, struct diag *diag);
void routing_close(struct routing *routing);

/* Send a request and its samples to the replica that the router chooses. */
SIM_NODISCARD enum status routing_route(struct routing *routing, uint32_t position, uint32_t samples, int64_t now_ns, struct diag *diag);
/* Every replica reports. */
void routing_report(struct routing *routing);

/* The next change of who is there, and to make it. */
struct moment routing_next_change(const struct routing *routing);
SIM_NODISCARD enum status routing_change(struct routing *routing, const struct moment *moment, struct diag *diag);
/* The replica has answered everything, the last at `time_ns`: it ends if it was draining. */
void routing_drained(struct routing *routing, uint32_t number, int64_t time_ns);

#endif
