/* observer.h - whoever watches a replay: metrics, ledger, decision log, timeline, explain, data plane. A new report is a new observer.
 *
 * An observer says what it needs by which functions it has, and the engine does only the work that some observer asks for. Events come in
 * batches, and so do tallies and runs; each stream is in the order of time. All events of steps up to k are delivered before the batch of
 * tallies or runs that holds step k. Observers never reach into a scheduler.
 *
 * A function that returns anything but SIM_OK ends the replay with that status.
 */
#ifndef PAGESIM_OBSERVER_H
#define PAGESIM_OBSERVER_H

#include "base/diag.h"
#include "engine/pool_filling.h"
#include "engine/pool_states.h"
#include "engine/step.h"

/* How the replay ended. */
struct run_end {
    uint64_t steps;
    int64_t end_ns;      /* the clock after the last step; 0 when none ran */
    bool stalled;        /* requests are left that nothing can move */
    const char *abort;   /* NULL, or why the engine died (V0) */
    uint64_t unfinished; /* neither finished nor dropped: running, waiting, or not arrived */
    struct draft_sums drafts;
    struct offload_sums offloads;
};

struct observer {
    void *self;
    /* Does it look at block ids, that is at table_runs of tallies and runs? If no observer does, the event replay only counts blocks, and
     * table_runs means nothing. */
    bool contiguity;
    /* NULL, or called with batches of tallies. */
    enum status (*tallies)(void *self, const struct step_tally *tallies, size_t count, struct diag *diag);
    /* NULL, or called with batches of runs: the same as sums over several steps. Far cheaper, unless another observer wants tallies. */
    enum status (*runs)(void *self, const struct step_run *runs, size_t count, struct diag *diag);
    /* NULL, or called with batches of events. */
    enum status (*events)(void *self, const struct event *events, size_t count, struct diag *diag);
    /* NULL, or called after the events of each step that preempts, with what filled the pool when the step began. By the event replay; the
     * readable schedulers leave it to who asks for `scheduled` to see that in the lists. */
    enum status (*preempting)(void *self, const struct pool_filling *filling, struct diag *diag);
    /* NULL, or called with what every block is, for the first state of the pool that ends after *next_ns: 0 at first, then what the call says,
     * which is not before the end of the state that it was shown. Every step is then decided singly. */
    enum status (*pool)(void *self, const struct pool_states *pool, int64_t *next_ns, struct diag *diag);
    /* Do the next two look at decisions alone? Those are the tally but for what outputs bring, who is scheduled with how many tokens and which
     * blocks, who is admitted, preempted, finished, and who computed in vain. The event replay tells them too (vllm_v1_fast/step_lists.h). */
    bool decisions;
    /* NULL, or called for every single step after schedule() and pricing, before complete(): lists and tables are valid. Forces the
     * readable schedulers (scheduler_stepper.h), unless `decisions` are enough. */
    enum status (*scheduled)(void *self, const struct step *step, struct diag *diag);
    /* NULL, or called for every single step after complete(). Also forces the readable schedulers, unless likewise. */
    enum status (*completed)(void *self, const struct step *step, struct diag *diag);
    /* NULL, or called once at the end. */
    enum status (*finish)(void *self, const struct run_end *end, struct diag *diag);
};

#endif
