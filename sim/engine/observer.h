/* observer.h - whoever watches a replay: metrics, ledger, decision log, timeline, explain, data plane.
 *
 * An observer names what it needs by which functions it has; the engine pays only for what some observer has. Order of calls in time:
 * events of a step and its tally may arrive in separate batches (all events of steps up to k are delivered before the batch of tallies or
 * runs that contains step k, and each stream is in time order). Observers never reach into a scheduler. A new report is a new observer.
 */
#ifndef PAGESIM_OBSERVER_H
#define PAGESIM_OBSERVER_H

#include "base/diag.h"
#include "engine/step.h"

/* How the replay ended. */
struct run_end {
    uint64_t steps;
    int64_t end_ns;      /* the clock after the last step; 0 when none ran */
    bool stalled;        /* unfinished requests that nothing can move */
    const char *abort;   /* NULL, or why the engine died (V0) */
    uint64_t unfinished; /* admitted or waiting at the end */
};

struct observer {
    void *self;
    /* Are block ids looked at, that is table_runs of tallies and runs? Without anybody who does, the event replay only counts blocks, and
     * table_runs means nothing. */
    bool contiguity;
    /* NULL, or called with batches of tallies. */
    enum status (*tallies)(void *self, const struct step_tally *tallies, size_t count, struct diag *diag);
    /* NULL, or called with batches of runs of steps: the same told as sums. Cheaper by far, unless somebody else wants tallies. */
    enum status (*runs)(void *self, const struct step_run *runs, size_t count, struct diag *diag);
    /* NULL, or called with batches of events. */
    enum status (*events)(void *self, const struct event *events, size_t count, struct diag *diag);
    /* NULL, or called for every single step after schedule() and pricing, before complete(): lists and tables are valid. Its presence
     * forces the step-by-step engine. */
    enum status (*scheduled)(void *self, const struct step *step, struct diag *diag);
    /* NULL, or called for every single step after complete(). Also forces the step-by-step engine. */
    enum status (*completed)(void *self, const struct step *step, struct diag *diag);
    /* NULL, or called once at the end. */
    enum status (*finish)(void *self, const struct run_end *end, struct diag *diag);
};

#endif
