/* csv.h - small tables of plain CSV: a header line with column names, then rows of numbers and words without quotes.
 *
 * The whole file is read and split once; fields point into it. Blank lines are skipped, CRLF and LF both end a line. Every error names
 * file, line and, for a field, its column in the line.
 *
 * A reader says which columns it wants and asks for them by their place in that list. Errors of fields are remembered in `status`, so a loop
 * over rows asks only there; what could not be read is 0.
 */
#ifndef PAGESIM_CSV_H
#define PAGESIM_CSV_H

#include <stdint.h>

#include "base/diag.h"
#include "base/text_file.h"

enum { CSV_COLUMNS_MOST = 64 };

struct csv_field {
    const char *text; /* not terminated */
    uint32_t length;
};

struct csv {
    const char *path;  /* borrowed */
    struct diag *diag; /* likewise: gets the first error */
    enum status status;
    struct text_file file;
    uint32_t columns;
    size_t rows;
    struct csv_field names[CSV_COLUMNS_MOST];
    uint32_t wanted[CSV_COLUMNS_MOST]; /* where the file has the columns that were asked for */
    struct csv_field *fields;          /* [row][column] */
    size_t *lines;                     /* line number of each row */
    size_t field_capacity, line_capacity;
};

/* SIM_BAD_INPUT: cannot be read, no header, a row with another number of fields, or no column of one of the names (those that there are are
 * named). Below, `column` is a place in `names`. The caller ends it with csv_close. */
SIM_NODISCARD enum status csv_open(const char *path, const char *const *names, uint32_t count, struct csv *out, struct diag *diag);
void csv_close(struct csv *csv);
/* Has the file a column of that name, too? Then `column`, past those of csv_open, stands for it. */
bool csv_has(struct csv *csv, const char *name, uint32_t column);

/* A field as a finite number, as one of 0 or more, as a whole one; and whether it is a given word. */
double csv_number(struct csv *csv, size_t row, uint32_t column);
double csv_amount(struct csv *csv, size_t row, uint32_t column);
uint64_t csv_whole(struct csv *csv, size_t row, uint32_t column);
bool csv_is(const struct csv *csv, size_t row, uint32_t column, const char *word);
/* A field as it stands there. */
struct csv_field csv_text(const struct csv *csv, size_t row, uint32_t column);

/* The field is not what it should be: remember this as the table's error. */
void csv_error(struct csv *csv, size_t row, uint32_t column, const char *what);

#endif
