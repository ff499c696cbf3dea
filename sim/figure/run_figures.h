/* run_figures.h - the figures of one run, computed from what its observers saw. */
#ifndef PAGESIM_RUN_FIGURES_H
#define PAGESIM_RUN_FIGURES_H

#include "config/config.h"
#include "config/sizing.h"
#include "data_plane/worker.h"
#include "figure/figure.h"
#include "figure/fleet_sums.h"
#include "figure/goodput.h"
#include "observe/ledger.h"
#include "observe/metrics.h"

/* What figures are computed from. Everything is borrowed. The caller fills the first part, run_figures_collect() the second. */
struct run_facts {
    const struct trace *trace;
    const struct config *config;
    const struct metrics *metrics;
    const struct ledger *ledger;
    const struct worker_totals *worker; /* NULL: no K/V bytes were moved */
    const struct goodput *goodput;      /* NULL: no limits were given */
    const struct fleet_sums *fleet;     /* NULL: one server */
    double read_limit;                  /* GB/s that reading K/V cannot beat on this machine; 0: not measured */

    double seconds;            /* makespan */
    struct ledger_sums memory; /* over the whole run */
    uint64_t input_tokens, output_tokens, good_requests, block_bytes;
    struct fleet_sums servers; /* also of one */
};

/* All figures of the run, then those of `wishes` (NULL: none) that no row lists. SIM_FAILED: out of memory. */
SIM_NODISCARD enum status run_figures_collect(struct run_facts *facts, const struct figure_wishes *wishes, struct figure_set *out,
                                              struct diag *diag);

/* The scopes of a run under this configuration, known before it is replayed. */
unsigned run_figures_scopes(const struct config *config, bool goodput);

#endif
