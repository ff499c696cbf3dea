/* pauses_seen.h - did the front end of a measured server stand still now and then (observe/stream_pauses.h)? The gaps between a request's
 * tokens tell it from a long step.
 *
 *     steps go on     |    |    |    |    |    |    gaps    5 5 15 0 0 5 5     as long in sum as without: the long one is paid back
 *     a step is long  |    |              |    |    gaps    5 5 15 5 5 5 5     nothing is paid back
 *
 * The median of the eight gaps before one is the usual gap. One is long if it is longer than all eight, by more than half of the usual one:
 * steps with a prompt are among the eight where there are many. It is paid back if the next gap is less than half as long as the shortest of
 * the eight, as the next token had to wait for the same pause. What a long gap that is paid back has above the usual one is how long the
 * pause made its token wait. Where no pause is, next to no long gap is paid back, so it is pauses if one in eleven is.
 */
#ifndef PAGESIM_PAUSES_SEEN_H
#define PAGESIM_PAUSES_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

/* Over the requests of a run; zeroed at first. */
struct pauses_seen {
    double *delays_ms; /* of long gaps that were paid back */
    size_t count, capacity;
    uint64_t unpaid; /* long gaps that were not */
    uint64_t gaps;   /* that were looked at, in all */
};

/* Look at the gaps of one more request, in their order, in milliseconds. */
SIM_NODISCARD enum status pauses_seen_add(struct pauses_seen *seen, const double *gaps_ms, size_t count, struct diag *diag);
void pauses_seen_deinit(struct pauses_seen *seen);

/* Standard errors are shares of the value. All requests wait for the same pauses, so these count, and not the gaps. */
struct pauses_found {
    bool found; /* else all is 0 */
    double pause_ms, pause_error;
    double every_pairs, every_error;
    double pauses; /* about so many were seen */
};

/* What the steps of a replay brought: sums of n^1, n^2 and n^3 over its steps, n being the tokens of one. */
struct step_tokens {
    double sums[3];
};

/* The median of the delays. A step of n tokens brings n^2 / every_pairs pauses in the mean, each of which delays n tokens, so every_pairs is
 * the sum of n^3 by that of n, over the share of gaps that a pause made long. Call pauses_seen_sort before, once all requests are there. */
struct pauses_found pauses_seen_judge(const struct pauses_seen *seen, const struct step_tokens *tokens);
void pauses_seen_sort(struct pauses_seen *seen);

#endif
