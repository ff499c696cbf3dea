/* sweep_report.h - what a sweep found: rows in three forms, the Pareto front, and means over seeds.
 *
 * Runs that differ in their seed alone are replicates: they make one row, whose figures are means with a 95 % interval. Everywhere else a
 * row is a run. The front is over rows; only rows whose runs all ended and completed as many requests as the best row did compete, as a
 * pool that turns requests away looks fast. Requirements are judged on the row's figures.
 */
#ifndef PAGESIM_SWEEP_REPORT_H
#define PAGESIM_SWEEP_REPORT_H

#include <stdio.h>

#include "base/json.h"
#include "base/statistics.h"
#include "figure/requirement.h"
#include "study/sweep_run.h"

enum { SWEEP_OBJECTIVES_MOST = 8, SWEEP_FIGURES_MOST = 64, SWEEP_REQUIREMENTS_MOST = 64 };

struct sweep_objective {
    char name[64];
    bool maximise;
};

/* What of it is wanted. */
struct sweep_view {
    struct sweep_objective objectives[SWEEP_OBJECTIVES_MOST];
    size_t objective_count;
    char figures[SWEEP_FIGURES_MOST][64]; /* columns */
    size_t figure_count;
    bool chosen; /* the user named the columns: CSV holds these alone, else all figures */
    struct requirement requirements[SWEEP_REQUIREMENTS_MOST];
    size_t requirement_count;
    bool front_only; /* the table shows the front alone */
};

/* Runs that differ in their seed alone. */
struct sweep_group {
    size_t first; /* the first of them in order of the plan */
    size_t *runs;
    size_t run_count;
    enum sweep_state state; /* the worst of its runs' */
    bool on_front, meets;
};

struct sweep_report {
    const struct sweep *sweep;
    const struct sweep_view *view;
    struct sweep_group *groups;
    size_t *members; /* all groups' runs */
    size_t group_count;
    bool replicated; /* some group has several runs */
    bool seeds_made_no_difference;
};

/* "NAME:max,NAME:min"; NULL: throughput up, p99 TTFT and pool bytes down. SIM_USAGE. */
SIM_NODISCARD enum status sweep_view_objectives(struct sweep_view *view, const char *text, struct diag *diag);
/* "a,b,c"; NULL: what fits 80 columns. Figures of objectives and requirements come along. Call it last. */
SIM_NODISCARD enum status sweep_view_figures(struct sweep_view *view, const char *text, bool moves_bytes, struct diag *diag);
/* Does every name stand in the list of known figures, and every unit fit? SIM_USAGE names the nearest. Before any run. */
SIM_NODISCARD enum status sweep_view_check(const struct sweep_view *view, const struct figure_list *known, bool moves_bytes,
                                           struct diag *diag);

/* From a sweep whose runs have all ended. Borrows both. End it with sweep_report_deinit in any case. */
SIM_NODISCARD enum status sweep_report_make(struct sweep_report *report, const struct sweep *sweep, const struct sweep_view *view,
                                            struct diag *diag);
void sweep_report_deinit(struct sweep_report *report);

/* SIM_REQUIREMENT when no row meets them all. */
SIM_NODISCARD enum status sweep_report_judge(const struct sweep_report *report, struct diag *diag);

/* Mean and spread of a figure over a group's runs, undefined ones left out; n = 0: none has it. */
struct statistics sweep_group_figure(const struct sweep_report *report, const struct sweep_group *group, const char *name);

SIM_NODISCARD enum status sweep_report_print(const struct sweep_report *report, FILE *file, struct diag *diag);
SIM_NODISCARD enum status sweep_report_print_csv(const struct sweep_report *report, FILE *file, struct diag *diag);
void sweep_report_write_json(const struct sweep_report *report, struct json_text *json);

#endif
