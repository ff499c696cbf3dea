/* table.h - rows of results in the three forms that every command offers: aligned columns for people, CSV and JSON for programs.
 *
 * Columns are declared once, with a name for programs (JSON key, CSV heading; carries the unit) and a heading for people. Cells are added
 * row by row, in column order. Numbers keep full precision in CSV and JSON whatever the table for people rounds to.
 */
#ifndef PAGESIM_TABLE_H
#define PAGESIM_TABLE_H

#include <stdio.h>

#include "base/diag.h"
#include "base/json.h"

struct table_column {
    const char *name;    /* for programs */
    const char *heading; /* for people; NULL: not shown to them */
    int decimals;        /* of numbers shown to people; TABLE_WHOLE: with thousands separators; TABLE_TEXT: text, left-aligned */
};
enum { TABLE_WHOLE = -1, TABLE_TEXT = -2 };

struct table; /* owns copies of all text */

/* `columns` is borrowed and must outlive the table. */
SIM_NODISCARD enum status table_create(const struct table_column *columns, size_t column_count, struct table **out, struct diag *diag);
void table_destroy(struct table *table);

/* The next cell, from left to right, row after row. Out of memory is remembered and told by table_status. */
void table_number(struct table *table, double value); /* NaN: nothing to tell: "-", empty, null */
void table_text(struct table *table, const char *text);

size_t table_rows(const struct table *table);
SIM_NODISCARD enum status table_status(const struct table *table, struct diag *diag);

/* Each line starts with `indent`. Columns that are blank in every row are left out. */
void table_print(const struct table *table, const char *indent, FILE *file);
void table_print_csv(const struct table *table, FILE *file);
/* An array of objects, one a row. */
void table_write_json(const struct table *table, struct json_text *json);

#endif
