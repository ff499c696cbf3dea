/* sweep_run.h - does the runs of a sweep: many replays at once over shared traces, each result in its own slot.
 *
 * Every point's configuration is made and checked before anything runs. Runs are handed out to threads one by one, the longest first
 * (sweep_order.h); what they say does not depend on who did them, and neither does anything here. A run that stalls or dies is a result like another.
 * With the data plane on, points run one after the other, because they measure the memory's speed, and each uses all threads.
 */
#ifndef PAGESIM_SWEEP_RUN_H
#define PAGESIM_SWEEP_RUN_H

#include <stdatomic.h>

#include "base/progress.h"
#include "replay/advice.h"
#include "replay/workload.h"
#include "study/sweep_journal.h"
#include "study/sweep_order.h"
#include "study/sweep_plan.h"
#include "study/sweep_result.h"

/* Who wants a live view of a sweep. Both are called by one thread at a time. */
struct sweep_watcher {
    progress_describe *describe;                                                   /* its lines below the bar */
    void (*ended)(void *context, const struct sweep_result *result, size_t point); /* this row is there now, and no other may be read */
    void *context;                                                                 /* progress->context of describe */
};

struct sweep {
    const struct sweep_plan *plan;
    struct workload *workload;
    const struct trace **traces; /* by point, after sweep_prepare; owned */
    struct sweep_identity identity;
    unsigned scopes;              /* of all points' figures, after sweep_prepare */
    unsigned step_times;          /* models of all points, a bit 1 << enum step_time_kind each, after sweep_prepare */
    struct advice_of_runs advice; /* after sweep_prepare */
    uint64_t *costs;              /* by point, guessed (sweep_order.h), after sweep_prepare; owned */
    struct sweep_share share;     /* of the runs that sweep_run does; zero: all of them */
    struct figure_wishes wishes;  /* further percentiles to keep; the caller's, before sweep_start */
    uint32_t threads;
    bool reference;                      /* the plain scheduler */
    bool quiet;                          /* no progress bar */
    const struct sweep_watcher *watcher; /* NULL, or a live view instead of the bar */
    const atomic_int *stop;              /* NULL, or not 0 once the user has had enough */
    struct journal journal;              /* may be none */
    struct sweep_result result;
};

/* Check every point, make the traces, and fill identity, scopes and step_times. The caller has set plan, workload, threads and the rest. Errors name the
 * point. End it with sweep_close in any case. */
SIM_NODISCARD enum status sweep_prepare(struct sweep *sweep, struct diag *diag);
/* Make room for the results, and take those that the journal has, if there is to be one (NULL: none). *resumed: how many. */
SIM_NODISCARD enum status sweep_start(struct sweep *sweep, const char *journal, size_t *resumed, struct diag *diag);
/* The same from `count` journals of parts that have ended. SIM_BAD_INPUT: some run is in none of them, which is named, or in two. */
SIM_NODISCARD enum status sweep_merge(struct sweep *sweep, const char *const *parts, size_t count, struct diag *diag);
/* Do what is still pending of the sweep's share, the longest first. SIM_INTERRUPTED: stop was set; what had ended is in the journal. */
SIM_NODISCARD enum status sweep_run(struct sweep *sweep, struct diag *diag);
void sweep_close(struct sweep *sweep);

#endif
