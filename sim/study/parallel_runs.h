/* parallel_runs.h - replays that do not depend on each other, side by side, with the errors that they would have one after the other. */
#ifndef PAGESIM_PARALLEL_RUNS_H
#define PAGESIM_PARALLEL_RUNS_H

#include <stdint.h>

#include "base/diag.h"

/* Do run number i. It keeps its result in a place of its own within the context, so that the order in which runs end does not matter. */
typedef enum status parallel_run(void *context, size_t i, struct diag *diag);

/* Do runs 0 .. count-1 in so many threads (0: as many as --threads says), handed out one by one, as they differ in length. The error that is
 * told is that of the first run in this order: once one has failed those after it need not start, but those before it still do. */
SIM_NODISCARD enum status parallel_runs(size_t count, uint32_t threads, parallel_run *run, void *context, struct diag *diag);

#endif
