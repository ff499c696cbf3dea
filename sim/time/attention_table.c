/* attention_table.c - grids of measured times, and the classes of the skew correction. Read grid_make for how a grid is filled from rows in
 * any order, then grid_us for how a time between its points is found.
 */
#include "time/attention_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/csv.h"

enum { SHORT_AXIS = 48 };

/* --- grids ------------------------------------------------------------------------------------------------------------------------ */

/* A row of the file: the four coordinates and the time. */
struct point {
    double at[ATTENTION_AXES], us;
};

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
static enum status make_axis(struct attention_axis *axis, const struct point *points, size_t count, int direction, struct diag *diag)
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

/* How many corners the grid has. */
static size_t grid_size(const struct attention_grid *grid)
{
    size_t size = 1;
    for (int direction = 0; direction < ATTENTION_AXES; direction++)
        size *= grid->axes[direction].count;
    return size;
}

/* The last axis runs fastest: decode contexts, along which steps move from one to the next. */
static void set_strides(struct attention_grid *grid)
{
    size_t stride = 1;
    for (int direction = ATTENTION_AXES; direction-- > 0;) {
        grid->axes[direction].stride = stride;
        stride *= grid->axes[direction].count;
    }
}

/* Corners that were not measured, from those before in one direction: the line through two of them, or the value of the last. Returns
 * how many are left. */
static size_t fill_missing(struct attention_grid *grid, int direction, bool by_line)
{
    const struct attention_axis *axis = &grid->axes[direction];
    const size_t stride = axis->stride, size = grid_size(grid);
    size_t left = 0;
    for (size_t at = 0; at < size; at++) {
        const size_t i = at / stride % axis->count;
        if (!isnan(grid->times[at]))
            continue;
        if (by_line && i >= 2) {
            const double before = grid->times[at - 2 * stride], last = grid->times[at - stride];
            grid->times[at] =
                last + (last - before) * (axis->points[i] - axis->points[i - 1]) / (axis->points[i - 1] - axis->points[i - 2]);
        } else if (!by_line && i >= 1) {
            grid->times[at] = grid->times[at - stride];
        }
        left += isnan(grid->times[at]) ? 1 : 0;
    }
    return left;
}

/* Empty again: closing it twice does no harm. */
static void grid_close(struct attention_grid *grid)
{
    for (int direction = 0; direction < ATTENTION_AXES; direction++)
        free(grid->axes[direction].points);
    free(grid->times);
    *grid = (struct attention_grid){0};
}

/* Axes from the coordinates that occur, times into their corners, then the corners that nobody measured: first by lines, which keep the
 * slope, then by the nearest value, as attention_table.h promises. */
static enum status grid_make(struct attention_grid *grid, const struct point *points, size_t count, const char *path, struct diag *diag)
{
    enum status status = SIM_OK;
    for (int direction = 0; direction < ATTENTION_AXES && status == SIM_OK; direction++)
        status = make_axis(&grid->axes[direction], points, count, direction, diag);
    if (status == SIM_OK)
        status = array_zeroed(&grid->times, grid_size(grid) ? grid_size(grid) : 1, sizeof *grid->times, "attention times", diag);
    if (status != SIM_OK)
        return status;
    const size_t size = grid_size(grid);
    set_strides(grid);
    for (size_t i = 0; i < size; i++)
        grid->times[i] = NAN;
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        for (int direction = 0; direction < ATTENTION_AXES; direction++) {
            const struct attention_axis *axis = &grid->axes[direction];
            at += place(axis, points[i].at[direction]) * axis->stride;
        }
        grid->times[at] = points[i].us;
    }
    if (fill_missing(grid, 2, true) > 0 && fill_missing(grid, 3, true) > 0 && fill_missing(grid, 2, false) > 0 &&
        fill_missing(grid, 3, false) > 0)
        return diag_at(diag, path, 0, 0,
                       "points are missing that cannot be filled from their neighbours; the smallest n_decode and "
                       "kv_decode are needed for each prefill_chunk and kv_prefill");
    return SIM_OK;
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
static double grid_us(const struct attention_grid *grid, const double *at)
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

/* --- the table -------------------------------------------------------------------------------------------------------------------- */

/* Columns of the file: the coordinates, which are counts of tokens and sequences, and the time. */
static const char *const point_columns[] = {"prefill_chunk", "kv_prefill", "n_decode", "kv_decode", "time_us"};

static enum status read_points(struct csv *csv, struct point *points)
{
    for (size_t row = 0; row < csv->rows && csv->status == SIM_OK; row++) {
        for (uint32_t i = 0; i < ATTENTION_AXES; i++)
            points[row].at[i] = (double)csv_whole(csv, row, i);
        points[row].us = csv_amount(csv, row, ATTENTION_AXES);
    }
    return csv->status;
}

/* Move the points of one regime to the front of what is left. */
static size_t select_points(struct point *points, size_t count, bool with_prefill, bool with_decode)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if ((points[i].at[0] > 0) == with_prefill && (points[i].at[2] > 0) == with_decode) {
            struct point one = points[i];
            points[i] = points[kept];
            points[kept++] = one;
        }
    return kept;
}

/* The rows are parted in three: no prefill chunk, no decodes, both. A regime without rows would have no price, so all must be there. */
enum status attention_table_open(const char *path, struct attention_table *out, struct diag *diag)
{
    struct csv csv;
    struct point *points = NULL;
    enum status status = csv_open(path, point_columns, ATTENTION_AXES + 1, &csv, diag);
    if (status != SIM_OK)
        return status;
    *out = (struct attention_table){0};
    status = array_zeroed(&points, csv.rows + 1, sizeof *points, path, diag);
    if (status == SIM_OK)
        status = read_points(&csv, points);
    struct attention_grid *const grids[] = {&out->decode, &out->prefill, &out->mixed};
    struct point *from = points;
    size_t left = csv.rows;
    for (int i = 0; i < 3 && status == SIM_OK; i++) {
        const size_t count = select_points(from, left, i > 0, i != 1);
        status = count > 0 ? grid_make(grids[i], from, count, path, diag)
                           : diag_at(diag, path, 0, 0, "rows with %s are missing",
                                     i == 0   ? "prefill_chunk 0"
                                     : i == 1 ? "a prefill chunk and n_decode 0"
                                              : "both prefill and decodes");
        from += count;
        left -= count;
    }
    if (status != SIM_OK)
        attention_table_close(out);
    free(points);
    csv_close(&csv);
    return status;
}

void attention_table_close(struct attention_table *table)
{
    grid_close(&table->decode);
    grid_close(&table->prefill);
    grid_close(&table->mixed);
}

/* Which of the three grids holds steps of this kind. */
double attention_table_us(const struct attention_table *table, const struct attention_step *step)
{
    const double at[ATTENTION_AXES] = {step->chunk, step->kv_prefill, step->decodes, step->kv_decode};
    if (step->chunk > 0)
        return grid_us(step->decodes > 0 ? &table->mixed : &table->prefill, at);
    return step->decodes > 0 ? grid_us(&table->decode, at) : 0;
}

/* --- skew ------------------------------------------------------------------------------------------------------------------------- */

/* Classes of one direction: value <= most[i], and a last one above all. Labels are those of the file. */
struct classes {
    int count;
    const char *labels[9];
    double most[8];
};

static const struct classes skew_classes[] = {
    {9, {"n<=2", "n<=4", "n<=8", "n<=16", "n<=32", "n<=64", "n<=128", "n<=256", "n>256"}, {2, 4, 8, 16, 32, 64, 128, 256}},
    {5, {"sr<=5%", "sr<=15%", "sr<=40%", "sr<=70%", "sr>70%"}, {0.05, 0.15, 0.40, 0.70}},
    {4, {"kvB<=1k", "kvB<=4k", "kvB<=16k", "kvB>16k"}, {1024, 4096, 16384}},
    {7, {"kp=0", "kp<=512", "kp<=1k", "kp<=2k", "kp<=4k", "kp<=8k", "kp>8k"}, {0, 512, 1024, 2048, 4096, 8192}},
};
enum { SKEW_DIRECTIONS = sizeof skew_classes / sizeof *skew_classes };
_Static_assert(SKEW_CLASSES == 9 * 5 * 4 * 7, "as many as the directions make together");

/* Columns of the file: the directions first. */
enum { PREFILL_COLUMN = SKEW_DIRECTIONS, ALPHA_COLUMN, SKEW_COLUMNS };
static const char *const skew_columns[SKEW_COLUMNS] = {"n_label", "skew_rate_label", "kv_big_label", "kp_label", "pc", "alpha"};

/* The row's class, counted through all directions, the last fastest. Labels are compared, not parsed: the file's classes are fixed. */
static size_t read_class(struct csv *csv, size_t row)
{
    size_t index = 0;
    for (uint32_t direction = 0; direction < SKEW_DIRECTIONS; direction++) {
        const struct classes *classes = &skew_classes[direction];
        int i = 0;
        while (i < classes->count && !csv_is(csv, row, direction, classes->labels[i]))
            i++;
        if (i == classes->count)
            csv_error(csv, row, direction, "one of the classes that the profile's README names");
        else
            index = index * (size_t)classes->count + (size_t)i;
    }
    return index;
}

/* The block of a number of prefill tokens; its count where there is none. */
static uint32_t find_block(const struct skew_table *table, uint64_t prefill_tokens)
{
    uint32_t at = 0;
    while (at < table->count && table->blocks[at].prefill_tokens != prefill_tokens)
        at++;
    return at;
}

/* A block of classes for each number of prefill tokens that occurs; NaN until a row gives a value. */
static enum status fill_skew(struct csv *csv, struct skew_table *table, struct diag *diag)
{
    size_t capacity = 0;
    for (size_t row = 0; row < csv->rows; row++) {
        const uint64_t prefill = csv_whole(csv, row, PREFILL_COLUMN);
        const size_t index = read_class(csv, row);
        const double alpha = csv_number(csv, row, ALPHA_COLUMN);
        const uint32_t at = find_block(table, prefill);
        enum status status = csv->status;
        if (status == SIM_OK)
            status = array_reserve(&table->blocks, &capacity, at + (size_t)1, sizeof *table->blocks, "skew table", diag);
        if (status != SIM_OK)
            return status;
        if (at == table->count) {
            table->blocks[table->count++].prefill_tokens = (uint32_t)prefill;
            for (size_t i = 0; i < SKEW_CLASSES; i++)
                table->blocks[at].alpha[i] = NAN;
        }
        table->blocks[at].alpha[index] = alpha;
    }
    return SIM_OK;
}

/* On failure the table is empty again, so that closing it does no harm. */
enum status skew_table_open(const char *path, struct skew_table *out, struct diag *diag)
{
    struct csv csv;
    *out = (struct skew_table){0};
    enum status status = csv_open(path, skew_columns, SKEW_COLUMNS, &csv, diag);
    if (status != SIM_OK)
        return status;
    status = fill_skew(&csv, out, diag);
    if (status != SIM_OK)
        skew_table_close(out);
    csv_close(&csv);
    return status;
}

void skew_table_close(struct skew_table *table)
{
    free(table->blocks);
    *table = (struct skew_table){0};
}

/* The class in each direction; prefill tokens must match exactly, as the profile has no rule between them. */
double skew_table_alpha(const struct skew_table *table, uint64_t prefill_tokens, uint32_t decodes, double skew_rate,
                        uint32_t longest_decode, double kv_prefill)
{
    const double values[SKEW_DIRECTIONS] = {decodes, skew_rate, longest_decode, kv_prefill};
    size_t index = 0;
    for (int direction = 0; direction < SKEW_DIRECTIONS; direction++) {
        const struct classes *classes = &skew_classes[direction];
        int i = 0;
        while (i < classes->count - 1 && values[direction] > classes->most[i])
            i++;
        index = index * (size_t)classes->count + (size_t)i;
    }
    const uint32_t at = find_block(table, prefill_tokens);
    return at < table->count ? table->blocks[at].alpha[index] : NAN;
}
