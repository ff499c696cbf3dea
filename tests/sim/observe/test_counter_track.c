/* test_counter_track.c - a thinned track keeps every extreme and, while there are few points, every point. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "observe/counter_track.h"
#include "support/random.h"

enum { CHANGES_MOST = 300000 };

static size_t points_of(const struct counter_track *track, struct counter_point *out)
{
    size_t count = 0;
    for (size_t cell = 0; cell < COUNTER_CELLS; cell++)
        count += counter_track_points(track, cell, out + count);
    return count;
}

/* Of the changes within one cell the kept points must be the first, the last, the lowest and the highest. */
static void expect_extremes(const struct counter_point *all, size_t count, const struct counter_point *kept, size_t kept_count,
                            int64_t width_ns)
{
    size_t at = 0;
    for (size_t first = 0; first < count;) {
        size_t last = first;
        double lowest = all[first].value, highest = all[first].value, kept_lowest = 1e300, kept_highest = -1e300;
        while (last + 1 < count && all[last + 1].at_ns / width_ns == all[first].at_ns / width_ns)
            last++;
        for (size_t i = first; i <= last; i++) {
            lowest = all[i].value < lowest ? all[i].value : lowest;
            highest = all[i].value > highest ? all[i].value : highest;
        }
        cr_assert_eq(kept[at].at_ns, all[first].at_ns);
        cr_assert_eq(kept[at].value, all[first].value);
        size_t from = at;
        for (; at < kept_count && kept[at].at_ns / width_ns == all[first].at_ns / width_ns; at++) {
            cr_assert(at == 0 || kept[at].at_ns >= kept[at - 1].at_ns, "in order of time");
            kept_lowest = kept[at].value < kept_lowest ? kept[at].value : kept_lowest;
            kept_highest = kept[at].value > kept_highest ? kept[at].value : kept_highest;
        }
        cr_assert_leq(at - from, COUNTER_POINTS_MOST);
        cr_assert_eq(kept[at - 1].at_ns, all[last].at_ns);
        cr_assert_eq(kept[at - 1].value, all[last].value);
        cr_assert(kept_lowest == lowest && kept_highest == highest, "extremes of a cell");
        first = last + 1;
    }
    cr_assert_eq(at, kept_count);
}

Test(counter_track, keeps_first_last_lowest_and_highest_of_every_cell)
{
    struct counter_point *all = malloc(CHANGES_MOST * sizeof *all),
                         *kept = malloc((size_t)COUNTER_CELLS * COUNTER_POINTS_MOST * sizeof *kept);
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct counter_track track;
        struct diag diag = {0};
        uint64_t random = seed;
        size_t count = 0, changes = seed % 4 ? 1 + random_below(&random, 3000) : CHANGES_MOST;
        int64_t now_ns = random_below(&random, 1000), pace = (int64_t)1 << random_below(&random, 34);
        cr_assert_eq(counter_track_init(&track, &diag), SIM_OK);
        for (size_t i = 0; i < changes; i++) {
            const double value = random_below(&random, seed % 3 ? 1000 : 3);
            counter_track_add(&track, now_ns, value);
            if (count == 0 || all[count - 1].value != value)
                all[count++] = (struct counter_point){now_ns, value};
            now_ns += random_below(&random, 5) ? (int64_t)(random_next(&random) % (uint64_t)pace) : 0;
        }
        size_t kept_count = points_of(&track, kept);
        expect_extremes(all, count, kept, kept_count, track.width_ns);
        if (changes == 1)
            cr_expect_eq(kept_count, 1);
        counter_track_deinit(&track);
    }
    free(all);
    free(kept);
}

Test(counter_track, leaves_out_nothing_while_a_cell_holds_four_changes)
{
    struct counter_track track;
    struct diag diag = {0};
    struct counter_point *kept = malloc((size_t)COUNTER_CELLS * COUNTER_POINTS_MOST * sizeof *kept);
    cr_assert_eq(counter_track_init(&track, &diag), SIM_OK);
    for (int i = 0; i < 4000; i++) /* one change in 5 ms over 20 s, as of a short replay */
        counter_track_add(&track, INT64_C(5000000) * i, i % 7);
    cr_expect_eq(points_of(&track, kept), 4000);
    counter_track_deinit(&track);
    free(kept);
}

/* Halves of a second at 2 and at 6, whatever the width of cells: mean 4 over the second, and each piece knows what it began with. */
Test(counter_track, a_range_is_the_mean_over_time_and_what_was_carried_in)
{
    struct counter_track track;
    struct counter_range range;
    struct diag diag = {0};
    double carried = NAN, area = 0, lowest = INFINITY, highest = -INFINITY;
    cr_assert_eq(counter_track_init(&track, &diag), SIM_OK);
    counter_track_add(&track, 0, 2);
    counter_track_add(&track, 500000000, 6);
    counter_track_add(&track, 500000000, 6); /* no change */
    counter_track_finish(&track, 1000000000);
    for (size_t cells = COUNTER_CELLS; cells >= 1; cells /= 8) {
        carried = NAN, area = 0, lowest = INFINITY, highest = -INFINITY;
        counter_track_thin(&track, cells);
        for (size_t cell = 0; cell < COUNTER_CELLS; cell++) {
            if (!counter_track_range(&track, cell, &carried, &range))
                continue;
            cr_expect_lt(cell, cells);
            cr_expect(range.lowest <= range.mean && range.mean <= range.highest);
            area += range.mean * (double)track.cells[cell].covered_ns;
            lowest = fmin(lowest, range.lowest);
            highest = fmax(highest, range.highest);
        }
        cr_expect_float_eq(area, 4e9, 1);
        cr_expect(lowest == 2 && highest == 6);
    }
    counter_track_deinit(&track);
}
