/* replica.h - a replica while requests are routed: the engine that it will be replayed with, fed as far as routing has come. Nobody watches it;
 * what it answers and when, what waits and what is used is all that a router sees.
 */
#ifndef PAGESIM_REPLICA_H
#define PAGESIM_REPLICA_H

#include "engine/arrival_feed.h"
#include "engine/replay_loop.h"
#include "fleet/fleet_plan.h"

struct replica {
    struct stepper *stepper; /* NULL: there is no replica of this number now */
    struct arrival_feed feed;
    struct replay_facts facts;
    int64_t reached_ns; /* nothing it does before this is unknown */
    int64_t
        quiet_ns; /* and nobody ends before this, which may be later: until then it need not go on, unless somebody has to know its state */
    int64_t least_ns;   /* no step takes less; 0: not known */
    enum status status; /* of the last replica_advance */
    struct diag diag;
    uint32_t member; /* in fleet_routes.members */
};

/* Borrows all; `times_ns`: see arrival_feed.h. `stops`: an end may bring further requests. */
SIM_NODISCARD enum status replica_open(struct replica *replica, const struct fleet_kind *kind, const struct trace *trace,
                                       const int64_t *times_ns, bool stops, int64_t now_ns, struct diag *diag);
void replica_close(struct replica *replica);

/* A request reaches it at `time_ns`. *runs = false: it never can here, and is refused at once. */
SIM_NODISCARD enum status replica_send(struct replica *replica, uint32_t position, int64_t time_ns, bool *runs, struct diag *diag);

/* Until when its ends are known, or, `exactly`, everything that it does; INT64_MAX: it has nothing to do. */
static inline int64_t replica_clock(const struct replica *replica, bool exactly)
{
    if (!replica->stepper || replica->feed.present == 0)
        return INT64_MAX;
    return exactly || replica->reached_ns > replica->quiet_ns ? replica->reached_ns : replica->quiet_ns;
}
/* Let it go on up to `horizon_ns`. The outcome is in replica->status, as this is called in many threads, one a replica. */
void replica_advance(struct replica *replica, int64_t horizon_ns);

#endif
