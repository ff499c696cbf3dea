/* compare_runs.h - two configurations on the same trace, request by request: who wins, who loses, who starves, and where they part.
 *
 * Differences are B - A throughout, so less than 0 is a gain of B for times. Pairs are requests of the trace; the n samples that V1 makes of
 * one request count as one (first token: the earliest; end: the latest), so that any two engines can be paired.
 *
 * What the statistics mean. Over the pairs that have a latency on both sides: mean difference with Student's 95 % interval, counts of
 * better, worse and equal, and the sign test's p (statistics.h). Requests of one trace share queues and caches, so they are not independent:
 * interval and p describe this trace and are too sure about others. A second interval, from the means of BATCHES batches of requests that
 * arrived one after the other, allows for dependence that is shorter than a batch. Source: Law, Simulation Modeling and Analysis, batch
 * means.
 *
 * Starving: a request that waited for its first admission (or waits at the end) longer than `factor` times a yardstick, which is the same for
 * both sides: the median of both sides' waits; their mean where that is 0. Fairness: Jain's index of the normalised latency, E2E / output
 * tokens, over the requests that finished (the measure of Orca, OSDI'22, and PagedAttention, SOSP'23).
 */
#ifndef PAGESIM_COMPARE_RUNS_H
#define PAGESIM_COMPARE_RUNS_H

#include "base/statistics.h"
#include "replay/run.h"
#include "study/decisions.h"

enum { COMPARE_BATCHES = 20 };
enum compare_metric { COMPARE_TTFT, COMPARE_TPOT, COMPARE_E2E, COMPARE_QUEUE, COMPARE_METRICS };
extern const char *const compare_metric_names[COMPARE_METRICS]; /* "ttft", "tpot", "e2e", "queue" */

/* What became of one request of the trace. */
struct outcome {
    double ms[COMPARE_METRICS]; /* NaN: it has none */
    double arrival_s;           /* as drawn, or when its slot became free */
    double wait_ms;             /* for its first admission, or until the end of the replay; NaN: dropped */
    uint64_t cached_tokens;     /* at first admissions, all samples */
    uint32_t preemptions;
    bool finished, dropped;
};

struct compare_side {
    struct config config;
    const struct trace *trace; /* what was replayed, the run's: samples expanded or not, in the order of its arrivals */
    struct run run;
    struct decision_digests digests;
    struct outcome *outcomes; /* by position in the comparison's trace */
    double jain;
    uint32_t starving, unfinished, dropped;
    uint32_t longest_wait; /* position of the request that waited longest; UINT32_MAX: none waited */
};

struct paired {
    double mean_a, mean_b;
    struct statistics difference, batches; /* over pairs; over batch means (n = 0: fewer than two a batch) */
    size_t better, worse, equal;           /* B smaller, larger, the same */
    double sign_p;
};

struct comparison {
    const struct trace *trace; /* as the file has it; borrowed */
    struct compare_side sides[2];
    double starving_ms; /* more than this is starving: factor times the yardstick */
    double factor;      /* filled by the caller, > 0 */
    bool by_median;     /* the yardstick is the median; else the mean */
    struct paired paired[COMPARE_METRICS];
    struct parting parting;
    struct figure *figures; /* a_NAME, b_NAME, delta_NAME of every figure of the report, then those of this comparison */
    size_t figure_count, figure_capacity;
};

/* Replay both sides, in parallel, and compare. trace, factor and sides[i].config are filled by the caller; the rest is zero. The caller ends it with comparison_free in any case. */
SIM_NODISCARD enum status comparison_make(struct comparison *comparison, struct diag *diag);
void comparison_free(struct comparison *comparison);

/* Positions in order of the difference B - A in one metric, largest gain of B first; only pairs. The caller frees *order. */
SIM_NODISCARD enum status comparison_rank(const struct comparison *comparison, enum compare_metric metric, uint32_t **order, size_t *count,
                                          struct diag *diag);

#endif
