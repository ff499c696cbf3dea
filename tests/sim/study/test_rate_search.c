/* test_rate_search.c - the search against a naive scan of made-up verdicts, monotone and not. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "study/rate_search.h"
#include "support/random.h"

enum { RUNGS_MOST = 600 };

struct made_up {
    bool passes[RUNGS_MOST];
    uint32_t asked[RUNGS_MOST], total;
};

static enum status look_up(void *context, int32_t rung, bool *passes, struct diag *diag)
{
    (void)diag;
    struct made_up *truth = context;
    cr_assert(rung >= 0 && rung < RUNGS_MOST && truth->asked[rung]++ == 0, "load %d is asked for once", rung);
    truth->total++;
    *passes = truth->passes[rung];
    return SIM_OK;
}

/* From the definition: the last of those that pass from the lightest on, and the first from which on all fail. */
static struct rate_found scan(const struct made_up *truth, int32_t count)
{
    struct rate_found found = {.passes_to = -1, .fails_from = count};
    while (found.passes_to + 1 < count && truth->passes[found.passes_to + 1])
        found.passes_to++;
    while (found.fails_from > 0 && !truth->passes[found.fails_from - 1])
        found.fails_from--;
    return found;
}

/* `wild` verdicts in a row around the limit are drawn; all below pass and all above fail. */
static void make_up(struct made_up *truth, int32_t count, int32_t limit, int32_t wild, uint64_t *seed)
{
    *truth = (struct made_up){.total = 0};
    for (int32_t i = 0; i < count; i++)
        truth->passes[i] = i < limit;
    for (int32_t i = limit; i < limit + wild && i < count; i++)
        truth->passes[i] = random_below(seed, 2);
}

Test(rate_search, agrees_with_a_scan)
{
    uint64_t seed = 11, uneven = 0, none = 0, all = 0;
    for (int round = 0; round < 20000; round++) {
        struct made_up truth;
        struct rate_found found;
        struct diag diag = {0};
        const int32_t count = 1 + (int32_t)random_below(&seed, RUNGS_MOST), limit = (int32_t)random_below(&seed, (uint32_t)count + 1);
        make_up(&truth, count, limit, round % 2 ? (int32_t)random_below(&seed, RATE_BAND + 1) : 0, &seed);
        const struct rate_found naive = scan(&truth, count);
        cr_assert_eq(rate_search(count, (int32_t)random_below(&seed, (uint32_t)count), -1, look_up, &truth, &found, &diag), SIM_OK);
        cr_assert_eq(found.passes_to, naive.passes_to, "round %d: %d, and not %d", round, found.passes_to, naive.passes_to);
        cr_assert_eq(found.fails_from, naive.fails_from, "round %d: %d, and not %d", round, found.fails_from, naive.fails_from);
        cr_assert_eq(found.probes, truth.total);
        cr_assert(found.probes <= 20 + 4 * RATE_BAND, "round %d: %u probes", round, found.probes);
        uneven += naive.fails_from > naive.passes_to + 1;
        none += naive.passes_to < 0;
        all += naive.passes_to == count - 1;
    }
    cr_expect(uneven > 2000 && none > 20 && all > 20, "all kinds were reached: %lu %lu %lu", uneven, none, all);
}

/* Whatever the verdicts: what is said to pass and to fail next to the answer was tried, and a floor only ends the search of those below
 * it. */
Test(rate_search, says_only_what_it_saw)
{
    uint64_t seed = 5, ended = 0;
    for (int round = 0; round < 20000; round++) {
        struct made_up truth;
        struct rate_found found, floored;
        struct diag diag = {0};
        const int32_t count = 1 + (int32_t)random_below(&seed, 200), start = (int32_t)random_below(&seed, (uint32_t)count);
        make_up(&truth, count, (int32_t)random_below(&seed, (uint32_t)count), (int32_t)random_below(&seed, 100), &seed);
        cr_assert_eq(rate_search(count, start, -1, look_up, &truth, &found, &diag), SIM_OK);
        for (int32_t i = found.passes_to; i >= 0 && i > found.passes_to - RATE_BAND; i--)
            cr_assert(truth.asked[i] && truth.passes[i]);
        for (int32_t i = found.fails_from; i < count && i < found.fails_from + RATE_BAND; i++)
            cr_assert(truth.asked[i] && !truth.passes[i]);
        cr_assert(found.passes_to < found.fails_from);
        for (int32_t i = 0; i < count; i++)
            truth.asked[i] = 0;
        cr_assert_eq(rate_search(count, start, start, look_up, &truth, &floored, &diag), SIM_OK);
        if (found.passes_to >= start)
            cr_assert(floored.passes_to == found.passes_to && floored.fails_from == found.fails_from);
        else
            cr_assert_lt(floored.passes_to, start);
        ended += found.passes_to < start && floored.probes == 1;
    }
    cr_expect_gt(ended, 1000, "a floor that fails takes one probe");
}

Test(rate_search, a_ladder_has_even_rungs_in_six_digits)
{
    struct rate_ladder ladder;
    struct diag diag = {0};
    cr_assert_eq(rate_ladder_make(5.5, 0.01, &ladder, &diag), SIM_OK);
    cr_expect_eq(ladder.loads[ladder.base], 5.5);
    cr_expect(ladder.loads[0] <= 0.0055 * 1.01 && ladder.loads[ladder.count - 1] >= 5500 / 1.01);
    for (int32_t i = 1; i < ladder.count; i++) {
        char text[32];
        snprintf(text, sizeof text, "%.6g", ladder.loads[i]);
        cr_assert_eq(strtod(text, NULL), ladder.loads[i]);
        cr_assert_float_eq(ladder.loads[i] / ladder.loads[i - 1], 1.01, 1e-4);
    }
    rate_ladder_deinit(&ladder);
}

static enum status refuse(void *context, int32_t rung, bool *passes, struct diag *diag)
{
    (void)passes;
    uint32_t *left = context;
    *passes = true;
    return (*left)-- > 0 ? SIM_OK : diag_set(diag, SIM_INTERRUPTED, "at %d", rung);
}

Test(rate_search, an_error_ends_it)
{
    for (uint32_t left = 0; left < 12; left++) {
        struct rate_found found;
        struct diag diag = {0};
        uint32_t countdown = left;
        cr_expect_eq(rate_search(100, 20, -1, refuse, &countdown, &found, &diag), left < 12 ? SIM_INTERRUPTED : SIM_OK);
    }
}
