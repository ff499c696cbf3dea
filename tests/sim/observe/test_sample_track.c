/* test_sample_track.c - cells hold exactly the samples of their time, in whatever order those came. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "observe/sample_track.h"
#include "support/random.h"

enum { SAMPLES_MOST = 2000 };

struct sample {
    int64_t at_ns, value;
    uint32_t count;
};

static void expect_cells(const struct sample_track *track, const struct sample *samples, uint32_t count)
{
    for (size_t i = 0; i < SAMPLE_CELLS; i++) {
        const struct sample_cell *cell = &track->cells[i];
        uint64_t all = 0;
        step_sum sum = 0;
        int64_t lowest = INT64_MAX, highest = -1;
        for (uint32_t s = 0; s < count; s++) {
            if ((uint64_t)(samples[s].at_ns >> track->shift) != i)
                continue;
            all += samples[s].count;
            sum += (step_sum)(uint64_t)samples[s].value * samples[s].count;
            lowest = samples[s].value < lowest ? samples[s].value : lowest;
            highest = samples[s].value > highest ? samples[s].value : highest;
        }
        cr_assert_eq(cell->count, all);
        cr_assert(cell->sum == sum);
        cr_assert(all == 0 || (cell->lowest == lowest && cell->highest == highest));
    }
}

Test(sample_track, says_of_each_piece_of_time_how_many_their_sum_and_their_extremes)
{
    static struct sample samples[SAMPLES_MOST];
    for (uint64_t number = 1; number <= 60; number++) {
        uint64_t seed = number;
        struct sample_track track = {0};
        const uint32_t count = 1 + random_below(&seed, SAMPLES_MOST), bits = 1 + random_below(&seed, 50);
        int64_t last_ns = 0;
        sample_track_init(&track);
        for (uint32_t i = 0; i < count; i++) {
            samples[i] = (struct sample){.at_ns = (int64_t)(random_next(&seed) >> (64 - bits)),
                                         .value = (int64_t)(random_next(&seed) >> random_below(&seed, 63) >> 1),
                                         .count = 1 + random_below(&seed, 300)};
            last_ns = samples[i].at_ns > last_ns ? samples[i].at_ns : last_ns;
            sample_track_add(&track, samples[i].at_ns, samples[i].value, samples[i].count);
        }
        expect_cells(&track, samples, count);
        cr_expect(track.shift == 10 || last_ns >> track.shift >= SAMPLE_CELLS / 2, "no wider than needed");
    }
}
