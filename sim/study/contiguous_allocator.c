/* contiguous_allocator.c - the holes in order of addresses: taking cuts the best one, giving back closes the gap to the holes next to it.
 * Read contiguous_allocator_take and _give first. */
#include "study/contiguous_allocator.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum status contiguous_allocator_init(struct contiguous_allocator *allocator, uint64_t size, size_t most_pieces, struct diag *diag)
{
    *allocator = (struct contiguous_allocator){.size = size, .free = size};
    enum status status = array_zeroed(&allocator->holes, most_pieces + 1, sizeof *allocator->holes, "the contiguous allocator", diag);
    if (status == SIM_OK)
        allocator->holes[allocator->hole_count++] = (struct hole){.size = size};
    return status;
}

void contiguous_allocator_deinit(struct contiguous_allocator *allocator)
{
    free(allocator->holes);
    *allocator = (struct contiguous_allocator){0};
}

/* Holes stay in order of addresses, so the ones after it move down. With about a hundred of them that is one short memmove. */
static void remove_hole(struct contiguous_allocator *allocator, size_t at)
{
    struct hole *hole = &allocator->holes[at];
    memmove(hole, hole + 1, (--allocator->hole_count - at) * sizeof *hole);
}

/* Best fit: the smallest hole that is large enough, so that large holes stay whole for large requests. `<` and not `<=`: of equal holes
 * the lowest address wins, and the result does not depend on anything else. The rest of the hole stays where it is in the order. */
uint64_t contiguous_allocator_take(struct contiguous_allocator *allocator, uint64_t size)
{
    struct hole *holes = allocator->holes;
    size_t best = allocator->hole_count;
    for (size_t i = 0; i < allocator->hole_count; i++)
        if (holes[i].size >= size && (best == allocator->hole_count || holes[i].size < holes[best].size))
            best = i;
    if (best == allocator->hole_count)
        return CONTIGUOUS_NONE;
    const uint64_t start = holes[best].start;
    allocator->free -= size;
    holes[best].start += size;
    holes[best].size -= size;
    if (holes[best].size == 0)
        remove_hole(allocator, best);
    return start;
}

/* The piece lies between holes[after - 1] and holes[after]. There are four cases:
 *
 *     touches both       [hole][piece][hole]     one hole less: all three become the first
 *     touches before     [hole][piece] ...       the hole before grows upwards
 *     touches after       ... [piece][hole]      the hole after grows downwards
 *     touches none        ... [piece] ...        one hole more; there is room, as pieces + 1 bounds the number of holes */
void contiguous_allocator_give(struct contiguous_allocator *allocator, uint64_t start, uint64_t size)
{
    struct hole *holes = allocator->holes;
    size_t after = 0;
    while (after < allocator->hole_count && holes[after].start < start)
        after++;
    const bool touches_before = after > 0 && holes[after - 1].start + holes[after - 1].size == start;
    const bool touches_after = after < allocator->hole_count && start + size == holes[after].start;
    allocator->free += size;
    if (touches_before) {
        holes[after - 1].size += size + (touches_after ? holes[after].size : 0);
        if (touches_after)
            remove_hole(allocator, after);
    } else if (touches_after) {
        holes[after].start = start;
        holes[after].size += size;
    } else {
        memmove(&holes[after + 1], &holes[after], (allocator->hole_count++ - after) * sizeof *holes);
        holes[after] = (struct hole){.start = start, .size = size};
    }
}

/* `<=` between neighbours: two holes that touch should have been joined, or a request may be refused that would fit. */
bool contiguous_allocator_check(const struct contiguous_allocator *allocator)
{
    uint64_t end = 0, free_slots = 0;
    for (size_t i = 0; i < allocator->hole_count; i++) {
        const struct hole *hole = &allocator->holes[i];
        if (hole->size == 0 || (i > 0 && hole->start <= end))
            return false;
        end = hole->start + hole->size;
        free_slots += hole->size;
    }
    return end <= allocator->size && free_slots == allocator->free;
}
