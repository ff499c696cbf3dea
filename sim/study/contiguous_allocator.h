/* contiguous_allocator.h - memory as it was given out before paging: one contiguous extent a request, best fit, neighbours joined.
 *
 *     by address   [ used 0..4095 ][ free 4096..5119 ][ used ...    ][ free ...      ]     a doubly linked list that tiles the memory
 *     free ones    ordered by (size, address): a treap                                     best fit = first extent that is large enough
 *
 * Among extents of the best size the lowest address is taken, the request gets the extent's low end, and a released extent is joined with
 * free neighbours at once. O(log extents) each, no memory per slot. Whatever the sequence of calls, the outcome is the same.
 *
 * Source: Knuth, The Art of Computer Programming 1, 2.5 (best fit, boundary tags); Seidel and Aragon 1996 (treap).
 */
#ifndef PAGESIM_CONTIGUOUS_ALLOCATOR_H
#define PAGESIM_CONTIGUOUS_ALLOCATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

struct extent {
    uint64_t start, size;
    uint32_t before, after; /* neighbours by address */
    uint32_t left, right;   /* in the tree of free extents; `left` also links unused records */
    uint32_t priority;      /* of the heap order; all extents below have at most this */
    bool free;
};

struct contiguous_allocator {
    uint64_t size, free;
    struct extent *extents; /* record 0 stands for "none" */
    size_t capacity;
    uint32_t used_records, unused; /* records ever used; list of those given back */
    uint32_t first, root;
    uint32_t free_extents;
    uint64_t random; /* where the priorities come from: fixed at the start */
};

/* All of `size` (>= 1) is one free extent. End it with contiguous_allocator_deinit in any case. */
SIM_NODISCARD enum status contiguous_allocator_init(struct contiguous_allocator *allocator, uint64_t size, struct diag *diag);
void contiguous_allocator_deinit(struct contiguous_allocator *allocator);

/* Take `size` (>= 1) in one piece. *handle is the extent, or 0 when no free extent is large enough: then nothing changed. */
SIM_NODISCARD enum status contiguous_allocator_take(struct contiguous_allocator *allocator, uint64_t size, uint32_t *handle,
                                                    struct diag *diag);
/* Give an extent back; the handle is void then. */
void contiguous_allocator_give(struct contiguous_allocator *allocator, uint32_t handle);

/* The largest piece that could be taken. */
uint64_t contiguous_allocator_largest(const struct contiguous_allocator *allocator);

static inline uint64_t contiguous_allocator_address(const struct contiguous_allocator *allocator, uint32_t handle)
{
    return allocator->extents[handle].start;
}

/* Extents tile the memory, no two free ones touch, the tree holds exactly the free ones in order. O(extents). */
bool contiguous_allocator_check(const struct contiguous_allocator *allocator);

#endif
