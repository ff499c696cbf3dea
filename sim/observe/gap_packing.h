/* gap_packing.h - progressions of gaps that nobody reads before the end, in about a third of their space.
 *
 * Neighbours are alike: step times lie in a narrow range, batches have tens of requests. So each number of a block takes as many bits as the
 * block's largest needs, after the block's least was subtracted:
 *
 *     block   [ least first | least change, widths ]  [ weight count change first ][ weight count change first ] ...
 *               64 bits       64 bits                   the same sum of widths for each of the block's progressions
 *
 * Exact: what comes out is what went in. A block whose widths come to more than a word is kept as it is.
 */
#ifndef PAGESIM_GAP_PACKING_H
#define PAGESIM_GAP_PACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { GAP_COUNT_BITS = 13, GAP_WEIGHT_BITS = 32 - GAP_COUNT_BITS, GAP_BLOCK = 1024 };

/* `count` gaps first, first + change, first + 2 change, ..., each seen `weight` times. What does not fit the bit fields is kept as several. */
struct gap_progression {
    int64_t first_ns; /* >= 0 */
    int32_t change_ns;
    uint32_t count : GAP_COUNT_BITS, weight : GAP_WEIGHT_BITS;
};

struct gap_chunk;

/* Zero it first. Blocks lie in chunks, which never move: an array that grows would have to be copied, and leave holes in the heap. */
struct gap_packing {
    struct gap_chunk *first, *last;
};

/* GAP_BLOCK progressions. On failure nothing changes. */
SIM_NODISCARD enum status gap_packing_add(struct gap_packing *packing, const struct gap_progression *block, struct diag *diag);
/* All blocks of `part`, which is empty after that. */
void gap_packing_take(struct gap_packing *packing, struct gap_packing *part);
void gap_packing_deinit(struct gap_packing *packing);

/* Where a walk over the blocks stands. Zero it first. */
struct gap_packing_walk {
    const struct gap_chunk *chunk;
    size_t at; /* word in it */
};
/* The next block; false: there is none. */
bool gap_packing_next(const struct gap_packing *packing, struct gap_packing_walk *walk, struct gap_progression block[GAP_BLOCK]);

#endif
