/* tune_trials.h - the replays of a tuning: candidates under loads, each verdict once, also for all that decide the same (tune_fold.h).
 *
 * Jobs run side by side. A job looks for its verdicts among those of earlier batches and its own; what it adds is filed when the batch is
 * over, in the order of jobs. So what is replayed is the same at any number of threads. A replay that the journal has (tune_journal.h) is a
 * replay like another that takes no time.
 */
#ifndef PAGESIM_TUNE_TRIALS_H
#define PAGESIM_TUNE_TRIALS_H

#include "study/tune_question.h"

struct tune_trials {
    const struct tune_question *question;
    const struct tune_candidate *candidates;
    struct tune_clock clock;
    struct tune_trial *list; /* in the order in which they were filed; owned */
    size_t count, capacity;
    uint32_t *heads;          /* of chains of trials that may fold; number in `list` + 1, 0: the end; owned */
    size_t head_count;        /* a power of two, or 0 */
    uint64_t replays, folded; /* verdicts that took a replay, and that did not */
};

/* What a job is to find out of a candidate. It is tested at `floor` first, a rung a seed; if it passes there with any seed, or if it
 * has none, its value is searched. With an objective there is one replay a seed. */
struct tune_job {
    uint32_t candidate;
    int32_t floor[TUNE_SEEDS_MOST];
    bool has_floor;
    int32_t start; /* where a search without a floor begins */
    bool verdict;  /* no more is asked than whether it passes there, with the first seed */
    bool passes;   /* then the answer */
    struct tune_value value;
};

/* Do the jobs. */
SIM_NODISCARD enum status tune_trials_do(struct tune_trials *trials, struct tune_job *jobs, size_t count, struct diag *diag);
void tune_trials_deinit(struct tune_trials *trials);

/* The configuration of a candidate as it is replayed, without its load. */
SIM_NODISCARD enum status tune_trials_config(const struct tune_trials *trials, uint32_t candidate, struct config *out, struct diag *diag);

#endif
