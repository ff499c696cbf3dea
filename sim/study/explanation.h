/* explanation.h - everything that `pagesim explain` tells of a run, collected by as many replays as it takes.
 *
 * One replay with events tells of preemptions, what filled the pool then, and misses. If an engine goes step by step, a second replay tells
 * what filled the pool; then come the search for remedies, and a replay with each remedy that would spare everybody, for its price.
 */
#ifndef PAGESIM_EXPLANATION_H
#define PAGESIM_EXPLANATION_H

#include "observe/preemption_story.h"
#include "observe/prefix_misses.h"
#include "run/run.h"
#include "study/remedies.h"
#include "study/window_choices.h"

struct explanation {
    const struct trace *trace;
    const struct config *config;
    struct run run; /* as it is, with its figures */
    struct prefix_misses misses;
    struct misser *missers; /* misser_count of them: requests with misses that could be avoided, the worst first */
    size_t misser_count;
    struct preemption_story story;
    struct victim *worst; /* worst_count of them */
    size_t worst_count;
    bool has_remedies;
    struct remedies remedies;        /* of the whole run, then of `worst` */
    struct window_choices windows;   /* what windows could keep instead; none, without windows or remedies */
    struct figure_set priced[KNOBS]; /* the run with each knob turned so far that nobody is preempted; no figures: not found */
};

struct explanation_options {
    size_t worst; /* how many victims to look for remedies for, at most REMEDY_TARGETS_MOST */
    enum victim_order order;
    bool remedies;
    bool reference;                                                 /* the first replay by the plain scheduler */
    bool (*progress)(void *context, uint64_t done, uint64_t total); /* as remedy_question's */
    void *progress_context;
};

/* Borrows trace and config; must stay where it is. End it with explanation_close in any case; a zeroed one may be closed too. A stall is
 * SIM_OK: run_judge(&explanation->run) tells of it; remedies are not looked for then. */
SIM_NODISCARD enum status explanation_make(struct explanation *explanation, const struct trace *trace, const struct config *config,
                                           const struct explanation_options *options, struct diag *diag);
void explanation_close(struct explanation *explanation);

#endif
