/* sweep_groups.h - what a sweep found: its runs in groups, the Pareto front, and which groups meet the requirements.
 *
 * Runs that differ in their seed alone are replicates: they make one group, whose figures are means with a 95 % interval, or the largest for
 * peaks. Everywhere else a group is a run. Requirements are judged on the group's figures. The front is over groups; only those compete that
 * meet all requirements, whose runs all ended, and that completed as many requests as the best of these did, as a pool that turns requests
 * away looks fast.
 */
#ifndef PAGESIM_SWEEP_GROUPS_H
#define PAGESIM_SWEEP_GROUPS_H

#include "base/statistics.h"
#include "figure/requirement.h"
#include "study/sweep_run.h"

enum { SWEEP_OBJECTIVES_MOST = 8, SWEEP_FIGURES_MOST = 64 };

struct sweep_objective {
    char name[FIGURE_NAME_SIZE];
    bool maximise;
};

/* What of a sweep is wanted. */
struct sweep_view {
    struct sweep_objective objectives[SWEEP_OBJECTIVES_MOST];
    size_t objective_count;
    char figures[SWEEP_FIGURES_MOST][FIGURE_NAME_SIZE]; /* that people see */
    size_t figure_count;
    bool chosen;                            /* the user named the figures: programs get these alone, else all */
    const struct requirement *requirements; /* borrowed; the caller's, before sweep_view_figures */
    size_t requirement_count;
    double tolerance;            /* of the front (pareto.h) */
    bool front_only;             /* tell of the front alone */
    struct sweep_objective sort; /* rows for people are sorted by this figure, then by the objectives; "": by these alone */
    bool unsorted;               /* they stand in the order of the plan, and all of them */
    bool sort_chosen;            /* the user named the order: rows for programs have it, too */
};

/* "NAME,NAME:max,NAME:min"; without :max or :min a figure's own sense. NULL: throughput, p99 TTFT and pool bytes. Percentiles that no report
 * lists go to `wishes`. SIM_USAGE: runs of these scopes have no such figure, or it has no sense of its own. */
SIM_NODISCARD enum status sweep_view_objectives(struct sweep_view *view, const char *text, unsigned scopes, struct figure_wishes *wishes,
                                                struct diag *diag);
/* How rows are sorted: "NAME", "NAME:max", "NAME:min"; "none": the order of the plan; NULL: by the objectives. SIM_USAGE: as there. */
SIM_NODISCARD enum status sweep_view_sort(struct sweep_view *view, const char *text, unsigned scopes, struct figure_wishes *wishes,
                                          struct diag *diag);
/* "a,b,c"; NULL: what fits 80 columns. Figures of objectives and requirements come along, and with requirements the
 * number of requests that were not served. Call it last. */
SIM_NODISCARD enum status sweep_view_figures(struct sweep_view *view, const char *text, unsigned scopes, struct figure_wishes *wishes,
                                             struct diag *diag);

/* Runs that differ in their seed alone. */
struct sweep_group {
    size_t first; /* the first of them in order of the plan */
    size_t *runs;
    size_t run_count;
    enum sweep_state state; /* the worst of its runs' */
    bool on_front, meets;
    bool lacks_requests; /* a requirement on a latency fails because some requests were not served */
};

struct sweep_groups {
    const struct sweep *sweep;
    const struct sweep_view *view;
    struct sweep_group *list; /* by `first` */
    size_t count;
    size_t *members;   /* all groups' runs */
    double *scratch;   /* a figure of one group's runs */
    uint32_t seed_key; /* which varied key is the seed; the number of keys: none is */
    bool replicated;   /* some group has several runs */
    bool seeds_made_no_difference;
    bool some_lack_requests;
};

/* From a sweep whose runs have all ended. Borrows both. End it with sweep_groups_deinit in any case. */
SIM_NODISCARD enum status sweep_groups_make(struct sweep_groups *groups, const struct sweep *sweep, const struct sweep_view *view,
                                            struct diag *diag);
void sweep_groups_deinit(struct sweep_groups *groups);

/* SIM_REQUIREMENT when no group meets them all. */
SIM_NODISCARD enum status sweep_groups_judge(const struct sweep_groups *groups, struct diag *diag);

/* What the runs of a group make of sweep->result.figures[figure], undefined ones left out; n = 0: none has it. The mean of a peak is the
 * largest. One thread at a time. */
struct statistics sweep_group_figure(const struct sweep_groups *groups, const struct sweep_group *group, size_t figure);

#endif
