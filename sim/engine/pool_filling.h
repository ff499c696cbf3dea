/* pool_filling.h - what filled the pool when a step began: who held blocks, in which phase, and what was left. */
#ifndef PAGESIM_POOL_FILLING_H
#define PAGESIM_POOL_FILLING_H

#include <stdbool.h>
#include <stdint.h>

/* A request is in its prefill until the first step in which it has a token since its last admission. */
enum { CLASS_PREFILL = 0, CLASS_DECODE = 1 };
enum { LARGEST_HOLDERS = 3 };

struct pool_filling {
    bool known;
    uint32_t used_blocks;
    uint32_t unused_blocks;            /* free, or cached and idle */
    uint32_t holders[2], blocks[2];    /* by CLASS_PREFILL, CLASS_DECODE: requests (V0: sequences); blocks charged, to prefill first */
    uint32_t saved_blocks;             /* that sharing spared */
    uint32_t empty_slots;              /* in used blocks */
    uint32_t largest[LARGEST_HOLDERS]; /* positions, most blocks first */
    uint32_t largest_blocks[LARGEST_HOLDERS], largest_count;
};

/* Keep the largest tables, most blocks first; ties in order of arrival. V0's sequences of one request count apart. */
void pool_filling_note_table(struct pool_filling *filling, uint32_t position, uint32_t blocks);

#endif
