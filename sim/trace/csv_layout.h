/* csv_layout.h - what the columns of a CSV mean: a format is a table of names, and its match with a file's header is a layout.
 *
 *     struct csv_format   input is called "Request tokens"        constant, a table a format
 *     header line         Timestamp,Model,Request tokens,...
 *     struct csv_layout   column 0 is arrival, 1 is ignored, ...  in struct trace_source, for the pieces' readers (csv_rows.h)
 *
 * Names are compared without regard to capitals and to blanks around them, as copies of data sets differ in both. */
#ifndef PAGESIM_CSV_LAYOUT_H
#define PAGESIM_CSV_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/trace.h"

enum { CSV_COLUMNS_MOST = 256, CSV_ALIASES = 3, CSV_KNOWN_MOST = 4 };

/* Columns that are no enum trace_field: the format has it and requests do not need it; nobody knows it, so it is listed as ignored. */
enum { CSV_COLUMN_KNOWN = TRACE_FIELDS, CSV_COLUMN_UNKNOWN };

struct csv_format {
    const char *what;                             /* for messages: "an Azure CSV" */
    const char *header;                           /* the usual one, for messages; NULL: the user names the columns */
    const char *names[TRACE_FIELDS][CSV_ALIASES]; /* what columns are called; NULL: the format does not have the field */
    const char *known[CSV_KNOWN_MOST];            /* columns that are ignored without a word; {"*"}: all others */
    uint32_t optional;                            /* bit i: field i may have no column */
    bool gaps_in_cells;                           /* an empty arrival cell is a row without a time and no error */
    bool dates, numbers;                          /* which of the two a time may be; --time-unit makes numbers right everywhere */
};

struct csv_layout {
    const char *header; /* the line, in the file's text */
    size_t header_length;
    char delimiter;                   /* , or, where the header has none of it, ; or a tab */
    uint8_t column[CSV_COLUMNS_MOST]; /* enum trace_field or one of the above */
    uint32_t columns;
    uint32_t unit_power; /* a time that is a number counts 10^this ns */
    bool gaps_in_cells, dates, numbers;
};

/* A cell of a line: its text without blanks around it and without quotes; "" in it still stands for ". */
struct csv_cell {
    const char *text;
    size_t length;
    bool quoted;
    const char *wrong; /* where the quotes are wrong; NULL: they are not */
};

/* The cell that starts at `at` of a line that ends at `end`. Returns the position of the delimiter after it, or `end`. */
const char *csv_take_cell(const char *at, const char *end, char delimiter, struct csv_cell *cell);

/* The name of a column as it stands in the header. */
struct csv_cell csv_column_name(const struct csv_layout *layout, uint32_t column);

enum csv_match {
    CSV_FITS,
    CSV_NO_COLUMN, /* *field has none */
    CSV_TWICE,     /* *field has two */
    CSV_NO_HEADER, /* quotes that do not end, too many columns */
};

/* Do a header's columns fit the format? A layout for CSV_FITS, without unit_power and what --time-unit changes. */
enum csv_match csv_layout_match(const struct csv_format *format, const char *line, size_t length, struct csv_layout *layout,
                                enum trace_field *field);

#endif
