/* sample_track.c - adds samples to cells, and joins cells when time outgrows them. */
#include "observe/sample_track.h"

#include <string.h>

#include "base/integers.h"

enum { FIRST_SHIFT = 10 }; /* shorter than any step */

void sample_track_init(struct sample_track *track)
{
    track->shift = FIRST_SHIFT;
}

static void join(struct sample_cell *cell, const struct sample_cell *other)
{
    if (other->count == 0)
        return;
    cell->lowest = cell->count == 0 ? other->lowest : min_i64(cell->lowest, other->lowest);
    cell->highest = cell->count == 0 ? other->highest : max_i64(cell->highest, other->highest);
    cell->count += other->count;
    cell->sum += other->sum;
}

/* Cell i is made of 2i and 2i + 1, which no earlier i has overwritten. */
static void widen(struct sample_track *track)
{
    for (size_t i = 0; i < SAMPLE_CELLS / 2; i++) {
        struct sample_cell joined = track->cells[2 * i];
        join(&joined, &track->cells[2 * i + 1]);
        track->cells[i] = joined;
    }
    memset(track->cells + SAMPLE_CELLS / 2, 0, SAMPLE_CELLS / 2 * sizeof *track->cells);
    track->shift++;
}

void sample_track_add(struct sample_track *track, int64_t at_ns, int64_t value, uint64_t count)
{
    const struct sample_cell samples = {.sum = (step_sum)(uint64_t)value * count, .count = count, .lowest = value, .highest = value};
    while ((at_ns >> track->shift) >= SAMPLE_CELLS)
        widen(track);
    join(&track->cells[at_ns >> track->shift], &samples);
}
