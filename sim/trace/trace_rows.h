/* trace_rows.h - requests as a reader has read them: in file order, one set of columns for each piece of the file.
 *
 * A file is cut into pieces at line ends; threads read pieces independently; trace_join.c joins them in order. So what is read, and which
 * error is told (that of the lowest line), does not depend on the number of threads. The columns are those of trace.h already: where the
 * file is one piece, in order and wanted as a whole, they become the trace's without being copied.
 */
#ifndef PAGESIM_TRACE_ROWS_H
#define PAGESIM_TRACE_ROWS_H

#include "trace/csv_layout.h"
#include "trace/trace.h"

/* The arrival of a row that has no time. */
#define TRACE_NO_TIME INT64_MIN

/* One request on its way into the columns. */
struct trace_row {
    int64_t arrival_ns; /* or TRACE_NO_TIME */
    uint32_t input_tokens;
    uint32_t output_tokens; /* 0: the row does not say; --output-length must */
    int32_t priority;
    uint32_t samples, beam_width;
    uint32_t finish_reason; /* TRACE_FINISH_* */
    uint32_t session;       /* from trace_rows_session; 0: none */
    int64_t delay_ns;
    uint32_t tenant;             /* from trace_rows_tenant; 0: none */
    uint32_t tokens_per_hash_id; /* of the whole file; that of the first row counts */
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
    size_t first_line;                       /* line number of text[0] */
    struct format_facts facts;               /* the time unit is that of --time-unit where it was given */
    const struct trace_selection *selection; /* what the user says of the file; NULL in tests: nothing */
    struct csv_layout csv;                   /* of a CSV: from its header, by csv_rows_begin */
};

/* Where rows were skipped in a piece: in front of which row, and its line. */
struct skipped_row {
    size_t row, line;
};

struct chat_sessions;

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
    bool has_optional;           /* a column beside the needed ones was made */
    struct skipped_row *skipped; /* by --skip-invalid */
    size_t skipped_count, skipped_capacity;
    struct diag skipped_first;                  /* what is wrong with the first */
    size_t line;                                /* of the row that is added, where the strict reader adds it: for the next two */
    size_t untimed_line, unsaid_line;           /* the first row without a time, without an output; 0: none */
    struct trace_name known[TRACE_NAMES_KNOWN]; /* names that are listed in trace.ignored_fields */
    size_t known_count;
    struct chat_sessions *chats; /* chat_sessions.h, of formats whose rows name those that they continue; else NULL */
    struct diag diag;            /* the piece's first error; its line counts from 1 at the piece's start until trace_load.c adds the rest */
    enum status status;
};

/* Largest values accepted; sums of two of them still fit 32 bits. */
enum { TRACE_MAX_TOKENS = 1000000000, TRACE_MAX_SAMPLES = 1000 };

/* What a row says when it says nothing. */
#define TRACE_ROW_DEFAULT ((struct trace_row){.arrival_ns = TRACE_NO_TIME, .samples = 1})

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
    const bool rare = row->priority != 0 || row->samples != 1 || row->beam_width != 0 || (rows->hash_count > 0 && !trace->hash_start) ||
                      row->session != 0 || row->delay_ns != 0 || row->tenant != 0 || row->finish_reason != 0 ||
                      row->arrival_ns == TRACE_NO_TIME || row->output_tokens == 0 || rows->has_optional;
    if (rare && trace_rows_add_rare(rows, row) != SIM_OK)
        return rows->diag.status;
    rows->count++;
    return SIM_OK;
}

void trace_rows_deinit(struct trace_rows *rows);

/* The number of a session of this name in the piece, for trace_row. */
SIM_NODISCARD enum status trace_rows_session(struct trace_rows *rows, const char *name, size_t length, uint32_t *number);

/* The same for a tenant. */
SIM_NODISCARD enum status trace_rows_tenant(struct trace_rows *rows, const char *name, size_t length, uint32_t *number);

/* For a reader's loop, after reading a row has failed: with --skip-invalid a row that is wrong is counted and the error forgotten, and
 * reading goes on with the next line. Ids that the row had put must be taken back by the caller, who knows how many there were before.
 * Returns rows->status: SIM_OK, or the error to end with. */
SIM_NODISCARD enum status trace_rows_skip(struct trace_rows *rows, size_t line_number);

/* Add a field's name to the list of ignored ones, once. */
void trace_rows_ignore(struct trace_rows *rows, const char *name);

/* The same, quickly where the piece has met the name before: its number, from 0 to TRACE_NAMES_KNOWN - 1. -1: too many names; not added. The
 * text stays where it is as long as the piece is read. */
int trace_rows_ignore_again(struct trace_rows *rows, const char *name, size_t length);

/* The column's value for what a file calls the end of an answer; TRACE_FINISH_NOT_SAID: none of the names that say it. */
uint32_t trace_finish_named(const char *name, size_t length);
/* For the message about such a one. */
#define TRACE_FINISH_MUST "must be \"length\" or \"stop\""

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
