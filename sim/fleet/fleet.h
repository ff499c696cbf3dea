/* fleet.h - a fleet that is replayed or was: its plan, who got what, and what became of each replica. Filled in by fleet_run.c.
 */
#ifndef PAGESIM_FLEET_H
#define PAGESIM_FLEET_H

#include "figure/fleet_sums.h"
#include "fleet/fleet_routes.h"
#include "observe/ledger.h"
#include "observe/metrics.h"
#include "observe/replica_course.h"
#include "replay/replay.h"

/* One replica, from its start to its end. */
struct fleet_part {
    const struct fleet_member *member;
    const struct fleet_kind *kind;
    enum metrics_part does;
    struct trace *requests; /* what it was sent, without hash ids after the replay; NULL: nothing */
    struct metrics metrics; /* of these; without the gaps between tokens */
    struct ledger ledger;
    struct replay_facts facts;
    int64_t routing_wait_ns;       /* over its requests (routing_wait.h) */
    struct replica_course *course; /* how it went; NULL: not wanted, or nothing was sent here */
    void *watched;                 /* the watcher's */
};

enum { FLEET_OBSERVERS_MOST = 3 };

/* Who watches single replicas. Both are called in the thread that replays the replica, for several replicas at once; for those without requests not
 * at all. */
struct fleet_watcher {
    void *self;
    /* Before the replay, with all of the part that is known by then. observers[*count ..] are the watcher's to add to. */
    enum status (*open)(void *self, struct fleet_part *part, struct observer observers[FLEET_OBSERVERS_MOST], size_t *count,
                        struct diag *diag);
    /* After it, if open was SIM_OK; `status`: how the replay went. Returns that, or what failed here. */
    enum status (*close)(void *self, struct fleet_part *part, enum status status, struct diag *diag);
};

struct fleet {
    struct fleet_plan plan;
    struct fleet_routes routes[2]; /* of servers of prompts, of servers of answers; or of all */
    struct trace *stages[2];       /* their requests; NULL: the trace itself */
    uint32_t stage_count;
    struct fleet_part *parts; /* in the order of members, stage by stage */
    size_t part_count;
    uint32_t *answered_by;    /* by position: the number of the replica that answered the request, or had it last; NO_MEMBER */
    uint32_t *prefilled_by;   /* by position: the number of the one that computed its prompt; NULL: all replicas do both */
    int64_t *routing_wait_ns; /* by position (routing_wait.h); -1: it came to no replica, or was dropped there */
    struct fleet_sums sums;
    /* Set between fleet_open and fleet_replay what else is wanted. */
    bool keeps_courses;
    const struct fleet_watcher *watcher; /* NULL: nobody */
};

/* What a replica is for, in words: "both", "prefill", "decode". */
const char *fleet_part_role(const struct fleet_part *part);
/* Which replica of its number it is, from 1: numbers are given again. */
uint32_t fleet_part_turn(const struct fleet *fleet, const struct fleet_part *part);

/* Files about single replicas: FOLDER/replica-3.jsonl, and .2.jsonl for the second one of that number; of the configuration of a kind:
 * FOLDER/config.json, or config-1.json where there are several. */
void fleet_part_file(const struct fleet *fleet, const struct fleet_part *part, const char *folder, char *out, size_t size);
void fleet_kind_file(const struct fleet *fleet, const struct fleet_kind *kind, const char *folder, char *out, size_t size);

#endif
