/* test_contiguous_allocator.c - best fit and buddies against a naive map of every slot. */
#include <criterion/criterion.h>

#include "study/contiguous_allocator.h"
#include "support/random.h"

enum { SLOTS = 300, LIVE_MOST = 64, ROUNDS = 20000 };

/* Start of the smallest free run of at least `size`, lowest address first; SLOTS: none. */
static uint32_t naive_best_fit(const bool *taken, uint32_t size, uint32_t *largest)
{
    uint32_t best = SLOTS, best_length = SLOTS + 1;
    *largest = 0;
    for (uint32_t start = 0; start < SLOTS;) {
        uint32_t length = 0;
        while (start + length < SLOTS && !taken[start + length])
            length++;
        if (length > *largest)
            *largest = length;
        if (length >= size && length < best_length) {
            best = start;
            best_length = length;
        }
        start += length ? length : 1;
    }
    return best;
}

Test(contiguous_allocator, takes_what_a_naive_best_fit_takes)
{
    struct contiguous_allocator allocator;
    struct diag diag = {0};
    bool taken[SLOTS] = {false};
    struct {
        uint32_t start, size;
    } live[LIVE_MOST];
    uint32_t count = 0, refused = 0, granted = 0;
    uint64_t seed = 7;
    cr_assert_eq(contiguous_allocator_init(&allocator, CONTIGUOUS_BEST_FIT, SLOTS, LIVE_MOST, &diag), SIM_OK);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t largest;
        if (count < LIVE_MOST && random_below(&seed, 3)) {
            uint32_t size = 1 + random_below(&seed, random_below(&seed, 4) ? 20 : 120);
            uint32_t start = naive_best_fit(taken, size, &largest);
            const uint64_t taken_from = contiguous_allocator_take(&allocator, size);
            cr_assert_eq(taken_from, start == SLOTS ? CONTIGUOUS_NONE : start, "round %d: %u slots", round, size);
            refused += start == SLOTS;
            if (start == SLOTS)
                continue;
            granted++;
            for (uint32_t i = 0; i < size; i++)
                taken[start + i] = true;
            live[count].start = start;
            live[count++].size = size;
        } else if (count > 0) {
            uint32_t which = random_below(&seed, count);
            for (uint32_t i = 0; i < live[which].size; i++)
                taken[live[which].start + i] = false;
            contiguous_allocator_give(&allocator, live[which].start, live[which].size);
            live[which] = live[--count];
        }
        naive_best_fit(taken, 1, &largest);
        uint64_t found = 0;
        for (size_t i = 0; i < allocator.hole_count; i++)
            found = allocator.holes[i].size > found ? allocator.holes[i].size : found;
        cr_assert_eq(found, largest);
        cr_assert(contiguous_allocator_check(&allocator), "round %d", round);
    }
    cr_expect_gt(refused, 1000);
    cr_expect_gt(granted, 5000);
    for (; count > 0; count--)
        contiguous_allocator_give(&allocator, live[count - 1].start, live[count - 1].size);
    cr_expect_eq(allocator.holes[0].size, SLOTS, "all pieces are joined in the end");
    cr_expect_eq(allocator.hole_count, 1);
    contiguous_allocator_deinit(&allocator);
}

Test(contiguous_allocator, check_finds_a_broken_size)
{
    struct contiguous_allocator allocator;
    struct diag diag = {0};
    cr_assert_eq(contiguous_allocator_init(&allocator, CONTIGUOUS_BEST_FIT, 10, 1, &diag), SIM_OK);
    cr_assert_eq(contiguous_allocator_take(&allocator, 4), 0);
    cr_expect(contiguous_allocator_check(&allocator));
    allocator.holes[0].size++;
    cr_expect_not(contiguous_allocator_check(&allocator));
    contiguous_allocator_deinit(&allocator);
}

/* Lowest start of the smallest free place whose halves' halves have the size, in a map of slots; SLOTS: none. A place of size 2^k is free as a
 * whole, at a multiple of its size, and no free place of twice its size that it is half of has the same start in the memory. */
static uint32_t naive_buddy(const bool *taken, uint32_t piece)
{
    for (uint32_t size = piece; size <= SLOTS; size *= 2)
        for (uint32_t start = 0; start + size <= SLOTS; start += size) {
            const uint32_t whole = start & ~(2 * size - 1);
            bool is_free = true, larger = whole + 2 * size <= SLOTS;
            for (uint32_t i = 0; i < size; i++)
                is_free &= !taken[start + i];
            for (uint32_t i = 0; larger && i < 2 * size; i++)
                larger = !taken[whole + i];
            if (is_free && !larger)
                return start;
        }
    return SLOTS;
}

Test(contiguous_allocator, buddies_take_what_a_naive_map_takes)
{
    struct contiguous_allocator allocator;
    struct diag diag = {0};
    bool taken[SLOTS] = {false};
    struct {
        uint32_t start, size, piece;
    } live[LIVE_MOST];
    uint32_t count = 0, refused = 0, granted = 0;
    uint64_t seed = 11;
    cr_assert_eq(contiguous_allocator_init(&allocator, CONTIGUOUS_BUDDY, SLOTS, LIVE_MOST, &diag), SIM_OK);
    cr_expect_eq(allocator.hole_count, 4, "300 is 256 + 32 + 8 + 4");
    cr_expect(contiguous_allocator_fits(&allocator, 256) && !contiguous_allocator_fits(&allocator, 257));
    for (int round = 0; round < ROUNDS; round++) {
        if (count < LIVE_MOST && random_below(&seed, 3)) {
            const uint32_t size = 1 + random_below(&seed, random_below(&seed, 4) ? 20 : 120);
            uint32_t piece = 1;
            while (piece < size)
                piece *= 2;
            const uint32_t start = naive_buddy(taken, piece);
            cr_assert_eq(contiguous_allocator_take(&allocator, size), start == SLOTS ? CONTIGUOUS_NONE : start, "round %d: %u", round,
                         size);
            refused += start == SLOTS;
            if (start == SLOTS)
                continue;
            granted++;
            for (uint32_t i = 0; i < piece; i++)
                taken[start + i] = true;
            live[count].start = start;
            live[count].piece = piece;
            live[count++].size = size;
        } else if (count > 0) {
            const uint32_t which = random_below(&seed, count);
            for (uint32_t i = 0; i < live[which].piece; i++)
                taken[live[which].start + i] = false;
            contiguous_allocator_give(&allocator, live[which].start, live[which].size);
            live[which] = live[--count];
        }
        cr_assert(contiguous_allocator_check(&allocator), "round %d", round);
    }
    cr_expect_gt(refused, 1000);
    cr_expect_gt(granted, 5000);
    for (; count > 0; count--)
        contiguous_allocator_give(&allocator, live[count - 1].start, live[count - 1].size);
    cr_expect_eq(allocator.hole_count, 4, "all pieces are joined in the end");
    cr_expect_eq(allocator.free, SLOTS);
    contiguous_allocator_deinit(&allocator);
}
