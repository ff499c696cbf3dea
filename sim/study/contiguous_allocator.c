/* contiguous_allocator.c - the holes in order of addresses: taking cuts the best one, giving back closes the gap to the holes next to it, or
 * of buddies joins the halves.
 * Read contiguous_allocator_take and _give first. */
#include "study/contiguous_allocator.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

const char *const contiguous_names[CONTIGUOUS_KINDS] = {"best-fit", "buddy"};

enum { SIZES = 64 }; /* powers of two */

static uint64_t power_at_least(uint64_t size)
{
    uint64_t power = 1;
    while (power < size)
        power *= 2;
    return power;
}

static uint64_t power_at_most(uint64_t size)
{
    uint64_t power = 1;
    while (power <= size / 2)
        power *= 2;
    return power;
}

/* Of buddies a piece can leave one hole of each smaller size. */
enum status contiguous_allocator_init(struct contiguous_allocator *allocator, enum contiguous_kind kind, uint64_t size, size_t most_pieces,
                                      struct diag *diag)
{
    const size_t most_holes = (most_pieces + 1) * (kind == CONTIGUOUS_BUDDY ? SIZES : 1);
    *allocator = (struct contiguous_allocator){.kind = kind, .size = size, .free = size};
    enum status status = array_zeroed(&allocator->holes, most_holes, sizeof *allocator->holes, "the contiguous allocator", diag);
    for (uint64_t start = 0; start < size && status == SIM_OK;) {
        const uint64_t piece = kind == CONTIGUOUS_BUDDY ? power_at_most(size - start) : size;
        allocator->holes[allocator->hole_count++] = (struct hole){start, piece};
        start += piece;
    }
    return status;
}

bool contiguous_allocator_fits(const struct contiguous_allocator *allocator, uint64_t size)
{
    return allocator->kind == CONTIGUOUS_BUDDY ? size <= power_at_most(allocator->size) : size <= allocator->size;
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

static void insert_hole(struct contiguous_allocator *allocator, size_t at, struct hole hole)
{
    struct hole *place = &allocator->holes[at];
    memmove(place + 1, place, (allocator->hole_count++ - at) * sizeof *place);
    *place = hole;
}

/* The smallest hole that is large enough, so that large holes stay whole for large requests. `<` and not `<=`: of equal holes
 * the lowest address wins, and the result does not depend on anything else. The rest of the hole stays where it is in the order. */
static size_t best_hole(const struct contiguous_allocator *allocator, uint64_t size)
{
    const struct hole *holes = allocator->holes;
    size_t best = allocator->hole_count;
    for (size_t i = 0; i < allocator->hole_count; i++)
        if (holes[i].size >= size && (best == allocator->hole_count || holes[i].size < holes[best].size))
            best = i;
    return best;
}

/* The piece is the low end of the hole. Of buddies the rest of the hole is its upper half, the upper half of its lower one, and so on down to
 * the piece's own size: in order of addresses the other way round. */
uint64_t contiguous_allocator_take(struct contiguous_allocator *allocator, uint64_t size)
{
    const bool buddy = allocator->kind == CONTIGUOUS_BUDDY;
    const uint64_t piece = buddy ? power_at_least(size) : size;
    size_t at = best_hole(allocator, piece);
    if (at == allocator->hole_count)
        return CONTIGUOUS_NONE;
    const struct hole hole = allocator->holes[at];
    remove_hole(allocator, at);
    for (uint64_t start = hole.start + piece, end = hole.start + hole.size; start < end;) {
        const uint64_t rest = buddy ? start - hole.start : end - start;
        insert_hole(allocator, at++, (struct hole){start, rest});
        start += rest;
    }
    allocator->free -= size;
    allocator->rounding += piece - size;
    return hole.start;
}

/* The hole at the address and all after it. */
static size_t first_from(const struct contiguous_allocator *allocator, uint64_t start)
{
    size_t at = 0;
    while (at < allocator->hole_count && allocator->holes[at].start < start)
        at++;
    return at;
}

/* The other half of a piece differs from it in one bit of its address. */
static void give_buddy(struct contiguous_allocator *allocator, struct hole piece)
{
    size_t other = first_from(allocator, piece.start ^ piece.size);
    while (other < allocator->hole_count && allocator->holes[other].start == (piece.start ^ piece.size) &&
           allocator->holes[other].size == piece.size) {
        remove_hole(allocator, other);
        piece = (struct hole){piece.start & ~piece.size, piece.size * 2};
        other = first_from(allocator, piece.start ^ piece.size);
    }
    insert_hole(allocator, first_from(allocator, piece.start), piece);
}

/* The piece lies between holes[after - 1] and holes[after]. There are four cases:
 *
 *     touches both       [hole][piece][hole]     one hole less: all three become the first
 *     touches before     [hole][piece] ...       the hole before grows upwards
 *     touches after       ... [piece][hole]      the hole after grows downwards
 *     touches none        ... [piece] ...        one hole more; there is room, as pieces + 1 bounds the number of holes */
static void give_joined(struct contiguous_allocator *allocator, uint64_t start, uint64_t size)
{
    struct hole *holes = allocator->holes;
    const size_t after = first_from(allocator, start);
    const bool touches_before = after > 0 && holes[after - 1].start + holes[after - 1].size == start;
    const bool touches_after = after < allocator->hole_count && start + size == holes[after].start;
    if (touches_before) {
        holes[after - 1].size += size + (touches_after ? holes[after].size : 0);
        if (touches_after)
            remove_hole(allocator, after);
    } else if (touches_after) {
        holes[after].start = start;
        holes[after].size += size;
    } else {
        insert_hole(allocator, after, (struct hole){start, size});
    }
}

void contiguous_allocator_give(struct contiguous_allocator *allocator, uint64_t start, uint64_t size)
{
    const bool buddy = allocator->kind == CONTIGUOUS_BUDDY;
    const uint64_t piece = buddy ? power_at_least(size) : size;
    allocator->free += size;
    allocator->rounding -= piece - size;
    if (buddy)
        give_buddy(allocator, (struct hole){start, piece});
    else
        give_joined(allocator, start, size);
}

static bool is_power(uint64_t size)
{
    return (size & (size - 1)) == 0;
}

/* `<=` between neighbours: two holes that touch should have been joined, or a request may be refused that would fit. */
bool contiguous_allocator_check(const struct contiguous_allocator *allocator)
{
    const bool buddy = allocator->kind == CONTIGUOUS_BUDDY;
    uint64_t end = 0, free_slots = allocator->rounding;
    for (size_t i = 0; i < allocator->hole_count; i++) {
        const struct hole *hole = &allocator->holes[i];
        if (hole->size == 0 || (i > 0 && (buddy ? hole->start < end : hole->start <= end)))
            return false;
        if (buddy && (!is_power(hole->size) || hole->start % hole->size != 0))
            return false;
        end = hole->start + hole->size;
        free_slots += hole->size;
    }
    return end <= allocator->size && free_slots == allocator->free;
}
