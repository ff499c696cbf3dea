/* counter_track.c - cells that widen as the record grows, and the points that a cell hands out. Read counter_track.h first for why four
 * points a cell are enough. */
#include "observe/counter_track.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Shorter than any step. A power of two, so that doubled widths stay exact. */
enum { FIRST_WIDTH_NS = 1024 };

enum status counter_track_init(struct counter_track *track, struct diag *diag)
{
    *track = (struct counter_track){.width_ns = FIRST_WIDTH_NS};
    return array_zeroed(&track->cells, COUNTER_CELLS, sizeof *track->cells, "a counter track", diag);
}

void counter_track_deinit(struct counter_track *track)
{
    free(track->cells);
    *track = (struct counter_track){0};
}

/* Two cells as one, `left` being the earlier. Of equal extremes the earlier one stays, so that the result does not depend on when cells
 * were joined: adding point by point and joining later give the same cell. */
static struct counter_cell join(const struct counter_cell *left, const struct counter_cell *right)
{
    if (!left->filled || !right->filled)
        return left->filled ? *left : *right;
    return (struct counter_cell){.first = left->first,
                                 .lowest = right->lowest.value < left->lowest.value ? right->lowest : left->lowest,
                                 .highest = right->highest.value > left->highest.value ? right->highest : left->highest,
                                 .last = right->last,
                                 .filled = true};
}

/* Joins neighbours in place. Cell i is read from 2i and 2i + 1, which no earlier i has overwritten. */
static void widen(struct counter_track *track)
{
    for (size_t i = 0; i < COUNTER_CELLS / 2; i++)
        track->cells[i] = join(&track->cells[2 * i], &track->cells[2 * i + 1]);
    memset(track->cells + COUNTER_CELLS / 2, 0, COUNTER_CELLS / 2 * sizeof *track->cells);
    track->width_ns *= 2;
}

void counter_track_add(struct counter_track *track, int64_t at_ns, double value)
{
    if (track->any && value == track->value)
        return;
    track->any = true;
    track->value = value;
    while (at_ns / track->width_ns >= COUNTER_CELLS)
        widen(track);
    struct counter_cell *cell = &track->cells[at_ns / track->width_ns];
    const struct counter_point point = {at_ns, value};
    const struct counter_cell alone = {point, point, point, point, true};
    *cell = join(cell, &alone);
}

/* The newest cell is the last one that is filled. */
void counter_track_thin(struct counter_track *track, size_t cells)
{
    size_t used = COUNTER_CELLS;
    while (used > 0 && !track->cells[used - 1].filled)
        used--;
    for (; used > cells; used = (used + 1) / 2)
        widen(track);
}

size_t counter_track_points(const struct counter_track *track, size_t cell, struct counter_point out[COUNTER_POINTS_MOST])
{
    const struct counter_cell *from = &track->cells[cell];
    if (!from->filled)
        return 0;
    /* Viewers want points in order of time. One point may be first, lowest and last at once; it is handed out once. */
    const bool falls_first = from->lowest.at_ns <= from->highest.at_ns;
    const struct counter_point all[COUNTER_POINTS_MOST] = {from->first, falls_first ? from->lowest : from->highest,
                                                           falls_first ? from->highest : from->lowest, from->last};
    size_t count = 0;
    for (size_t i = 0; i < COUNTER_POINTS_MOST; i++)
        if (count == 0 || all[i].at_ns != out[count - 1].at_ns || all[i].value != out[count - 1].value)
            out[count++] = all[i];
    return count;
}
