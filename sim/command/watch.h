/* watch.h - what `replay --watch` and `sweep --watch` show below the bar of their live view (base/progress.h). */
#ifndef PAGESIM_WATCH_H
#define PAGESIM_WATCH_H

#include "observe/latest_state.h"
#include "run/run.h"
#include "study/sweep_groups.h"

/* Row for a command's option table. */
#define WATCH_OPTION                                                                                                                       \
    {                                                                                                                                      \
        "watch", NULL, "draw how it goes on standard error; without a terminal a line every 5 s"                                           \
    }

/* A replay: requests, queues, pool, tokens, preemptions. */
struct replay_view {
    const struct run *run;
    struct latest_state state;
};

/* Starts `progress` with a view of the run, which must be open. The observer must watch the replay of a single server; of a fleet it shows how far
 * routing and replicas are. All three must stay where they are. */
struct observer replay_view_start(struct replay_view *view, const struct run *run, struct progress *progress);

/* A sweep: how many runs have ended, how fast, and the best of them in the first objective. */
struct sweep_best {
    const struct sweep_plan *plan;
    const struct sweep_objective *objective;
    size_t ended, total; /* with those of the journal */
    size_t point;        /* of the best */
    double value;        /* NaN: there is none yet */
    struct sweep_watcher watcher;
};

/* What the sweep's watcher is to be. `view` has its objectives; all must stay where they are. */
const struct sweep_watcher *sweep_best_watch(struct sweep_best *best, const struct sweep_plan *plan, const struct sweep_view *view);

#endif
