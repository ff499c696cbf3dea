/* load_run.h - one configuration under one load: does it meet the limits, is it saturated, what binds. What `tune` and `capacity` repeat.
 *
 * A load is a number: how much faster the trace's own requests come (arrival_speedup_ratio), bursts and all, or a rate at which arrivals
 * are drawn (request_rate). A load passes when its replay ends, is not saturated, and meets every requirement.
 *
 * Saturated: requests come faster than they are served, so that a queue grows over the whole run. A trace ends, and a limit on TPOT
 * alone would pass at any load if this did not count. Three things tell it together: after the last arrival it takes more than a twentieth
 * of the time of all arrivals until everybody is served, and longer than anybody of the first quarter of the requests stayed; and those of
 * the last quarter stay more than half longer than those of the first. Where all requests come in less time than those of the first quarter
 * stay, no load lasts, and this counts as saturated, too.
 *
 * A replay that is only asked for its verdict stops as soon as that is known: when so many requests missed a limit on a percentile of
 * TTFT, E2E or queue time that what is left cannot mend it. Heavy loads fail within their first tenth that way. A replay of several servers
 * goes on to its end, and what binds there is not looked at (limits.seats 0).
 */
#ifndef PAGESIM_LOAD_RUN_H
#define PAGESIM_LOAD_RUN_H

#include <stdatomic.h>

#include "config/config.h"
#include "figure/figure.h"
#include "figure/requirement.h"
#include "observe/binding_limits.h"
#include "trace/trace.h"

/* Lives as long as what it is asked for. */
struct load_question {
    const struct trace *trace;
    bool drawn; /* loads are rates, else ratios */
    bool fixed; /* neither: arrivals are as the configuration says, and may saturate it */
    const struct requirement *requirements;
    size_t requirement_count;
    const struct figure_wishes *wishes; /* NULL: none */
    bool reference;
    const atomic_int *stop; /* NULL, or not 0 once the user has had enough */
};

enum { LOAD_WHY = 384 };

struct load_result {
    bool passes, saturated;
    bool early;                 /* it fails, and the replay ended when that was known; `limits` say what went before */
    char why[LOAD_WHY];         /* it does not pass; "": it does */
    struct figure_set *figures; /* NULL, or the caller's, to be filled; then no replay ends early */
    struct binding_limits limits;
};

/* Replay `config` under a load with a seed for what is drawn. Any thread. SIM_INTERRUPTED: question->stop. */
SIM_NODISCARD enum status load_run(const struct load_question *question, const struct config *config, double load, uint64_t seed,
                                   struct load_result *out, struct diag *diag);

/* The configuration as it is replayed then. */
void load_apply(const struct load_question *question, double load, uint64_t seed, struct config *config);

/* Requests/s over a load of 1: of the trace's own arrivals, or 1. NaN: the trace's requests all come at once. */
double load_unit_rate(const struct trace *trace, bool drawn);

#endif
