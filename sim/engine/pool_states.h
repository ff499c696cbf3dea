/* pool_states.h - what every block of the pool is at a moment, for observers that ask for it (observer.h). The same for every engine: it says
 * what a step's decision left, as the step's tally does (step.h). */
#ifndef PAGESIM_POOL_STATES_H
#define PAGESIM_POOL_STATES_H

#include <stdint.h>

/* Who has blocks in the end has the larger numbers: 2 is set in those of blocks that stand in tables. */
enum block_state {
    BLOCK_FREE,
    BLOCK_CACHED, /* free, but its content can still be found */
    BLOCK_USED,   /* in one table */
    BLOCK_SHARED, /* in several */
    BLOCK_STATES
};

struct pool_states {
    int64_t from_ns, until_ns; /* when they hold */
    const uint8_t *states;     /* by block from first_id on: an enum block_state; valid during the call */
    uint32_t first_id, count;  /* without the null block */
};

#endif
