/* counter_track.h - a value that changes over time, recorded in bounded memory: thinned to what a plot can show.
 *
 * Time is cut into at most COUNTER_CELLS cells of equal width; when the record outgrows them, neighbours are joined and the width doubles.
 * A cell keeps its first, lowest, highest and last point, each with its exact time. So a plot in which a cell is at most one pixel wide
 * equals the plot of all points, every maximum and minimum is exact, and a record with at most four changes a cell is complete.
 *
 *     cell      |    0    |    1    |    2    | ...      width x COUNTER_CELLS covers the record
 *     points     f l  h L   f=l   h=L   (empty)
 *
 * Source of the idea: M4, Jugel et al., VLDB'14.
 */
#ifndef PAGESIM_COUNTER_TRACK_H
#define PAGESIM_COUNTER_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { COUNTER_CELLS = 4096, COUNTER_POINTS_MOST = 4 };

struct counter_point {
    int64_t at_ns;
    double value;
};

struct counter_cell {
    struct counter_point first, lowest, highest, last;
    bool filled;
};

struct counter_track {
    struct counter_cell *cells;
    int64_t width_ns;
    double value; /* the newest */
    bool any;
};

SIM_NODISCARD enum status counter_track_init(struct counter_track *track, struct diag *diag);
void counter_track_deinit(struct counter_track *track);

/* The value has been `value` since at_ns (>= 0, and not before the last call's). A call that does not change it records nothing. */
void counter_track_add(struct counter_track *track, int64_t at_ns, double value);

/* Join cells until the record takes at most `cells` of them. */
void counter_track_thin(struct counter_track *track, size_t cells);

/* The points of one cell in order of time, without repetition; returns how many. */
size_t counter_track_points(const struct counter_track *track, size_t cell, struct counter_point out[COUNTER_POINTS_MOST]);

#endif
