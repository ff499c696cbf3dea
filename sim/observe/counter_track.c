/* counter_track.c - cells that widen as the record grows, and the points that a cell hands out. Read counter_track.h first for why four
 * points a cell are enough. */
#include "observe/counter_track.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Shorter than any step. Widths are powers of two, so that a shift finds the cell. */
enum { FIRST_SHIFT = 10 };

enum status counter_track_init(struct counter_track *track, struct diag *diag)
{
    *track = (struct counter_track){.shift = FIRST_SHIFT, .width_ns = INT64_C(1) << FIRST_SHIFT};
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
    struct counter_cell joined = left->filled ? *left : *right;
    if (left->filled && right->filled) {
        joined.lowest = right->lowest.value < left->lowest.value ? right->lowest : left->lowest;
        joined.highest = right->highest.value > left->highest.value ? right->highest : left->highest;
        joined.last = right->last;
    }
    joined.area = left->area + right->area;
    joined.covered_ns = left->covered_ns + right->covered_ns;
    return joined;
}

/* Joins neighbours in place. Cell i is read from 2i and 2i + 1, which no earlier i has overwritten. */
static void widen(struct counter_track *track)
{
    for (size_t i = 0; i < COUNTER_CELLS / 2; i++)
        track->cells[i] = join(&track->cells[2 * i], &track->cells[2 * i + 1]);
    memset(track->cells + COUNTER_CELLS / 2, 0, COUNTER_CELLS / 2 * sizeof *track->cells);
    track->width_ns *= 2;
    track->shift++;
}

/* The newest value held from since_ns to `until`, mostly within one cell. */
static void cover(struct counter_track *track, int64_t until)
{
    while ((until >> track->shift) >= COUNTER_CELLS)
        widen(track);
    for (int64_t from = track->since_ns; from < until;) {
        struct counter_cell *cell = &track->cells[from >> track->shift];
        const int64_t edge = ((from >> track->shift) + 1) << track->shift, to = edge < until ? edge : until;
        cell->area += track->value * (double)(to - from);
        cell->covered_ns += to - from;
        from = to;
    }
    track->since_ns = until;
}

void counter_track_add(struct counter_track *track, int64_t at_ns, double value)
{
    if (track->any && value == track->value)
        return;
    if (track->any)
        cover(track, at_ns);
    while ((at_ns >> track->shift) >= COUNTER_CELLS)
        widen(track);
    track->any = true;
    track->value = value;
    track->since_ns = at_ns;
    struct counter_cell *cell = &track->cells[at_ns >> track->shift];
    const struct counter_point point = {at_ns, value};
    const struct counter_cell alone = {.first = point, .lowest = point, .highest = point, .last = point, .filled = true};
    *cell = join(cell, &alone);
}

void counter_track_finish(struct counter_track *track, int64_t end_ns)
{
    if (track->any && end_ns > track->since_ns)
        cover(track, end_ns);
}

bool counter_track_range(const struct counter_track *track, size_t cell, double *carried, struct counter_range *out)
{
    const struct counter_cell *from = &track->cells[cell];
    if (from->covered_ns == 0)
        return false;
    /* What the cell began with counts only if it was there before the first change in it. */
    const bool began = !from->filled || from->first.at_ns > (int64_t)cell * track->width_ns;
    *out = (struct counter_range){.mean = from->area / (double)from->covered_ns, .lowest = *carried, .highest = *carried};
    if (from->filled) {
        out->lowest = began && *carried < from->lowest.value ? *carried : from->lowest.value;
        out->highest = began && *carried > from->highest.value ? *carried : from->highest.value;
        *carried = from->last.value;
    }
    return true;
}

/* The newest cell is the last one of which anything is known. */
void counter_track_thin(struct counter_track *track, size_t cells)
{
    size_t used = COUNTER_CELLS;
    while (used > 0 && !track->cells[used - 1].filled && track->cells[used - 1].covered_ns == 0)
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
