/* json_values.h - the loops over a file of JSON values: one a line, or the items of one array over as many lines as it likes.
 *
 * Each value is read quickly, and where that does not understand it, once more strictly:
 *
 *     value --> quick -- its rows are added
 *                 |
 *                 '-- NULL, rows taken back --> strict (json.h) -- its rows, or an error with its place, or with --skip-invalid nothing
 */
#ifndef PAGESIM_JSON_VALUES_H
#define PAGESIM_JSON_VALUES_H

#include "base/json.h"
#include "trace/trace_rows.h"

struct json_value_reader {
    /* Add the rows of the value at `at` and return the position after it; NULL: not understood. Line ends are blanks in
     * front of `end` (base/json_walk.h): nowhere in a file of lines. */
    const char *(*quick)(struct trace_rows *rows, const char *at, const char *end);
    /* The same from a tree. An error goes to rows->diag and is returned; rows of the value are taken back then. */
    enum status (*strict)(struct trace_rows *rows, const struct json_document *document);
};

/* read_piece for a value a line. */
void json_values_read_lines(struct trace_rows *rows, const struct json_value_reader *reader);

/* read_piece for a whole file that is one value, and for one that is an array of values. */
void json_values_read_one(struct trace_rows *rows, const struct json_value_reader *reader);
void json_values_read_array(struct trace_rows *rows, const struct json_value_reader *reader);

#endif
