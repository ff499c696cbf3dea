/* attention_grid.c - makes a grid from measured points in any order, and finds the time between them. What happens to corners that were not
 * measured is in attention_holes.c. */
#include "time/attention_grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum { SHORT_AXIS = 48, CORNERS_MOST = 1 << 22 };

/* Where `value` stands, or would stand, among the axis' points. */
static uint32_t place(const struct attention_axis *axis, double value)
{
    uint32_t low = 0, high = axis->count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (axis->points[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The distinct coordinates of `points` in one direction: few, so that each new one is put into its place. */
static enum status make_axis(struct attention_axis *axis, const struct attention_point *points, size_t count, int direction,
                             struct diag *diag)
{
    size_t capacity = 0;
    for (size_t i = 0; i < count; i++) {
        const double value = points[i].at[direction];
        const uint32_t at = place(axis, value);
        if (at < axis->count && axis->points[at] == value)
            continue;
        enum status status =
            array_reserve(&axis->points, &capacity, axis->count + (size_t)1, sizeof *axis->points, "an axis of attention times", diag);
        if (status != SIM_OK)
            return status;
        memmove(axis->points + at + 1, axis->points + at, (axis->count - at) * sizeof *axis->points);
        axis->points[at] = value;
        axis->count++;
    }
    return SIM_OK;
}

/* The last axis runs fastest: decode contexts, along which steps move from one to the next. Returns how many corners there are, or 0 if more
 * than are wanted. */
static size_t set_strides(struct attention_grid *grid)
{
    size_t stride = 1;
    for (int direction = ATTENTION_AXES; direction-- > 0;) {
        grid->axes[direction].stride = stride;
        if (grid->axes[direction].count > CORNERS_MOST / stride)
            return 0;
        stride *= grid->axes[direction].count;
    }
    return stride;
}

void attention_grid_close(struct attention_grid *grid)
{
    for (int direction = 0; direction < ATTENTION_AXES; direction++)
        free(grid->axes[direction].points);
    free(grid->times);
    *grid = (struct attention_grid){0};
}

static enum status make_axes(struct attention_grid *grid, const struct attention_point *points, size_t count, const char *path,
                             struct diag *diag)
{
    enum status status = SIM_OK;
    struct attention_axis *axes = grid->axes;
    for (int direction = 0; direction < ATTENTION_AXES && status == SIM_OK; direction++)
        status = make_axis(&axes[direction], points, count, direction, diag);
    if (status != SIM_OK)
        return status;
    grid->size = set_strides(grid);
    if (grid->size == 0)
        return diag_at(diag, path, 0, 0,
                       "%u different prefill chunks x %u contexts x %u numbers of decodes x %u contexts; a table whose points share their "
                       "coordinates has at most %d such corners",
                       axes[0].count, axes[1].count, axes[2].count, axes[3].count, CORNERS_MOST);
    return array_zeroed(&grid->times, grid->size, sizeof *grid->times, "attention times", diag);
}

/* Axes from the coordinates that occur, times into their corners, then the corners that nobody measured. */
enum status attention_grid_make(struct attention_grid *grid, const struct attention_point *points, size_t count, const char *path,
                                struct diag *diag)
{
    *grid = (struct attention_grid){0};
    enum status status = make_axes(grid, points, count, path, diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < grid->size; i++)
        grid->times[i] = NAN;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        for (int direction = 0; direction < ATTENTION_AXES; direction++) {
            const struct attention_axis *axis = &grid->axes[direction];
            at += place(axis, points[i].at[direction]) * axis->stride;
        }
        grid->times[at] = points[i].us;
    }
    return attention_grid_fill(grid, diag);
}

/* The last point at or before `value` that has one after it. Short axes, as measured ones are, are counted through: without branches that
 * could be mispredicted. */
static uint32_t cell(const struct attention_axis *axis, double value)
{
    uint32_t index = 0;
    if (axis->count > SHORT_AXIS) {
        index = place(axis, value);
        if (index > 0 && (index == axis->count || axis->points[index] > value))
            index--;
        return index < axis->count - 1 ? index : axis->count - 2;
    }
    for (uint32_t i = 1; i + 1 < axis->count; i++)
        index += axis->points[i] <= value;
    return index;
}

/* Linear in each direction: the values at a cell's corners, folded one direction at a time. Directions in which the step lies on (or
 * before) a point have no second corner: a pure decode step has four corners, a mixed one up to sixteen. */
double attention_grid_us(const struct attention_grid *grid, const double *at)
{
    double corners[1 << ATTENTION_AXES], share[ATTENTION_AXES];
    size_t offsets[1 << ATTENTION_AXES];
    size_t base = 0;
    unsigned count = 1, directions = 0;
    offsets[0] = 0;
    for (int direction = 0; direction < ATTENTION_AXES; direction++) {
        const struct attention_axis *axis = &grid->axes[direction];
        if (axis->count == 1)
            continue;
        const uint32_t index = cell(axis, at[direction]);
        base += index * axis->stride;
        if (at[direction] <= axis->points[index])
            continue;
        share[directions++] = (at[direction] - axis->points[index]) / (axis->points[index + 1] - axis->points[index]);
        for (unsigned corner = 0; corner < count; corner++)
            offsets[count + corner] = offsets[corner] + axis->stride;
        count *= 2;
    }
    for (unsigned corner = 0; corner < count; corner++)
        corners[corner] = grid->times[base + offsets[corner]];
    while (count > 1) {
        count /= 2;
        directions--;
        for (unsigned corner = 0; corner < count; corner++)
            corners[corner] += share[directions] * (corners[corner + count] - corners[corner]);
    }
    return corners[0];
}
