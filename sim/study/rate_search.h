/* rate_search.h - the highest load that meets limits, on a ladder of loads that are a fixed factor apart.
 *
 * A load is sustained when it passes and every lighter one does. Verdicts are not monotone near the limit: a few more requests a second
 * shift who meets whom, and a p99 jumps. So the answer has two ends:
 *
 *     load:   P P P P P P P P P | F P F P F F F F F F F F F ...
 *              passes_to  ......^           ^...... fails_from
 *
 * The search climbs in steps that double until a load fails (or goes down until one passes), halves the gap between them down to two
 * neighbours, and then looks at a band of RATE_BAND loads on either side. A load of the band that breaks the rule moves the end there,
 * and the band begins anew. Loads below the band that were not tried are taken to pass, those above to fail: exact when no verdict breaks
 * the rule further away than the band is wide.
 *
 * That a load fails bounds the answer in any case, by definition: no load above it is sustained. This is what `tune` rejects candidates
 * by.
 */
#ifndef PAGESIM_RATE_SEARCH_H
#define PAGESIM_RATE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

enum { RATE_BAND = 5 };

/* Loads from a thousandth of `base` to a thousand times as much, each 1 + step times the one below, in six digits, so that the number
 * which is told is the number that was replayed. */
struct rate_ladder {
    double *loads; /* owned */
    int32_t count, base;
    double step;
};

SIM_NODISCARD enum status rate_ladder_make(double base, double step, struct rate_ladder *out, struct diag *diag);
void rate_ladder_deinit(struct rate_ladder *ladder);

struct rate_found {
    int32_t passes_to;  /* the highest sustained load; -1: not even the lightest passes */
    int32_t fails_from; /* all that were tried from here on fail; the ladder's count: the heaviest passes */
    uint32_t probes;    /* verdicts that were asked for, each load once */
};

/* Does load `rung` pass? */
typedef enum status rate_verdict(void *context, int32_t rung, bool *passes, struct diag *diag);

/* Search loads [0, count) from `start`. The search ends early, with passes_to below `floor`, once it is known that the answer is: -1 asks
 * for the answer in any case. */
SIM_NODISCARD enum status rate_search(int32_t count, int32_t start, int32_t floor, rate_verdict *verdict, void *context,
                                      struct rate_found *out, struct diag *diag);

#endif
