/* attention_holes.c - fills the corners of a grid that nobody measured, by the rules that attention_grid.h states. Read attention_grid_fill
 * first.
 *
 *                kv_decode ->  16   32   64  128
 *     n_decode 1                *    o    *    *        * measured
 *              2                *    a    o    *        o between two measured ones of its row or column: round 1
 *              4                *    o    *    x        a between ones that are known only after round 1: round 2
 *              8                *    o    *    x        x beyond the last measured one: rule 2, when rule 1 finds nothing any more
 */
#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "time/attention_grid.h"

/* What is known of each corner while holes are filled. */
struct holes {
    struct attention_grid *grid;
    size_t left;            /* corners without a time */
    double *least, *most;   /* measured times of no more and of no less work: what is filled in lies between, if they allow it */
    double *found, *change; /* of this round: the best line's time, and how much its two ends differ; INFINITY: none yet */
};

/* --- bounds ------------------------------------------------------------------------------------------------------------------------- */

/* values[corner] = the larger of it and of the one before it in this direction, which has been through this: the largest up to there. A block
 * holds the lines that lie side by side. */
static void largest_before(const struct attention_grid *grid, const struct attention_axis *axis, double *values)
{
    for (size_t block = 0; block < grid->size; block += axis->stride * axis->count)
        for (size_t i = block + axis->stride; i < block + axis->stride * axis->count; i++)
            values[i] = values[i] > values[i - axis->stride] ? values[i] : values[i - axis->stride];
}

static void smallest_after(const struct attention_grid *grid, const struct attention_axis *axis, double *values)
{
    for (size_t block = 0; block < grid->size; block += axis->stride * axis->count)
        for (size_t i = block + axis->stride * (axis->count - 1); i-- > block;)
            values[i] = values[i] < values[i + axis->stride] ? values[i] : values[i + axis->stride];
}

/* The largest measured time at or before each corner in all directions, and the smallest at or after it: one direction after the other. */
static void spread_bounds(struct holes *holes)
{
    const struct attention_grid *grid = holes->grid;
    for (size_t corner = 0; corner < grid->size; corner++) {
        const bool known = !isnan(grid->times[corner]);
        holes->least[corner] = known ? grid->times[corner] : 0;
        holes->most[corner] = known ? grid->times[corner] : INFINITY;
    }
    for (int direction = 0; direction < ATTENTION_AXES; direction++) {
        largest_before(grid, &grid->axes[direction], holes->least);
        smallest_after(grid, &grid->axes[direction], holes->most);
    }
}

/* Do the measured times around a corner say that it lies between them? */
static bool is_bounded(const struct holes *holes, size_t corner)
{
    return holes->least[corner] <= holes->most[corner];
}

/* Give a corner its time. */
static void fill(struct holes *holes, size_t corner, double us)
{
    holes->grid->times[corner] = is_bounded(holes, corner) ? fmin(fmax(us, holes->least[corner]), holes->most[corner]) : us;
    holes->left--;
}

/* What was filled in from different sides can still fall from one corner to the next. Then it is half-way between the largest up to there and
 * the smallest from there on, both of which rise and stay within the bounds, as these rise, too. */
static void level_filled(struct holes *holes, const bool *measured)
{
    const struct attention_grid *grid = holes->grid;
    double *largest = holes->found, *smallest = holes->change; /* no longer needed */
    for (size_t corner = 0; corner < grid->size; corner++) {
        largest[corner] = is_bounded(holes, corner) ? grid->times[corner] : 0;
        smallest[corner] = is_bounded(holes, corner) ? grid->times[corner] : INFINITY;
    }
    for (int direction = 0; direction < ATTENTION_AXES; direction++) {
        largest_before(grid, &grid->axes[direction], largest);
        smallest_after(grid, &grid->axes[direction], smallest);
    }
    for (size_t corner = 0; corner < grid->size; corner++)
        if (!measured[corner] && is_bounded(holes, corner))
            grid->times[corner] = fmax(fmin((largest[corner] + smallest[corner]) / 2, holes->most[corner]), holes->least[corner]);
}

/* --- rule 1: between known corners --------------------------------------------------------------------------------------------------- */

/* The corners between two known ones of a line, `from` and `to` its places on the axis. */
static void draw_line(struct holes *holes, const struct attention_axis *axis, size_t line, size_t from, size_t to)
{
    const double *times = holes->grid->times + line;
    const double first = times[from * axis->stride], last = times[to * axis->stride], sum = first + last;
    const double change = sum > 0 ? fabs(last - first) / sum : 0;
    const double slope = (last - first) / (axis->points[to] - axis->points[from]);
    for (size_t i = from + 1; i < to; i++) {
        const size_t corner = line + i * axis->stride;
        if (change >= holes->change[corner])
            continue;
        holes->change[corner] = change;
        holes->found[corner] = first + slope * (axis->points[i] - axis->points[from]);
    }
}

/* All lines of a direction; `line` is the corner at which one starts. */
static void draw_lines(struct holes *holes, const struct attention_axis *axis)
{
    const struct attention_grid *grid = holes->grid;
    for (size_t block = 0; block < grid->size; block += axis->stride * axis->count)
        for (size_t line = block; line < block + axis->stride; line++) {
            size_t before = axis->count; /* none */
            for (size_t i = 0; i < axis->count; i++) {
                if (isnan(grid->times[line + i * axis->stride]))
                    continue;
                if (before + 1 < i)
                    draw_line(holes, axis, line, before, i);
                before = i;
            }
        }
}

/* A round: every direction looks at the same known corners, then the best lines count. Returns whether any was found. */
static bool fill_between(struct holes *holes)
{
    const struct attention_grid *grid = holes->grid;
    const size_t left = holes->left;
    for (size_t corner = 0; corner < grid->size; corner++)
        holes->change[corner] = INFINITY;
    for (int direction = 0; direction < ATTENTION_AXES; direction++)
        if (grid->axes[direction].count > 2)
            draw_lines(holes, &grid->axes[direction]);
    for (size_t corner = 0; corner < grid->size; corner++)
        if (isnan(grid->times[corner]) && holes->change[corner] < INFINITY)
            fill(holes, corner, holes->found[corner]);
    return holes->left < left;
}

/* --- rule 2: beyond them ------------------------------------------------------------------------------------------------------------- */

/* How a corner at an end of its line follows from those beside it. */
enum beyond { BY_LINE, BY_VALUE_BEFORE, BY_VALUE_AFTER };

/* NaN: what it would follow from is not known. */
static double time_beyond(const struct attention_grid *grid, const struct attention_axis *axis, size_t corner, enum beyond how)
{
    const size_t stride = axis->stride, i = corner / stride % axis->count;
    if (how == BY_VALUE_AFTER)
        return i + 1 < axis->count ? grid->times[corner + stride] : NAN;
    if (i < (how == BY_LINE ? 2 : 1))
        return NAN;
    const double last = grid->times[corner - stride];
    if (how == BY_VALUE_BEFORE)
        return last;
    const double us = last + (last - grid->times[corner - 2 * stride]) * (axis->points[i] - axis->points[i - 1]) /
                                 (axis->points[i - 1] - axis->points[i - 2]);
    return us < last ? last : us;
}

/* Towards the end of each line, so that one corner follows from the other. */
static bool fill_beyond(struct holes *holes, int direction, enum beyond how)
{
    const struct attention_grid *grid = holes->grid;
    const size_t left = holes->left;
    for (size_t i = 0; i < grid->size; i++) {
        const size_t corner = how == BY_VALUE_AFTER ? grid->size - 1 - i : i;
        if (!isnan(grid->times[corner]))
            continue;
        const double us = time_beyond(grid, &grid->axes[direction], corner, how);
        if (!isnan(us))
            fill(holes, corner, us);
    }
    return holes->left < left;
}

/* The first way that fills any. From one known corner the two last ones reach all others. */
static void fill_some_beyond(struct holes *holes)
{
    static const int directions[ATTENTION_AXES] = {2, 3, 0, 1};
    for (enum beyond how = BY_LINE; how <= BY_VALUE_AFTER; how++)
        for (int i = 0; i < ATTENTION_AXES; i++)
            if (fill_beyond(holes, directions[i], how))
                return;
}

/* --- all of it ------------------------------------------------------------------------------------------------------------------------ */

static void fill_all(struct holes *holes, bool *measured)
{
    const struct attention_grid *grid = holes->grid;
    for (size_t corner = 0; corner < grid->size; corner++)
        measured[corner] = !isnan(grid->times[corner]);
    spread_bounds(holes);
    while (holes->left > 0)
        if (!fill_between(holes))
            fill_some_beyond(holes);
    level_filled(holes, measured);
}

/* A table without holes, as most are, stays as it is. */
enum status attention_grid_fill(struct attention_grid *grid, struct diag *diag)
{
    struct holes holes = {.grid = grid};
    bool *measured = NULL;
    for (size_t corner = 0; corner < grid->size; corner++)
        holes.left += isnan(grid->times[corner]) ? 1 : 0;
    grid->filled = holes.left;
    if (holes.left == 0)
        return SIM_OK;
    const struct array_request arrays[] = {ARRAY_OF(holes.least, grid->size), ARRAY_OF(holes.most, grid->size),
                                           ARRAY_OF(holes.found, grid->size), ARRAY_OF(holes.change, grid->size),
                                           ARRAY_OF(measured, grid->size)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "missing attention times", diag);
    if (status == SIM_OK)
        fill_all(&holes, measured);
    free(holes.least);
    free(holes.most);
    free(holes.found);
    free(holes.change);
    free(measured);
    return status;
}
