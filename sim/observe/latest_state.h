/* latest_state.h - where a replay stands just now, for who watches it: queues and pool as of the last batch, and how the number of running
 * requests went so far. Costs a few instructions a run of steps. */
#ifndef PAGESIM_LATEST_STATE_H
#define PAGESIM_LATEST_STATE_H

#include "engine/observer.h"

enum { LATEST_PIECES = 64 };

struct latest_state {
    int64_t time_ns; /* on the replay's clock */
    uint32_t running, waiting, used_blocks;
    uint32_t peak_used_blocks;
    /* The most that ran in each piece of time from 0 on; pieces are wide enough for all of it. */
    double pieces[LATEST_PIECES];
    size_t newest; /* piece */
    int64_t piece_ns, newest_ends_ns;
};

/* Begins anew. */
struct observer latest_state_observer(struct latest_state *state);

#endif
