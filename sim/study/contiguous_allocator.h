/* contiguous_allocator.h - memory as it was given out before paging: one contiguous piece a request, by best fit or from a buddy system.
 *
 *     [ taken 0..4095 ][ hole 4096..5119 ][ taken ...    ][ hole ...      ]     only the holes are kept, in order of addresses
 *
 * Best fit: among holes of the best size the lowest address is taken, the request gets the hole's low end, and a piece that is given back is
 * joined with the holes next to it at once. There is at most one hole more than pieces.
 *
 * Buddy system: pieces and holes have sizes that are powers of two, at addresses that are multiples of their size. A piece of the next larger
 * power is taken from the smallest hole that has it, whose upper halves stay holes; a piece that is given back is joined with its other half as
 * long as that is a hole. What a piece has beyond what was asked for is of no use to anybody and counts as free. Memory that is no power of two is several
 * pieces, which never join.
 *
 * Nothing has to be allocated after the start. O(holes) each: a scheduler has about a hundred requests at once, for which a plain array is as
 * fast as a tree.
 *
 * Source: Knuth, The Art of Computer Programming 1, 2.5 (best fit, and the buddy system).
 */
#ifndef PAGESIM_CONTIGUOUS_ALLOCATOR_H
#define PAGESIM_CONTIGUOUS_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

#define CONTIGUOUS_NONE UINT64_MAX

struct hole {
    uint64_t start, size;
};

enum contiguous_kind { CONTIGUOUS_BEST_FIT, CONTIGUOUS_BUDDY, CONTIGUOUS_KINDS };
extern const char *const contiguous_names[CONTIGUOUS_KINDS]; /* "best-fit", "buddy" */

struct contiguous_allocator {
    enum contiguous_kind kind;
    uint64_t size, free;
    uint64_t rounding;  /* of what is free, in pieces beyond what was asked for */
    struct hole *holes; /* addresses rise; by best fit no two touch */
    size_t hole_count;
};

/* All of `size` (>= 1) is free; at most `most_pieces` will be taken at a time. End it with contiguous_allocator_deinit in any case. */
SIM_NODISCARD enum status contiguous_allocator_init(struct contiguous_allocator *allocator, enum contiguous_kind kind, uint64_t size,
                                                    size_t most_pieces, struct diag *diag);
void contiguous_allocator_deinit(struct contiguous_allocator *allocator);

/* Does the empty memory have `size` in one piece? */
bool contiguous_allocator_fits(const struct contiguous_allocator *allocator, uint64_t size);
/* Take `size` (>= 1) in one piece. Returns where it starts, or CONTIGUOUS_NONE when no hole is large enough: then nothing changed. */
uint64_t contiguous_allocator_take(struct contiguous_allocator *allocator, uint64_t size);
/* Give a piece back, whole. */
void contiguous_allocator_give(struct contiguous_allocator *allocator, uint64_t start, uint64_t size);

/* Holes lie within the memory, in order, by best fit none touches the next, of buddies each has its place, and with what rounding takes they add
 * up to what is free. O(holes). */
bool contiguous_allocator_check(const struct contiguous_allocator *allocator);

#endif
