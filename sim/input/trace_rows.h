/* trace_rows.h - between trace.c and the readers of single formats: requests as read, in file order, one set of rows a piece of the file.
 *
 * A file is cut into pieces at line ends; threads read pieces independently; trace.c joins them in order. So what is read, and which error
 * is told (that of the lowest line), does not depend on the number of threads.
 */
#ifndef PAGESIM_TRACE_ROWS_H
#define PAGESIM_TRACE_ROWS_H

#include "input/trace.h"

struct trace_row {
    int64_t arrival_ns;
    uint64_t hash_at; /* first of its ids in rows->hash_ids */
    uint32_t hash_count;
    uint32_t input_tokens, output_tokens;
    int32_t priority;
    uint32_t samples, beam_width;
};

struct trace_rows {
    const char *file; /* name for messages */
    const char *text; /* this piece */
    size_t length;
    size_t first_line; /* number of its first line, filled only when an error needs it */
    struct trace_row *rows;
    size_t count, capacity;
    uint64_t *hash_ids;
    size_t hash_count, hash_capacity;
    char ignored_fields[256];
    struct diag diag; /* the piece's first error; its line counts from 1 at the piece's start until trace.c adds the rest */
    enum status status;
};

/* Largest values accepted; sums of two of them still fit 32 bits. */
enum { TRACE_MAX_TOKENS = 1000000000, TRACE_MAX_SAMPLES = 1000 };

/* Append a row; *row is zeroed but for samples = 1. NULL when memory is out (rows->diag tells). */
struct trace_row *trace_rows_add(struct trace_rows *rows);

/* Add a field's name to the list of ignored ones, once. */
void trace_rows_ignore(struct trace_rows *rows, const char *name);

/* Milliseconds to nanoseconds, rounded half to even. false: negative, not finite or too large. */
bool trace_ms_to_ns(double ms, int64_t *ns);

/* Read a piece. On an error rows->status and rows->diag say what, and rows->count how far it came. `line` numbers count from
 * rows->first_line. */
void trace_read_jsonl(struct trace_rows *rows);
/* Azure: arrival_ns is nanoseconds since the epoch; trace.c subtracts the first row's. The header line is not part of any piece. */
void trace_read_azure_csv(struct trace_rows *rows);

/* Is this line the header of an Azure CSV? */
bool trace_is_azure_header(const char *line, size_t length);

#endif
