/* tune_race.h - the search of a grid that is too large to try all of: what a climb from one start may miss.
 *
 *     1  a spread of combinations, evenly over all keys at once, each tried against the best so far: one replay rejects it
 *     2  those that were rejected race: all of them under a load far below the best's, the ones that pass under one nearer to it, and so on.
 *        Who comes nearest is where a climb of its own starts, of which the end may be a better best
 *     3  every combination that differs from the best in two keys, as long as that helps, unless these are too many
 *
 * A heavier load is a harder race, so that half of the field and more falls out at each step, and most replays end early. What folds is
 * told without a replay (tune_fold.h). With an objective there are no loads to race under: the best values of the spread start climbs.
 *
 * What is proved: no combination that differs from the best in one or two keys is better. What is not: that there is no better one
 * further away.
 */
#ifndef PAGESIM_TUNE_RACE_H
#define PAGESIM_TUNE_RACE_H

#include "study/tune_search.h"

/* tune_search_climb has been called. `tried` is by candidate, and is kept up to date. */
SIM_NODISCARD enum status tune_race(struct tune_search *search, bool *tried, struct diag *diag);

#endif
