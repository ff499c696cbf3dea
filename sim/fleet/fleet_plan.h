/* fleet_plan.h - what a configuration says of a fleet: its kinds of replicas, each a configuration of its own, the router, and how long a request
 * is on its way.
 *
 *     replicas 0 .. n - 1       the first kind's come first, then the second's; those that come later are of the first kind
 *     prefill_replicas          so many of them, from 0 on, only compute prompts
 */
#ifndef PAGESIM_FLEET_PLAN_H
#define PAGESIM_FLEET_PLAN_H

#include "config/config.h"
#include "policy/policy.h"
#include "time/step_time.h"
#include "trace/trace.h"

/* Replicas that are alike. */
struct fleet_kind {
    struct config config; /* of one replica: no fleet, no load, and its pool has a size */
    struct step_time_model *model;
    uint32_t count; /* at the start */
};

struct fleet_plan {
    const struct config *config; /* of the whole; borrowed */
    struct fleet_kind *kinds;
    uint32_t kind_count;
    uint32_t replicas; /* at the start */
    uint32_t most;     /* that there can be at a time: replicas have numbers below it */
    const struct pagesim_router *router;
    const char *router_name;
    int64_t delay_ns, view_ns;
};

/* Borrows config. SIM_BAD_INPUT: a kind's settings do not fit, its pool has no size, or there is no such router. End it with fleet_plan_deinit in
 * any case. */
SIM_NODISCARD enum status fleet_plan_make(const struct config *config, struct fleet_plan *out, struct diag *diag);
void fleet_plan_deinit(struct fleet_plan *plan);

/* GPUs of all replicas, when there are most of them. The plan need not be made for it. */
SIM_NODISCARD enum status fleet_plan_gpus(const struct config *config, uint32_t *out, struct diag *diag);
/* The number of the kind that replica `number` is of. */
uint32_t fleet_plan_kind(const struct fleet_plan *plan, uint32_t number);
/* Does the trace, or the load, wait for answers: has it sessions, or a limit of requests in flight? */
bool fleet_plan_follows(const struct fleet_plan *plan, const struct trace *trace);
/* What the router is told when it is made, for requests of this trace of which `names` numbers name pieces of prompts. */
struct pagesim_router_setup fleet_plan_router_setup(const struct fleet_plan *plan, const struct trace *trace, uint32_t names);

#endif
