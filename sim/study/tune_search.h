/* tune_search.h - combinations of settings against each other: which of them sustains the highest load?
 *
 * The value of a candidate is the highest load that it sustains (rate_search.h); with drawn arrivals it has one a seed, the same seeds
 * for all. The best is the one with the highest value, and among equals the one that changes the fewest keys, then the first in order of
 * the plan.
 *
 * To be better than the best so far, a candidate must pass at the load one rung above (at the same load, if it comes first in that
 * order). So one replay rejects it, by the definition of a sustained load and whatever happens at other loads. Only who passes is
 * searched further. In which order they are tried is tune_find.h's affair; here is what one step of it takes.
 *
 * With an objective instead, under a load that is given, each candidate takes one replay, and the best is the one with the best value of
 * those that meet the limits.
 *
 * With several seeds a later candidate is better when the mean of the paired differences of the logarithm of its loads is above zero, the
 * whole of its 95 % interval included; and it is rejected without a search when it passes above the best's load with none of the seeds.
 */
#ifndef PAGESIM_TUNE_SEARCH_H
#define PAGESIM_TUNE_SEARCH_H

#include "base/progress.h"
#include "study/tune_trials.h"

enum { TUNE_REFUSED = 320 };

struct tune_search {
    const struct tune_question *question;
    struct tune_trials trials;
    bool borrows;                      /* candidates and by_point are another search's */
    struct tune_candidate *candidates; /* in order of changes, then of points; [0] is as given */
    size_t count;
    uint32_t *by_point;        /* candidate + 1; 0: no server would start with it */
    struct tune_value *values; /* by candidate; not known: it is rejected */
    uint32_t best;
    bool exhaustive;
    bool pairs;     /* not exhaustive, but all that differ from the best in two keys are no better */
    size_t refused; /* combinations that vLLM does not take, and what it says of the first */
    char refusal[TUNE_REFUSED];
    uint32_t *path; /* the best ones so far, from as given to the best */
    size_t path_count, path_capacity;
    struct progress progress;
};

/* All candidates, none of them tried. End it with tune_search_deinit in any case. */
SIM_NODISCARD enum status tune_search_open(const struct tune_question *question, struct tune_search *out, struct diag *diag);
void tune_search_deinit(struct tune_search *search);

/* Try these against the best so far, in batches. */
SIM_NODISCARD enum status tune_search_try(struct tune_search *search, const uint32_t *candidates, size_t count, struct diag *diag);

/* The same candidates again by another clock: the first of the list is the best to begin with. End *out as ever; it borrows from
 * `search`, which must live as long. */
SIM_NODISCARD enum status tune_search_by_clock(const struct tune_search *search, const struct tune_clock *clock, const uint32_t *candidates,
                                               size_t count, struct tune_search *out, struct diag *diag);

/* The first to be the best, whatever it is worth; its value is searched from `start` on. */
SIM_NODISCARD enum status tune_search_begin(struct tune_search *search, uint32_t candidate, int32_t start, struct diag *diag);

/* Key by key, all values around the best that were not `tried` (by candidate), as long as that helps. */
SIM_NODISCARD enum status tune_search_climb(struct tune_search *search, bool *tried, struct diag *diag);

/* A climb from another candidate, whose value is searched from `rung` on; its end is the new best if it is better. */
SIM_NODISCARD enum status tune_search_climb_from(struct tune_search *search, uint32_t start, int32_t rung, struct diag *diag);

/* The lightest rung at which a candidate that passes could be better than the best. The ladder's count: there is none. */
int32_t tune_search_floor(const struct tune_search *search, uint32_t candidate, uint32_t seed);

/* Find the values of these candidates exactly, where they are not known. */
SIM_NODISCARD enum status tune_search_values(struct tune_search *search, const uint32_t *candidates, size_t count, struct diag *diag);

/* The load of a value, or its objective; over seeds its geometric mean; NaN: not known, does not meet the limits, or with some seed not
 * even the lightest load passes. */
double tune_load(const struct tune_search *search, const struct tune_value *value);

/* A better than B? `tune_search.h` says when. */
bool tune_is_better(const struct tune_search *search, uint32_t a, const struct tune_value *a_value, uint32_t b,
                    const struct tune_value *b_value);

/* Load for load, what A does more than B with the same seed, as logarithms: its mean and interval. */
struct statistics tune_gain(const struct tune_search *search, const struct tune_value *a, const struct tune_value *b);

#endif
