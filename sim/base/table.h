/* table.h - rows of results in the three forms that every command offers: aligned columns for people, CSV and JSON for programs.
 *
 * Columns are declared once, with a name for programs (JSON key, CSV heading; carries the unit) and a heading for people. Cells are added
 * row by row, in column order. Numbers keep full precision in CSV and JSON whatever the table for people rounds to.
 *
 * All functions that add take a NULL table (one that could not be made) for nothing to do; table_status tells of it.
 */
#ifndef PAGESIM_TABLE_H
#define PAGESIM_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/json.h"

struct table_column {
    const char *name;    /* for programs; NULL: not for them */
    const char *heading; /* for people; NULL: not for them */
    int decimals;        /* of numbers shown to people, or one of enum table_cells */
    double unit;         /* people see value / unit; 0: the value */
};
enum table_cells {
    TABLE_WHOLE = -1,  /* a number with thousands separators */
    TABLE_TEXT = -2,   /* text, left-aligned */
    TABLE_YES_NO = -3, /* true or false; people see yes or no */
    TABLE_STAR = -4,   /* true or false; people see * or nothing */
    TABLE_EXACT = -5,  /* a number as short as it reads back */
};

enum { TABLE_LINE = 80 }; /* columns of a terminal that everything fits */

struct table; /* owns copies of all text */

/* `columns` are copied, strings included. */
SIM_NODISCARD enum status table_create(const struct table_column *columns, size_t column_count, struct table **out, struct diag *diag);
/* One more column, to the right, before the first cell: for columns that are not known when the program is written. */
void table_add_column(struct table *table, const struct table_column *column);
void table_destroy(struct table *table);

/* The next cell, from left to right, row after row. Out of memory is remembered and told by table_status. */
void table_number(struct table *table, double value); /* NaN: nothing to tell: "-", empty, null */
void table_numbers_of(struct table *table, const double *values, size_t count);
#define table_numbers(table, ...)                                                                                                          \
    table_numbers_of((table), (const double[]){__VA_ARGS__}, sizeof((const double[]){__VA_ARGS__}) / sizeof(double))
void table_text(struct table *table, const char *text); /* NULL: likewise */
void table_flag(struct table *table, bool value);       /* TABLE_YES_NO, TABLE_STAR */

/* People see only the first `rows` rows (0: all, as when this is never called); programs all. */
void table_show_first(struct table *table, size_t rows);

/* What a cell of the column with that name (for programs) holds: its number, a flag as 0 or 1, NaN for anything else or without such a
 * column; its text, "" likewise. For pictures of tables. O(columns). */
double table_number_at(const struct table *table, size_t row, const char *column);
const char *table_text_at(const struct table *table, size_t row, const char *column);

/* 0 for NULL. */
size_t table_rows(const struct table *table);
/* Those for programs. 0 for NULL. */
size_t table_columns(const struct table *table);
SIM_NODISCARD enum status table_status(const struct table *table, struct diag *diag);

/* Each line starts with `indent` and has at most `width` columns: what does not fit stands in further blocks below, each of which repeats
 * the first column. Columns that are blank in every row are left out. SIM_FAILED: out of memory. */
SIM_NODISCARD enum status table_print(const struct table *table, const char *indent, size_t width, FILE *file, struct diag *diag);
void table_print_csv(const struct table *table, FILE *file);
/* The headings and the first `most` rows. */
void table_print_csv_first(const struct table *table, size_t most, FILE *file);
/* An array of objects, one a row. */
void table_write_json(const struct table *table, struct json_text *json);
/* All that a table is, so that one that is read back prints the same: members "columns", "shown" and, unless the objects above say it all,
 * "rows", an array of arrays. `objects`: the reader has them. Infinite numbers are written as 1e999. */
void table_write_whole(const struct table *table, bool objects, struct json_text *json);

#endif
