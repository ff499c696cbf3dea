/* csv_rows.h - the rows of a CSV whose header has been matched with a format (csv_layout.h): what all CSV readers share.
 *
 * A format of its own needs a csv_format and a trace_reader whose functions are the three below (reader_csv_formats.c). A reader that
 * wants a faster way for its usual layout has its own read_piece and leaves to csv_rows_read_line what looks different
 * (reader_azure_csv.c). */
#ifndef PAGESIM_CSV_ROWS_H
#define PAGESIM_CSV_ROWS_H

#include <string.h>

#include "base/digits.h"
#include "trace/csv_layout.h"
#include "trace/trace_reader.h"

/* trace_reader.recognises: is the first line a header of the format? */
bool csv_rows_recognise(const struct trace_head *head, const struct csv_format *format);

/* trace_reader.begin: match the header, which must be there, and keep the layout in the source. SIM_BAD_INPUT says what is missing. */
SIM_NODISCARD enum status csv_rows_begin(struct trace_source *source, const struct csv_format *format, struct diag *diag);

/* trace_reader.read_piece. */
void csv_rows_read(struct trace_rows *rows);

/* Read one line strictly and add its row; a blank line is none. All error messages come from here. */
SIM_NODISCARD enum status csv_rows_read_line(struct trace_rows *rows, const char *line, size_t length, size_t line_number);

/* Tell the columns that nobody knows, once a file. */
void csv_rows_tell_unknown(struct trace_rows *rows);

/* --- quick dates -----------------------------------------------------------------------------------------------------------------

 * Rows of one minute begin alike, so their date is read once. Eight bytes from `at` on may always be read (text_file.h). */

enum { CSV_MINUTE_LENGTH = 17 }; /* 2023-11-16 18:15: */

struct csv_minute {
    const char *text; /* NULL before the first row */
    const char *zone; /* as it was written */
    size_t zone_length;
    int64_t start_ns;
};

/* A date of the same minute and zone: the position after it, or NULL. */
static inline const char *csv_minute_take(const struct csv_minute *minute, const char *at, int64_t *ns)
{
    static const uint32_t scale[] = {0, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10};
    uint32_t second, fraction = 0;
    if (memcmp(at, minute->text, CSV_MINUTE_LENGTH) != 0 || digits_take_8(at + CSV_MINUTE_LENGTH, &second) != 2 || second > 60)
        return NULL;
    at += CSV_MINUTE_LENGTH + 2;
    if (*at == '.') {
        unsigned digits = digits_take_8(at + 1, &fraction);
        if (digits == 0)
            return NULL;
        fraction *= scale[digits];
        at += 1 + digits;
    }
    *ns = minute->start_ns + (int64_t)second * 1000000000 + fraction;
    if (minute->zone_length > 0) {
        if (memcmp(at, minute->zone, minute->zone_length) != 0)
            return NULL;
        at += minute->zone_length;
    }
    return at;
}

/* Remember the minute of a date that was read the long way; `length` is that of the whole cell. */
void csv_minute_note(struct csv_minute *minute, const char *date, size_t length);

/* The end of a row: the position after its line's end, or NULL when there is something else. */
static inline const char *csv_row_end(const char *at, const char *end)
{
    while (*at == '\r' || *at == ' ')
        at++;
    if (at < end && *at == '\n')
        return at + 1;
    return at == end ? end : NULL;
}

#endif
