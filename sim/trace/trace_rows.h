/* trace_rows.h - requests as a reader has read them: in file order, one set of columns for each piece of the file.
 *
 * A file is cut into pieces at line ends; threads read pieces independently; trace_join.c joins them in order. So what is read, and which
 * error is told (that of the lowest line), does not depend on the number of threads. The columns are those of trace.h already: where the
 * file is one piece, in order and wanted as a whole, they become the trace's without being copied.
 */
#ifndef PAGESIM_TRACE_ROWS_H
#define PAGESIM_TRACE_ROWS_H

#include "trace/trace.h"

/* One request on its way into the columns. */
struct trace_row {
    int64_t arrival_ns;
    uint32_t input_tokens, output_tokens;
    int32_t priority;
    uint32_t samples, beam_width;
};

/* A name of an ignored field as it stands in the file. */
struct trace_name {
    const char *text;
    size_t length;
};

enum { TRACE_NAMES_KNOWN = 16 };

/* A file while it is read: first the whole text, after trace_reader.begin what follows the header. */
struct trace_source {
    const char *name; /* for messages */
    const char *text;
    size_t length;
    size_t first_line; /* line number of text[0] */
    struct format_facts facts;
};

struct trace_rows {
    const struct trace_source *source;
    const char *text; /* this piece; text_file.h's slack after it can be read, too */
    size_t length;
    size_t first_line; /* number of its first line, filled only when an error needs it */
    const char *at;    /* the line that is being read; from it and the rows so far the size of arrays is guessed */
    size_t count, capacity;
    struct trace trace;  /* the columns so far; an optional one is NULL until a row needs it. hash_ids are the ids' lower 32 bits */
    uint32_t *hash_high; /* their upper 32 bits; NULL while all are 0 */
    size_t hash_count, hash_capacity;
    struct trace_name known[TRACE_NAMES_KNOWN]; /* names that are listed in trace.ignored_fields */
    size_t known_count;
    struct diag diag; /* the piece's first error; its line counts from 1 at the piece's start until trace_load.c adds the rest */
    enum status status;
};

/* Largest values accepted; sums of two of them still fit 32 bits. */
enum { TRACE_MAX_TOKENS = 1000000000, TRACE_MAX_SAMPLES = 1000 };

/* What a row says when it says nothing. */
#define TRACE_ROW_DEFAULT ((struct trace_row){.samples = 1})

/* Make room for more rows (ids); SIM_FAILED with rows->diag when memory is out. */
SIM_NODISCARD enum status trace_rows_grow(struct trace_rows *rows);
SIM_NODISCARD enum status trace_rows_grow_hashes(struct trace_rows *rows);
/* The rarer halves of the next two. */
SIM_NODISCARD enum status trace_rows_add_rare(struct trace_rows *rows, const struct trace_row *row);
SIM_NODISCARD enum status trace_rows_put_high(struct trace_rows *rows, uint64_t id);

/* Append an id to those of the row that is being read. */
SIM_NODISCARD static inline enum status trace_rows_put_hash(struct trace_rows *rows, uint64_t id)
{
    if (rows->hash_count == rows->hash_capacity && trace_rows_grow_hashes(rows) != SIM_OK)
        return rows->diag.status;
    if ((id >> 32 || rows->hash_high) && trace_rows_put_high(rows, id) != SIM_OK)
        return rows->diag.status;
    rows->trace.hash_ids[rows->hash_count++] = (uint32_t)id;
    return SIM_OK;
}

/* Append a row; its ids are those put since the row before. */
SIM_NODISCARD static inline enum status trace_rows_add(struct trace_rows *rows, const struct trace_row *row)
{
    if (rows->count == rows->capacity && trace_rows_grow(rows) != SIM_OK)
        return rows->diag.status;
    const size_t i = rows->count;
    struct trace *trace = &rows->trace;
    trace->arrival_ns[i] = row->arrival_ns;
    trace->input_tokens[i] = row->input_tokens;
    trace->output_tokens[i] = row->output_tokens;
    if (trace->hash_start)
        trace->hash_start[i + 1] = rows->hash_count;
    bool rare = row->priority != 0 || row->samples != 1 || row->beam_width != 0 || (rows->hash_count > 0 && !trace->hash_start) ||
                trace->priority || trace->samples || trace->beam_width;
    if (rare && trace_rows_add_rare(rows, row) != SIM_OK)
        return rows->diag.status;
    rows->count++;
    return SIM_OK;
}

void trace_rows_deinit(struct trace_rows *rows);

/* Add a field's name to the list of ignored ones, once. */
void trace_rows_ignore(struct trace_rows *rows, const char *name);

/* The latest time: 285 years, below what int64 nanoseconds hold. */
#define TRACE_MAX_NS 9e18

/* A time in units of `unit_ns` to nanoseconds, rounded half to even. false: negative, not finite or too large. */
static inline bool trace_time_to_ns(double time, double unit_ns, int64_t *ns)
{
    const double all_whole = 4503599627370496.0; /* 2^52: from here on doubles have no fraction; adding it rounds half to even */
    const double exact = time * unit_ns;
    if (!(exact >= 0 && exact <= TRACE_MAX_NS))
        return false;
    *ns = (int64_t)(exact < all_whole ? (exact + all_whole) - all_whole : exact);
    return true;
}

#endif
