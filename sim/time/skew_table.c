/* skew_table.c - reads skew_fit.csv: first the bounds of its classes, then the row of each class. Read skew_table.h first. */
#include "time/skew_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/csv.h"

/* All blocks together. Real tables have ten of 1260 classes. */
#define ALPHAS_MOST ((size_t)1 << 22)

/* Columns of the file: the directions first. */
enum { PREFILL_COLUMN = SKEW_AXES, ALPHA_COLUMN, COLUMNS };
static const char *const column_names[COLUMNS] = {"n_label", "skew_rate_label", "kv_big_label", "kp_label", "pc", "alpha"};

/* What a direction's labels begin with, and its bounds by default. */
static const struct direction {
    const char *prefix;
    struct skew_axis usual;
} directions[SKEW_AXES] = {
    {"n", {8, {2, 4, 8, 16, 32, 64, 128, 256}}},
    {"sr", {4, {0.05, 0.15, 0.40, 0.70}}},
    {"kvB", {3, {1024, 4096, 16384}}},
    {"kp", {6, {0, 512, 1024, 2048, 4096, 8192}}},
};

/* --- labels --------------------------------------------------------------------------------------------------------------------------- */

struct label {
    double bound;
    bool above; /* "n>256", and not "n<=256" or "kp=0" */
};

/* "<=16k": digits, then perhaps k or %. */
static bool read_bound(const char *text, size_t length, double *out)
{
    double value = 0;
    size_t at = 0;
    while (at < length && at < 15 && text[at] >= '0' && text[at] <= '9')
        value = value * 10 + (text[at++] - '0');
    const bool thousands = length == at + 1 && text[at] == 'k', percent = length == at + 1 && text[at] == '%';
    *out = thousands ? value * 1024 : percent ? value / 100 : value;
    return at > 0 && (length == at || thousands || percent);
}

/* A field that is no label of its direction becomes the table's error. */
static struct label read_label(struct csv *csv, size_t row, uint32_t direction)
{
    const struct csv_field field = csv_text(csv, row, direction);
    const char *prefix = directions[direction].prefix;
    const size_t start = strlen(prefix);
    struct label label = {0};
    size_t at = start;
    bool fits = field.length > start && memcmp(field.text, prefix, start) == 0;
    if (fits && field.text[at] == '>') {
        label.above = true;
        at++;
    } else if (fits) {
        at += field.text[at] == '<';
        fits = at < field.length && field.text[at++] == '=';
    }
    if (!fits || !read_bound(field.text + at, field.length - at, &label.bound))
        csv_error(csv, row, direction, "a class such as n<=16, sr<=5%, kvB<=4k, kp=0 or n>256");
    return label;
}

/* --- classes -------------------------------------------------------------------------------------------------------------------------- */

/* The class of a value: bounds are few. */
static size_t class_of(const struct skew_axis *axis, double value)
{
    size_t i = 0;
    while (i < axis->bounds && value > axis->most[i])
        i++;
    return i;
}

/* Is the label one of the axis' classes? */
static bool has_label(const struct skew_axis *axis, struct label label)
{
    const size_t i = class_of(axis, label.bound);
    return i < axis->bounds && axis->most[i] == label.bound && (!label.above || i + 1 == axis->bounds);
}

static bool add_bound(struct skew_axis *axis, double bound)
{
    const size_t at = class_of(axis, bound);
    if (at < axis->bounds && axis->most[at] == bound)
        return true;
    if (axis->bounds == SKEW_BOUNDS_MOST)
        return false;
    memmove(axis->most + at + 1, axis->most + at, (axis->bounds - at) * sizeof *axis->most);
    axis->most[at] = bound;
    axis->bounds++;
    return true;
}

/* The usual bounds, unless a label has another one; then those of the labels. */
static enum status make_axis(struct skew_axis *axis, struct csv *csv, uint32_t direction)
{
    const struct skew_axis *usual = &directions[direction].usual;
    bool is_usual = true;
    for (size_t row = 0; row < csv->rows && csv->status == SIM_OK; row++) {
        const struct label label = read_label(csv, row, direction);
        is_usual &= has_label(usual, label);
        if (csv->status == SIM_OK && !add_bound(axis, label.bound))
            csv_error(csv, row, direction, "needed: the column has more than 48 classes");
    }
    if (is_usual)
        *axis = *usual;
    return csv->status;
}

/* The row's class, counted through all directions, the last fastest. */
static size_t read_class(const struct skew_table *table, struct csv *csv, size_t row)
{
    size_t index = 0;
    for (uint32_t direction = 0; direction < SKEW_AXES; direction++) {
        const struct skew_axis *axis = &table->axes[direction];
        const struct label label = read_label(csv, row, direction);
        if (csv->status == SIM_OK && !has_label(axis, label))
            csv_error(csv, row, direction, "the class above all others, which have larger bounds");
        index = index * (axis->bounds + 1) + class_of(axis, label.bound) + label.above;
    }
    return index;
}

/* --- blocks --------------------------------------------------------------------------------------------------------------------------- */

/* The block of a number of prefill tokens; the count of blocks where there is none. */
static uint32_t find_block(const struct skew_table *table, uint64_t prefill_tokens)
{
    uint32_t at = 0;
    while (at < table->count && table->prefill_tokens[at] != prefill_tokens)
        at++;
    return at;
}

/* How many blocks and alphas there is room for. */
struct room {
    size_t blocks, alphas;
};

static enum status add_block(struct skew_table *table, struct room *room, uint64_t prefill_tokens, const char *path, struct diag *diag)
{
    const size_t used = table->count * table->classes;
    if (used + table->classes > ALPHAS_MOST)
        return diag_at(diag, path, 0, 0, "%zu classes for each of more than %u values of pc are too many", table->classes, table->count);
    enum status status =
        array_reserve(&table->prefill_tokens, &room->blocks, table->count + (size_t)1, sizeof *table->prefill_tokens, "skew table", diag);
    if (status == SIM_OK)
        status = array_reserve(&table->alphas, &room->alphas, used + table->classes, sizeof *table->alphas, "skew table", diag);
    if (status != SIM_OK)
        return status;
    for (size_t i = 0; i < table->classes; i++)
        table->alphas[used + i] = NAN;
    table->prefill_tokens[table->count++] = prefill_tokens;
    return SIM_OK;
}

/* A block of classes for each number of prefill tokens that occurs; NaN until a row gives a value. */
static enum status fill_blocks(struct skew_table *table, struct csv *csv, struct diag *diag)
{
    struct room room = {0};
    for (size_t row = 0; row < csv->rows; row++) {
        const uint64_t prefill = csv_whole(csv, row, PREFILL_COLUMN);
        const double alpha = csv_number(csv, row, ALPHA_COLUMN);
        const size_t index = read_class(table, csv, row);
        const uint32_t at = find_block(table, prefill);
        enum status status = csv->status;
        if (status == SIM_OK && at == table->count)
            status = add_block(table, &room, prefill, csv->path, diag);
        if (status != SIM_OK)
            return status;
        table->alphas[at * table->classes + index] = alpha;
    }
    return SIM_OK;
}

/* On failure the table is empty again, so that closing it does no harm. */
enum status skew_table_open(const char *path, struct skew_table *out, struct diag *diag)
{
    struct csv csv;
    *out = (struct skew_table){.classes = 1};
    enum status status = csv_open(path, column_names, COLUMNS, &csv, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t direction = 0; direction < SKEW_AXES && status == SIM_OK; direction++) {
        status = make_axis(&out->axes[direction], &csv, direction);
        out->classes *= out->axes[direction].bounds + (size_t)1;
    }
    if (status == SIM_OK)
        status = fill_blocks(out, &csv, diag);
    if (status != SIM_OK)
        skew_table_close(out);
    csv_close(&csv);
    return status;
}

void skew_table_close(struct skew_table *table)
{
    free(table->prefill_tokens);
    free(table->alphas);
    *table = (struct skew_table){0};
}

double skew_table_alpha(const struct skew_table *table, uint64_t prefill_tokens, uint32_t decodes, double skew_rate,
                        uint32_t longest_decode, double kv_prefill)
{
    const double values[SKEW_AXES] = {decodes, skew_rate, longest_decode, kv_prefill};
    const uint32_t block = find_block(table, prefill_tokens);
    if (block == table->count)
        return NAN;
    size_t index = 0;
    for (int direction = 0; direction < SKEW_AXES; direction++)
        index = index * (table->axes[direction].bounds + 1) + class_of(&table->axes[direction], values[direction]);
    return table->alphas[block * table->classes + index];
}
