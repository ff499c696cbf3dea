/* csv.h - small tables of plain CSV: a header line with column names, then rows of numbers and words without quotes.
 *
 * The whole file is read and split once; fields point into it. Blank lines are skipped, CRLF and LF both end a line. Every error names
 * file, line and, for a field, its column in the line.
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
    const char *path; /* borrowed */
    struct text_file file;
    uint32_t columns;
    size_t rows;
    struct csv_field names[CSV_COLUMNS_MOST];
    struct csv_field *fields; /* [row][column] */
    size_t *lines;            /* line number of each row */
    size_t field_capacity, line_capacity;
};

/* SIM_BAD_INPUT: cannot be read, no header, or a row with another number of fields. The caller ends it with csv_close. */
SIM_NODISCARD enum status csv_open(const char *path, struct csv *out, struct diag *diag);
void csv_close(struct csv *csv);

/* Where the named column is. SIM_BAD_INPUT names the columns that there are. */
SIM_NODISCARD enum status csv_column(const struct csv *csv, const char *name, uint32_t *column, struct diag *diag);

/* A field as a finite number, as one of 0 or more, as a whole one; and whether it is a given word. */
SIM_NODISCARD enum status csv_number(const struct csv *csv, size_t row, uint32_t column, double *out, struct diag *diag);
SIM_NODISCARD enum status csv_amount(const struct csv *csv, size_t row, uint32_t column, double *out, struct diag *diag);
SIM_NODISCARD enum status csv_whole(const struct csv *csv, size_t row, uint32_t column, uint64_t *out, struct diag *diag);
bool csv_is(const struct csv *csv, size_t row, uint32_t column, const char *word);

/* diag_at for a field. */
enum status csv_error(const struct csv *csv, size_t row, uint32_t column, struct diag *diag, const char *what);

#endif
