/* compare_runs.h - two to eight configurations on the same trace, request by request: who wins, who loses, who starves, and where they differ
 * first.
 *
 * Each side is held against the first: differences are the side less the first (B - A), so a time below 0 is a gain of the side. What a pair of
 * sides gives does not depend on which other sides there are. Pairs are requests of the trace; the n samples that V1 makes of one request count
 * as one (first token: the earliest; end: the latest), so that any two engines can be paired.
 *
 * What the statistics mean. Over the pairs that have a latency on both sides: mean difference with Student's 95 % interval, counts of
 * better, worse and equal, and the sign test's p (statistics.h). Requests of one trace share queues and caches, so they are not independent:
 * interval and p describe this trace and are too sure about others. A second interval, from the means of COMPARE_BATCHES batches of requests
 * that arrived one after the other, allows for dependence that is shorter than a batch. Source: Law, Simulation Modeling and Analysis, batch
 * means.
 *
 * Starving: a request that waited for its first admission (or waits at the end) longer than `factor` times a yardstick, which is the same for
 * all sides: the median of all sides' waits; their mean where that is 0. Fairness: Jain's index of the normalised latency, E2E / output
 * tokens, over the requests that finished (the measure of Orca, OSDI'22, and PagedAttention, SOSP'23). Slowdown: E2E over what the request would
 * take alone (alone_times.h), over the same requests; below 1 where the cache saves more than others cost.
 */
#ifndef PAGESIM_COMPARE_RUNS_H
#define PAGESIM_COMPARE_RUNS_H

#include "observe/distribution.h"
#include "run/run.h"
#include "study/compare_classes.h"
#include "study/first_difference.h"

enum { COMPARE_NAME_SIZE = 25 };

/* A side next to the first one. The first one itself has nothing here. */
struct against_first {
    struct paired paired[LATENCIES];
    uint32_t *ranked; /* positions in order of the difference in the latency ranked_by, the side's largest gain first; only pairs */
    size_t ranked_count;
    bool fleets; /* one of the two has several servers, each with steps of its own: decisions are not held against each other */
    struct first_difference difference;
    struct figure_set figures; /* those of FIGURE_OF_COMPARISON */
};

struct compare_side {
    char name[COMPARE_NAME_SIZE]; /* an identifier, the caller's; of a comparison that is not `named` A and B, whatever stands here */
    struct config config;
    const struct trace *trace; /* what was replayed, the run's: samples expanded or not, in the order of its arrivals */
    struct run run;            /* its figures include those of FIGURE_OF_COMPARED_RUN */
    struct step_digests digests;
    struct outcome *outcomes; /* by position in the comparison's trace */
    double jain;
    struct summary slowdown; /* count 0: nobody finished, or step times are recorded, which are nobody's alone */
    uint32_t starving, unfinished, dropped;
    uint32_t longest_wait; /* position of the request that waited longest; UINT32_MAX: none waited */
    struct against_first against;
};

/* One way to sort requests into classes. */
struct compare_sorting {
    const char *text; /* as the user wrote it; borrowed */
    enum class_key key;
    const struct priority_rules *rules; /* of CLASS_BY_RULES */
};

struct comparison {
    /* filled by the caller */
    const struct trace *trace; /* as the file has it; borrowed */
    struct compare_side sides[COMPARE_SIDES_MOST];
    size_t count;                       /* of sides, 2 or more */
    bool named;                         /* else they are two, A and B */
    double factor;                      /* of starving, > 0 */
    const struct figure_wishes *wishes; /* further percentiles of all sides; NULL: none */
    enum latency ranked_by;             /* one of paired_latencies */
    struct compare_sorting sortings[COMPARE_SORTINGS_MOST];
    size_t sorting_count;
    /* NULL, or called now and then by the sides' threads; true stops with SIM_INTERRUPTED. */
    bool (*progress)(void *context, size_t side, uint64_t finished, uint64_t total);
    void *progress_context;
    /* filled by comparison_make */
    double starving_ms; /* more than this is starving: factor times the yardstick */
    bool by_median;     /* the yardstick is the median; else the mean */
    struct request_classes sorted[COMPARE_SORTINGS_MOST];
    struct compared_classes classes; /* of all sortings, by the latency ranked_by */
};

/* What people call a side, and what programs do: "A" and "a", or the name itself. */
const char *comparison_name(const struct comparison *comparison, size_t side);
const char *comparison_key(const struct comparison *comparison, size_t side);

/* Replay all sides, in parallel, and compare. The caller fills the first part and names and configurations of the sides, leaves the rest zero,
 * and ends it with comparison_free in any case. */
SIM_NODISCARD enum status comparison_make(struct comparison *comparison, struct diag *diag);
void comparison_free(struct comparison *comparison);

/* Names of figures in a comparison. Of A and B: a_NAME and b_NAME are a side's, delta_NAME is B - A, others are the comparison's own. Of sides
 * with names: SIDE_NAME is a side's, or where it is held against the first one, delta_SIDE_NAME the side less the first; others are the same
 * for all sides. */
enum comparison_part { COMPARISON_SIDE, COMPARISON_DELTA, COMPARISON_WHOLE };
struct comparison_figure_name {
    enum comparison_part part;
    size_t side;
    const char *figure; /* what follows the prefix */
};
struct comparison_figure_name comparison_split_name(const struct comparison *comparison, const char *name);
/* The scopes (figure.h) of the figures that go with such a prefix, known before anything is replayed; delta_ wants what both sides have. */
unsigned comparison_scopes(const struct comparison *comparison, const struct comparison_figure_name *name);
/* The value of a figure with its prefix; NaN when there is none of that name or it is undefined. */
double comparison_figure(const struct comparison *comparison, const char *name);

#endif
