/* attention_grid.h - times that were measured at points of four coordinates, as a full grid that is linear between its points. For the code
 * of attention tables.
 *
 *   axes    the coordinates that occur, ascending: prefill_chunk, kv_prefill, n_decode, kv_decode
 *   times   one for each corner, that is for each choice of a coordinate on every axis; corners that nobody measured are filled in
 *
 * Why a full grid, where tables have holes: a lookup is then as quick as on a table without any. Nothing is lost. A hole's line between two
 * points of a coordinate is linear from corner to corner, so points that lie on a coarser grid give what interpolation on that gives.
 *
 * Holes. A table can be the union of several grids, or lack points anywhere. In rounds, each from what is known before it:
 *
 *   1. A corner between known ones takes the line from the nearest one before it to the nearest one after it, in the direction in which
 *      these two differ least, relative to their sum: there the line says most.
 *   2. Where none lies between known ones, those at the far ends take the line through the two before them, if it rises, else the value of
 *      the one before: in n_decode, else kv_decode, prefill_chunk, kv_prefill; those at the near ends the value of the one after. Then rule
 *      1 again.
 *
 * A time so found is moved between the measured ones that it must not be below (of less or equal work in each coordinate) and above (of
 * more), unless these contradict each other, as noise can. So filled times rise wherever measured ones do.
 */
#ifndef PAGESIM_ATTENTION_GRID_H
#define PAGESIM_ATTENTION_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { ATTENTION_AXES = 4 };

struct attention_axis {
    double *points; /* ascending */
    uint32_t count;
    size_t stride; /* how far apart neighbours in this direction lie in `times` */
};

struct attention_grid {
    struct attention_axis axes[ATTENTION_AXES];
    double *times; /* us, the last axis runs fastest */
    size_t size;   /* how many corners */
    size_t filled; /* of these, how many were not measured */
};

/* The four coordinates and the time of a measured point. */
struct attention_point {
    double at[ATTENTION_AXES], us;
};

/* Make a grid of one point or more, in any order; of two at the same place the later counts. SIM_BAD_INPUT: they lie on so many different
 * coordinates that the grid would have millions of corners; `path` names the table. On failure, too, the caller ends it with
 * attention_grid_close. */
SIM_NODISCARD enum status attention_grid_make(struct attention_grid *grid, const struct attention_point *points, size_t count,
                                              const char *path, struct diag *diag);
/* Empty again: closing it twice does no harm. */
void attention_grid_close(struct attention_grid *grid);

/* Linear in each direction. Below an axis' first point that one's value stands; beyond the last the last segment goes on. */
double attention_grid_us(const struct attention_grid *grid, const double *at);

/* Fill the corners whose time is NaN; one at least is not. Part of attention_grid_make. */
SIM_NODISCARD enum status attention_grid_fill(struct attention_grid *grid, struct diag *diag);

#endif
