/* run.h - one replay with the standard observers and its list of figures: what replay, sweep, size, curve, compare and explain repeat.
 *
 * A run borrows trace and configuration, which must outlive it, and owns its observers. Runs are independent of each other: many may go
 * on at once over one trace, each in its own thread.
 */
#ifndef PAGESIM_RUN_H
#define PAGESIM_RUN_H

#include "figure/run_figures.h"
#include "fleet/fleet.h"
#include "replay/replay.h"

struct run {
    const struct trace *trace; /* what is replayed: the caller's, or fitted */
    const struct config *config;
    struct trace *fitted;          /* NULL, or what workload_fit made of the caller's for this configuration */
    struct step_time_model *model; /* NULL with a fleet, whose kinds have one each */
    struct fleet *fleet;           /* NULL: one server. Then metrics and ledger are sums over all (fleet/fleet.h) */
    struct metrics metrics;        /* stories: what became of each request */
    struct ledger ledger;
    struct replay_facts facts;
    /* Set between run_open and run_replay what else there is to tell of; NULL and 0: nothing. */
    const struct worker_totals *worker; /* K/V bytes were moved */
    double read_limit;                  /* GB/s that reading them cannot beat on this machine */
    const struct goodput *goodput;      /* limits were given */
    const struct figure_wishes *wishes; /* further percentiles */
    struct figure_set figures;          /* after run_replay */
};

/* Prepare a run. Takes the requests along the road of workload.h: extra observers must be made for run->trace, not for `trace`.
 * SIM_BAD_INPUT: the step-time model cannot be made, or the engine cannot replay the requests. End it with run_close in any case; a zeroed
 * run may be closed too. */
SIM_NODISCARD enum status run_open(struct run *run, const struct trace *trace, const struct config *config, struct diag *diag);

/* Replay with metrics, ledger and then `extra` observers, then collect the figures. `options` NULL: the defaults. A stall or an
 * abort is SIM_OK here: run_judge says so. Extra observers look at one server: with a fleet they are SIM_USAGE. */
SIM_NODISCARD enum status run_replay(struct run *run, const struct observer *extra, size_t extra_count,
                                     const struct replay_options *options, struct diag *diag);

/* Compute the figures again, after something that they tell of has changed. */
SIM_NODISCARD enum status run_collect_figures(struct run *run, struct diag *diag);

/* A figure of the run; NaN when it has none of that name or it is undefined. */
static inline double run_figure(const struct run *run, const char *name)
{
    return figure_set_value(&run->figures, name);
}

/* SIM_FAILED with a sentence when the replay ended early (facts.end.stalled, facts.end.abort). */
SIM_NODISCARD enum status run_judge(const struct run *run, struct diag *diag);

void run_close(struct run *run);

#endif
