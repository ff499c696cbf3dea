/* tune_find.h - the order in which a tuning tries its candidates, until the best is known.
 *
 *     1  the configuration as given: bracket, bisection, band
 *     2  key by key, all values around the best so far, as long as that helps: a heavy load to reject the others at
 *     3  everybody else, in batches: rejected by one replay, or the new best
 *
 * After 3 the search was exhaustive: every candidate is known to be no better. Where there are more than `most` candidates, a race of a part
 * of them takes its place (tune_race.h), which is told.
 */
#ifndef PAGESIM_TUNE_FIND_H
#define PAGESIM_TUNE_FIND_H

#include "study/tune_search.h"

/* Search. End it with tune_search_deinit in any case. The best is worth nothing (tune_load is NaN) if nothing meets the limits. */
SIM_NODISCARD enum status tune_find(const struct tune_question *question, struct tune_search *out, struct diag *diag);

#endif
