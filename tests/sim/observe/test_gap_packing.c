/* test_gap_packing.c - what comes out of a packing is what went in, for ranges of every width, and it takes the bits that it needs. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "observe/gap_packing.h"
#include "support/allocations.h"
#include "support/random.h"

enum { BLOCKS = 300 };

/* Each number of a block has up to so many bits of its own choice. */
static void fill(uint64_t *seed, struct gap_progression *block)
{
    const uint32_t first = random_below(seed, 63), change = random_below(seed, 32), count = random_below(seed, GAP_COUNT_BITS + 1),
                   weight = random_below(seed, GAP_WEIGHT_BITS + 1);
    const int64_t least = (int64_t)(random_next(seed) >> 2);
    for (size_t i = 0; i < GAP_BLOCK; i++)
        block[i] = (struct gap_progression){
            .first_ns = (least + (int64_t)(random_next(seed) & ((UINT64_C(1) << first) - 1))) & INT64_MAX,
            .change_ns = (int32_t)((int64_t)(random_next(seed) & ((UINT64_C(1) << change) - 1)) - (INT64_C(1) << change) / 2),
            .count = random_next(seed) & ((1u << count) - 1) & ((1u << GAP_COUNT_BITS) - 1),
            .weight = random_next(seed) & ((1u << weight) - 1) & ((1u << GAP_WEIGHT_BITS) - 1)};
}

static bool equal(const struct gap_progression *a, const struct gap_progression *b)
{
    for (size_t i = 0; i < GAP_BLOCK; i++)
        if (a[i].first_ns != b[i].first_ns || a[i].change_ns != b[i].change_ns || a[i].count != b[i].count || a[i].weight != b[i].weight)
            return false;
    return true;
}

Test(gap_packing, what_comes_out_is_what_went_in)
{
    struct gap_packing packing = {0};
    struct gap_packing_walk walk = {0};
    struct gap_progression block[GAP_BLOCK], out[GAP_BLOCK];
    struct diag diag = {0};
    uint64_t seed = 7;
    for (int i = 0; i < BLOCKS; i++) {
        fill(&seed, block);
        cr_assert_eq(gap_packing_add(&packing, block, &diag), SIM_OK);
    }
    seed = 7;
    for (int i = 0; i < BLOCKS; i++) {
        fill(&seed, block);
        cr_assert(gap_packing_next(&packing, &walk, out), "block %d is missing", i);
        cr_assert(equal(block, out), "block %d", i);
    }
    cr_expect_not(gap_packing_next(&packing, &walk, out));
    cr_expect_not(gap_packing_next(&packing, &walk, out), "the end stays the end");
    gap_packing_deinit(&packing);
}

Test(gap_packing, of_nothing_gives_nothing)
{
    struct gap_packing packing = {0};
    struct gap_packing_walk walk = {0};
    struct gap_progression out[GAP_BLOCK];
    cr_expect_not(gap_packing_next(&packing, &walk, out));
    gap_packing_deinit(&packing);
}

/* 26 bits of time, 11 of change, 8 of count and 6 of weight are 51 bits of 128; a chunk is a megabyte. */
Test(gap_packing, ordinary_blocks_take_less_than_half_of_their_space)
{
    enum { ORDINARY = 160 };
    struct gap_packing packing = {0};
    struct gap_progression block[GAP_BLOCK];
    struct diag diag = {0};
    uint64_t seed = 1;
    const uint64_t before = allocations_so_far();
    for (int i = 0; i < ORDINARY; i++) {
        for (size_t k = 0; k < GAP_BLOCK; k++)
            block[k] = (struct gap_progression){.first_ns = 5000000 + random_below(&seed, 1 << 26),
                                                .change_ns = (int32_t)random_below(&seed, 1 << 11),
                                                .count = random_below(&seed, 1 << 8) & 255,
                                                .weight = random_below(&seed, 1 << 6) & 63};
        cr_assert_eq(gap_packing_add(&packing, block, &diag), SIM_OK);
    }
    /* Raw they would be 2.5 MB. */
    cr_expect_eq(allocations_so_far() - before, 1 + (uint64_t)ORDINARY * GAP_BLOCK * 51 / 8 / (1 << 20));
    gap_packing_deinit(&packing);
}

Test(gap_packing, without_memory_it_stays_as_it_was)
{
    struct gap_packing packing = {0};
    struct gap_packing_walk walk = {0};
    struct gap_progression block[GAP_BLOCK] = {{.first_ns = 1, .count = 1, .weight = 1}};
    struct diag diag = {0};
    allocations_fail_after(1);
    cr_expect_eq(gap_packing_add(&packing, block, &diag), SIM_FAILED);
    cr_expect_not(gap_packing_next(&packing, &walk, block));
    allocations_fail_after(0);
    gap_packing_deinit(&packing);
}
