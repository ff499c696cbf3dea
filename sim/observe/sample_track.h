/* sample_track.h - values that belong to moments, many a moment (the gaps between output tokens), thinned to what a plot can show: for each of
 * at most SAMPLE_CELLS pieces of time how many there were, their sum, the lowest and the highest. Where counter_track.h follows one value that
 * holds on, nothing holds between two samples here.
 *
 * Pieces widen by doubling as the record grows. The result does not depend on the order of samples.
 */
#ifndef PAGESIM_SAMPLE_TRACK_H
#define PAGESIM_SAMPLE_TRACK_H

#include <stdint.h>

#include "engine/step.h"

enum { SAMPLE_CELLS = 512 };

struct sample_cell {
    step_sum sum;
    uint64_t count;
    int64_t lowest, highest; /* of nothing: undefined */
};

struct sample_track {
    struct sample_cell cells[SAMPLE_CELLS];
    unsigned shift; /* a cell is 1 << shift ns */
};

/* `track` is zeroed. */
void sample_track_init(struct sample_track *track);
/* `count` samples of `value` (>= 0) at at_ns (>= 0). */
void sample_track_add(struct sample_track *track, int64_t at_ns, int64_t value, uint64_t count);

#endif
