/* run.h - one replay with the standard observers and its list of figures: what replay, sweep, size, curve, compare and explain repeat.
 *
 * A run borrows trace and configuration, which must outlive it, and owns its observers. Runs are independent of each other: many may go
 * on at once over one trace, each in its own thread.
 */
#ifndef PAGESIM_RUN_H
#define PAGESIM_RUN_H

#include "config/sizing.h"
#include "replay/engine.h"
#include "report/report.h"

struct run {
    const struct trace *trace; /* what is replayed: the caller's, or drawn_trace */
    const struct config *config;
    struct trace *drawn_trace; /* NULL, or the requests with arrivals as config's rate draws them, in the order of the file (drawn_arrivals.h) */
    struct step_time_model *model;
    struct metrics metrics; /* stories: what became of each request */
    struct ledger ledger;
    struct replay_facts facts;
    struct report report; /* report.figures after run_replay, see report_find. Set between run_open and run_replay what else it is to
                           * tell of: worker, sizing, goodput. */
};

/* Prepare a run. A configuration that draws arrivals which the trace does not have yet (in a sweep over request_rate, say) gets a trace of
 * its own: extra observers must be made for run->trace then. SIM_BAD_INPUT: the step-time model cannot be made. End it with run_close in
 * any case; a zeroed run may be closed too. */
SIM_NODISCARD enum status run_open(struct run *run, const struct trace *trace, const struct config *config, struct diag *diag);

/* Replay with metrics, ledger and `extra` observers behind them, then collect the figures. `options` NULL: the defaults. A stall or an
 * abort is SIM_OK here: run_judge tells of it. */
SIM_NODISCARD enum status run_replay(struct run *run, const struct observer *extra, size_t extra_count,
                                     const struct replay_options *options, struct diag *diag);

/* SIM_FAILED with a sentence when the replay ended early (facts.end.stalled, facts.end.abort). */
SIM_NODISCARD enum status run_judge(const struct run *run, struct diag *diag);

void run_close(struct run *run);

#endif
