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
    struct counter_point first, lowest, highest, last; /* of the changes in it */
    double area;                                       /* value x ns */
    int64_t covered_ns;                                /* how much of the cell `area` is about */
    bool filled;                                       /* there was a change in it */
};

struct counter_track {
    struct counter_cell *cells;
    int64_t width_ns; /* 1 << shift */
    unsigned shift;
    double value;     /* the newest */
    int64_t since_ns; /* areas are added up to here */
    bool any;
};

SIM_NODISCARD enum status counter_track_init(struct counter_track *track, struct diag *diag);
void counter_track_deinit(struct counter_track *track);

/* The value has been `value` since at_ns (>= 0, and not before the last call's). A call that does not change it records nothing. */
void counter_track_add(struct counter_track *track, int64_t at_ns, double value);

/* Join cells until the record takes at most `cells` of them. */
void counter_track_thin(struct counter_track *track, size_t cells);

/* The value stays as it is until end_ns: without this the areas end at the last change. */
void counter_track_finish(struct counter_track *track, int64_t end_ns);

/* The value over one cell: mean over time, lowest and highest, that which it began with included. Cells are asked for from 0 on, with the
 * value before the cell in *carried (NaN at first), which moves on. False: nothing is known of it. */
struct counter_range {
    double mean, lowest, highest;
};
bool counter_track_range(const struct counter_track *track, size_t cell, double *carried, struct counter_range *out);

/* The points of one cell in order of time, without repetition; returns how many. */
size_t counter_track_points(const struct counter_track *track, size_t cell, struct counter_point out[COUNTER_POINTS_MOST]);

#endif
