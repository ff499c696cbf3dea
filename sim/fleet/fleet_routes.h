/* fleet_routes.h - who got which request, and which replicas there were: what routing (routing.h) finds out, and all that is needed to replay each
 * replica alone.
 */
#ifndef PAGESIM_FLEET_ROUTES_H
#define PAGESIM_FLEET_ROUTES_H

#include "engine/arrival_feed.h"
#include "fleet/fleet_plan.h"

#define NO_MEMBER UINT32_MAX

/* A replica from its start to its end. A number is given again after its replica has ended, so a replica is known by its place in the list. */
struct fleet_member {
    uint32_t number, kind;
    int64_t born_ns, ready_ns; /* its GPUs are taken; it takes requests */
    int64_t closed_ns;         /* it takes none from here on; INT64_MAX: to the end */
    int64_t end_ns;            /* it failed, or had nothing left to do; INT64_MAX: the fleet's end */
    bool failed;
    struct feed_item *requests; /* what it was sent, in the order and at the time of arrival there */
    size_t count, capacity;
};

struct fleet_routes {
    struct fleet_member *members;
    size_t count, capacity;
    uint32_t *member_of; /* by position: who has it, or had it last; NO_MEMBER */
    int64_t *asked_ns;   /* by position: when its client sent it; NULL: as the trace says */
    int64_t *ended_ns;   /* by position: its end, as far as routing came to know it, else -1; NULL: replicas were not looked at */
    uint64_t retried;    /* times that a request was sent anew after a failure */
    uint64_t lost;       /* requests that nobody answered: of a replica that failed, or there was none to take them */
};

/* Which of the fleet's replicas take part: all, or those of one stage. */
struct routing_part {
    uint32_t first, end; /* numbers of replicas */
};

SIM_NODISCARD enum status fleet_routes_init(struct fleet_routes *routes, const struct trace *trace, bool followed, bool simulated,
                                            struct diag *diag);
void fleet_routes_deinit(struct fleet_routes *routes);

/* A replica more. *member: its place. */
SIM_NODISCARD enum status fleet_routes_add(struct fleet_routes *routes, const struct fleet_member *from, uint32_t *member,
                                           struct diag *diag);
/* A request reaches it at `time_ns`. */
SIM_NODISCARD enum status fleet_routes_send(struct fleet_routes *routes, uint32_t member, uint32_t position, int64_t time_ns,
                                            struct diag *diag);

/* A new trace of what a member was sent, with the times at which it came there; sessions and limits of requests in flight wait for nothing any
 * more. Numbers of hash ids are its own; `keep_ids`: it knows what the file calls them, for who writes it as a file. */
SIM_NODISCARD enum status fleet_routes_trace(const struct fleet_routes *routes, uint32_t member, const struct trace *trace, bool keep_ids,
                                             struct trace **out, struct diag *diag);

#endif
