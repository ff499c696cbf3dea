/* fleet.h - a fleet that is replayed or was: its plan, who got what, and what became of each replica. Filled in by fleet_run.c.
 */
#ifndef PAGESIM_FLEET_H
#define PAGESIM_FLEET_H

#include "figure/fleet_sums.h"
#include "fleet/fleet_routes.h"
#include "observe/ledger.h"
#include "observe/metrics.h"
#include "replay/replay.h"

/* One replica, from its start to its end. */
struct fleet_part {
    const struct fleet_member *member;
    const struct fleet_kind *kind;
    enum metrics_part does;
    struct trace *requests; /* what it was sent; NULL: nothing */
    struct metrics metrics; /* of these; without the gaps between tokens */
    struct ledger ledger;
    struct replay_facts facts;
};

struct fleet {
    struct fleet_plan plan;
    struct fleet_routes routes[2]; /* of servers of prompts, of servers of answers; or of all */
    struct trace *stages[2];       /* their requests; NULL: the trace itself */
    uint32_t stage_count;
    struct fleet_part *parts; /* in the order of members, stage by stage */
    size_t part_count;
    struct fleet_sums sums;
};

#endif
