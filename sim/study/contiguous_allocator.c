/* contiguous_allocator.c - extents in two orders: a list by address, which joins neighbours, and a treap by size, which finds the best fit. Read
 * contiguous_allocator_take and _give first.
 */
#include "study/contiguous_allocator.h"

#include <stdlib.h>

#include "base/array.h"

enum { NONE = 0 };

/* --- records --------------------------------------------------------------------------------------------------------------------- */

static enum status new_extent(struct contiguous_allocator *allocator, uint32_t *out, struct diag *diag)
{
    if (allocator->unused == NONE) {
        enum status status = array_reserve(&allocator->extents, &allocator->capacity, (size_t)allocator->used_records + 1,
                                           sizeof *allocator->extents, "the contiguous allocator", diag);
        if (status != SIM_OK)
            return status;
        *out = allocator->used_records++;
    } else {
        *out = allocator->unused;
        allocator->unused = allocator->extents[*out].left;
    }
    allocator->extents[*out] = (struct extent){0};
    return SIM_OK;
}

static void drop_extent(struct contiguous_allocator *allocator, uint32_t at)
{
    allocator->extents[at] = (struct extent){.left = allocator->unused};
    allocator->unused = at;
}

/* xorshift64 (Marsaglia 2003): any fixed sequence does, if it does not follow the sizes. */
static uint32_t next_priority(struct contiguous_allocator *allocator)
{
    uint64_t x = allocator->random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    allocator->random = x;
    return (uint32_t)(x >> 32);
}

/* --- the tree of free extents ---------------------------------------------------------------------------------------------------- */

static bool before_in_tree(const struct extent *a, const struct extent *b)
{
    return a->size != b->size ? a->size < b->size : a->start < b->start;
}

/* Cut a tree in two: what is before `key`, and the rest. */
static void split(struct extent *extents, uint32_t root, uint32_t key, uint32_t *less, uint32_t *rest)
{
    while (root != NONE) {
        if (before_in_tree(&extents[root], &extents[key])) {
            *less = root;
            less = &extents[root].right;
            root = *less;
        } else {
            *rest = root;
            rest = &extents[root].left;
            root = *rest;
        }
    }
    *less = *rest = NONE;
}

static void insert_free(struct contiguous_allocator *allocator, uint32_t at)
{
    struct extent *extents = allocator->extents;
    uint32_t *link = &allocator->root;
    extents[at].free = true;
    extents[at].priority = next_priority(allocator);
    while (*link != NONE && extents[*link].priority >= extents[at].priority)
        link = before_in_tree(&extents[*link], &extents[at]) ? &extents[*link].right : &extents[*link].left;
    uint32_t below = *link;
    *link = at;
    split(extents, below, at, &extents[at].left, &extents[at].right);
    allocator->free_extents++;
}

static void remove_free(struct contiguous_allocator *allocator, uint32_t at)
{
    struct extent *extents = allocator->extents;
    uint32_t *link = &allocator->root;
    while (*link != at)
        link = before_in_tree(&extents[*link], &extents[at]) ? &extents[*link].right : &extents[*link].left;
    /* Join its two subtrees in its place. */
    uint32_t left = extents[at].left, right = extents[at].right;
    while (left != NONE && right != NONE) {
        if (extents[left].priority >= extents[right].priority) {
            *link = left;
            link = &extents[left].right;
            left = *link;
        } else {
            *link = right;
            link = &extents[right].left;
            right = *link;
        }
    }
    *link = left != NONE ? left : right;
    extents[at].left = extents[at].right = NONE;
    extents[at].free = false;
    allocator->free_extents--;
}

/* The smallest free extent of at least `size`, lowest address first; NONE. */
static uint32_t best_fit(const struct contiguous_allocator *allocator, uint64_t size)
{
    uint32_t best = NONE;
    for (uint32_t at = allocator->root; at != NONE;) {
        bool fits = allocator->extents[at].size >= size;
        if (fits)
            best = at;
        at = fits ? allocator->extents[at].left : allocator->extents[at].right;
    }
    return best;
}

/* --- the allocator --------------------------------------------------------------------------------------------------------------- */

enum status contiguous_allocator_init(struct contiguous_allocator *allocator, uint64_t size, struct diag *diag)
{
    *allocator = (struct contiguous_allocator){.size = size, .free = size, .random = UINT64_C(0x9E3779B97F4A7C15)};
    uint32_t none, whole;
    enum status status = new_extent(allocator, &none, diag);
    if (status == SIM_OK)
        status = new_extent(allocator, &whole, diag);
    if (status != SIM_OK)
        return status;
    allocator->extents[whole].size = size;
    allocator->first = whole;
    insert_free(allocator, whole);
    return SIM_OK;
}

void contiguous_allocator_deinit(struct contiguous_allocator *allocator)
{
    free(allocator->extents);
    *allocator = (struct contiguous_allocator){0};
}

enum status contiguous_allocator_take(struct contiguous_allocator *allocator, uint64_t size, uint32_t *handle, struct diag *diag)
{
    uint32_t at = best_fit(allocator, size), rest = NONE;
    *handle = NONE;
    if (at == NONE)
        return SIM_OK;
    if (allocator->extents[at].size > size) {
        enum status status = new_extent(allocator, &rest, diag); /* may move the records */
        if (status != SIM_OK)
            return status;
    }
    remove_free(allocator, at);
    struct extent *taken = &allocator->extents[at];
    if (rest != NONE) {
        allocator->extents[rest] =
            (struct extent){.start = taken->start + size, .size = taken->size - size, .before = at, .after = taken->after};
        if (taken->after != NONE)
            allocator->extents[taken->after].before = rest;
        taken->after = rest;
        taken->size = size;
        insert_free(allocator, rest);
    }
    allocator->free -= size;
    *handle = at;
    return SIM_OK;
}

/* Let `at` swallow the extent after it. */
static void swallow(struct contiguous_allocator *allocator, uint32_t at)
{
    struct extent *extents = allocator->extents;
    uint32_t gone = extents[at].after;
    extents[at].size += extents[gone].size;
    extents[at].after = extents[gone].after;
    if (extents[at].after != NONE)
        extents[extents[at].after].before = at;
    drop_extent(allocator, gone);
}

void contiguous_allocator_give(struct contiguous_allocator *allocator, uint32_t handle)
{
    uint32_t at = handle, before = allocator->extents[at].before, after = allocator->extents[at].after;
    allocator->free += allocator->extents[at].size;
    if (after != NONE && allocator->extents[after].free) {
        remove_free(allocator, after);
        swallow(allocator, at);
    }
    if (before != NONE && allocator->extents[before].free) {
        remove_free(allocator, before);
        swallow(allocator, before);
        at = before;
    }
    insert_free(allocator, at);
}

uint64_t contiguous_allocator_largest(const struct contiguous_allocator *allocator)
{
    uint32_t at = allocator->root;
    while (at != NONE && allocator->extents[at].right != NONE)
        at = allocator->extents[at].right;
    return at == NONE ? 0 : allocator->extents[at].size;
}

/* In-order walk without recursion would need a stack; depth is logarithmic, so this recurses. */
static bool check_tree(const struct contiguous_allocator *allocator, uint32_t at, uint32_t *last, uint32_t *count)
{
    if (at == NONE)
        return true;
    const struct extent *extent = &allocator->extents[at];
    if (!extent->free || (extent->left != NONE && allocator->extents[extent->left].priority > extent->priority) ||
        (extent->right != NONE && allocator->extents[extent->right].priority > extent->priority) ||
        !check_tree(allocator, extent->left, last, count))
        return false;
    if (*last != NONE && !before_in_tree(&allocator->extents[*last], extent))
        return false;
    *last = at;
    ++*count;
    return check_tree(allocator, extent->right, last, count);
}

bool contiguous_allocator_check(const struct contiguous_allocator *allocator)
{
    uint64_t address = 0, free_slots = 0;
    uint32_t before = NONE, free_extents = 0, last = NONE, in_tree = 0;
    for (uint32_t at = allocator->first; at != NONE; before = at, at = allocator->extents[at].after) {
        const struct extent *extent = &allocator->extents[at];
        if (extent->start != address || extent->size == 0 || extent->before != before ||
            (before != NONE && extent->free && allocator->extents[before].free))
            return false;
        address += extent->size;
        free_slots += extent->free ? extent->size : 0;
        free_extents += extent->free;
    }
    return address == allocator->size && free_slots == allocator->free && free_extents == allocator->free_extents &&
           check_tree(allocator, allocator->root, &last, &in_tree) && in_tree == free_extents;
}
