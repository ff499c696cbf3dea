/* tune_question.h - what is asked of a tuning, and what its parts tell each other: candidates, clocks, verdicts, values. */
#ifndef PAGESIM_TUNE_QUESTION_H
#define PAGESIM_TUNE_QUESTION_H

#include "study/load_run.h"
#include "study/rate_search.h"
#include "study/tune_fold.h"
#include "study/tune_plan.h"

enum { TUNE_SEEDS_MOST = 16, TUNE_BATCH = 16, TUNE_SPREAD = 1024 };

/* A combination that a server would start with. */
struct tune_candidate {
    size_t point;
    uint32_t changes; /* keys that do not stay */
    uint32_t gpus;
    struct tune_facts facts;
};

/* The highest load that it sustains, one a seed; or the objective under the load that is given. */
struct tune_value {
    bool known; /* exactly; else it is known to be too low for what was asked, or not to meet the limits */
    double objective[TUNE_SEEDS_MOST];
    int32_t passes_to[TUNE_SEEDS_MOST], fails_from[TUNE_SEEDS_MOST]; /* rungs; -1: none */
};

/* One verdict. */
struct tune_trial {
    uint32_t candidate;
    uint32_t next; /* in its chain (struct tune_trials) */
    int32_t rung;
    uint32_t seed; /* from 0 */
    bool passes;
    double objective;
    struct binding_limits seen;
};

/* A clock that differs from the configuration's: a key of its group, multiplied. */
struct tune_clock {
    const struct config_key *key; /* NULL: as it is */
    double factor;
};

/* What is wanted of each candidate under one load, instead of the highest load. */
struct tune_objective {
    char name[FIGURE_NAME_SIZE]; /* a figure, or TUNE_GPUS; "": none */
    bool maximise;
};
#define TUNE_GPUS "gpus"

struct tune_journal;

/* What is asked of the whole. */
struct tune_question {
    struct load_question load;
    const struct trace *const *traces; /* NULL, or one a seed, of which load.trace is the first */
    const struct tune_plan *plan;
    const struct rate_ladder *ladder;
    struct tune_objective objective; /* none: the highest load. Else loads are fixed, and the ladder has one rung */
    bool per_gpu;                    /* the highest load for each GPU, that is the least cost of a token */
    uint32_t seeds;
    uint64_t first_seed;
    uint32_t threads;
    size_t most;   /* candidates to try all of */
    size_t spread; /* of more, so many race */
    bool quiet;
    struct tune_journal *journal; /* NULL: none */
};

#endif
