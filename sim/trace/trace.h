/* trace.h - a workload: requests in order of arrival, as flat arrays that every run shares and none changes.
 *
 * Position p (0 .. count-1) is the order of arrival, ties in file order; trace_index(p) is the request's number in the file (line from 0,
 * blank lines not counted), which is the name that logs and reports use. Positions are what schedulers work with.
 *
 *   position        0      1      2   ...
 *   arrival_ns     [  ]   [  ]   [  ]            int64 nanoseconds from the start of the trace
 *   hash_start     [0]    [14]   [29]  ...       hash_ids[hash_start[p] .. hash_start[p + 1]) name the prompt's trace blocks
 *
 * Content: prompt token j of p is (hash id of trace block j / T, j mod T) while that block has an id, else unique to (p, j); output
 * token o of sample s is unique to (p, s, o). hash ids are renumbered 0 .. distinct_hashes-1 in order of first appearance, as only
 * equality matters. T (trace_block_tokens) is configuration, not part of the file.
 *
 * Sessions: the turns of a session stand in the order of the file. A later turn arrives at max(its own arrival_ns, end of the turn before +
 * delay_ns), so its arrival_ns is only the earliest time that is known before the replay. previous and next name its neighbours. A later turn
 * without hash ids begins with all that was said before it (engine/prompt_contents.h).
 *
 * Optional columns are NULL when no request of the trace says anything but the default. Thread rule: immutable after loading, share freely.
 */
#ifndef PAGESIM_TRACE_H
#define PAGESIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/line.h"
#include "config/config.h"
#include "trace/session_names.h"

/* How the times in a file count. */
enum trace_times {
    TRACE_TIMES_FROM_ZERO,  /* from the start of the trace */
    TRACE_TIMES_FROM_FIRST, /* clock times: the earliest row's is 0 */
    TRACE_TIMES_GAPS,       /* since the row before */
};

/* What a file says about all of its rows: its format (trace_reader.h) or its header. */
struct format_facts {
    enum trace_times times;
    double time_unit_ns;         /* of times that are plain numbers: 1e6 for milliseconds */
    uint32_t tokens_per_hash_id; /* 0: not said; the configuration's trace_block_size holds */
    bool ids_cover_answers;      /* ids go on after the prompt and name the answer; with one token an id only */
    bool load;                   /* no requests but the rates of a load: arrivals are drawn, lengths come from trace_selection.lengths */
    bool answers_shared;         /* --session-answers share: the ids of the next turn's prompt name this turn's answer */
};

/* What the rows say of the number of tokens that a hash id names. A row of L tokens with k ids cannot have T tokens an id if k > ceil(L / T). */
struct hash_id_fit {
    uint32_t largest;     /* the largest T that is possible for all rows; 0: none is */
    uint32_t ids, tokens; /* of the row that bounds it; 0: no row does */
    size_t row, line;     /* its number in the file; its line, 0 where rows are not lines */
    uint32_t exact; /* the largest power of two from 16 to 1024 for which each row with ids has exactly ceil(L / T) of them; 0: none */
};

/* Rows that were left out by --skip-invalid. */
enum { TRACE_SKIPPED_NAMED = 10 };
struct skipped_rows {
    uint64_t count;
    size_t lines[TRACE_SKIPPED_NAMED]; /* of the first ones */
    char reason[160];                  /* of the first one */
};

/* The column finish_reason holds 0 where a row does not say, else 1 + enum finish_reason. */
#define TRACE_FINISH_NOT_SAID     0u
#define TRACE_FINISH_SAID(reason) (1u + (uint32_t)(reason))

/* What drawn_arrivals_make (drawn_arrivals.h) made the arrivals from; rate, ramp_end and speedup 0: they are the file's own. */
struct drawn_arrivals {
    double rate, burstiness, ramp_start, ramp_end;
    double speedup; /* the file's own, divided by this */
    uint64_t seed;
    bool exponential;
    bool numpy, unscaled; /* arrival_generator */
};

struct id_runs;

struct trace {
    uint32_t count;
    int64_t *arrival_ns;
    uint32_t *input_tokens;  /* >= 1 */
    uint32_t *output_tokens; /* >= 1 */
    uint32_t *index;         /* number in the file; NULL: the position is */
    int32_t *priority;       /* NULL: all 0; lower is sooner */
    uint32_t *samples;       /* "n"; NULL: all 1 */
    uint32_t *beam_width;    /* NULL: none; 0 = no beam search */
    uint32_t *finish_reason; /* TRACE_FINISH_*; NULL: no row says it */
    uint32_t
        *untimed; /* NULL: all rows had a time; else 1: this one had none, and unless it is a later turn a load must say when it comes */
    uint32_t *session;  /* NULL: none; 0: no session, else its number, from 1 */
    int64_t *delay_ns;  /* of a later turn after the end of the one before; NULL: all 0 */
    uint32_t *tenant;   /* who sent it, for policies that are fair to tenants; NULL: nobody says; 0: does not say, else a number, from 1 */
    uint32_t *sample;   /* NULL: all 0; which sample of its request this child is (trace_expand_samples) */
    uint32_t *previous; /* position + 1 of the turn before (of its sample 0), 0: a session's first, or none; NULL without sessions */
    uint32_t *next;     /* likewise of the turn after it */
    uint64_t *hash_start; /* count + 1 offsets into hash_ids; NULL: no request has hash ids */
    uint32_t *hash_ids;
    uint32_t distinct_hashes;
    const struct id_runs *id_runs; /* borrowed: of hash_ids (id_runs.h); NULL, or set by a study that replays one trace many times */
    uint64_t *id_in_file; /* [distinct_hashes] what the file calls each number, if selection.keep_ids asks; NULL: not asked, or the same */
    struct session_names sessions, tenants; /* what the file calls them */
    struct format_facts facts;
    struct hash_id_fit fit;
    struct skipped_rows skipped;
    size_t untimed_line; /* the first row without a time, for messages; 0: none */
    struct drawn_arrivals drawn;
    uint32_t requests_in_file; /* before any limit or filter */
    char ignored_fields[256];  /* comma-separated names of fields that were accepted and ignored; "" for none */
    char notes[512];           /* sentences about how it was read that every report shows; "" for none */
    char told[1024];           /* further ones, a line each, of what was found later: rows left out, a size inferred, a unit doubted */
    char name[256];            /* what to call it in reports: the path as given, or "-" */
    const char *format;        /* the reader's name; NULL: no file */
    bool borrowed;             /* its arrays are somebody else's (trace_image.h) */
};

/* The columns with an item a request, so that code that treats them all alike is a loop: first those that every row of a file fills in, then those
 * that it may, then those that are made later. previous and next hold positions and are made anew by trace_link_turns. */
enum { TRACE_COLUMNS_NEEDED = 3, TRACE_COLUMNS_OF_FILES = 11, TRACE_COLUMNS = 13 };
struct trace_column {
    size_t offset, size; /* of the pointer in struct trace; of an item: 4 or 8 bytes */
    uint32_t otherwise;  /* what every request has where the column is NULL */
};
extern const struct trace_column trace_columns[TRACE_COLUMNS];

/* The column's items, or NULL. */
void *trace_column_items(const struct trace *trace, const struct trace_column *column);

/* Set item `at` of a column's items. */
static inline void trace_column_put(const struct trace_column *column, void *items, size_t at, int64_t value)
{
    if (column->size == sizeof(int64_t))
        ((int64_t *)items)[at] = value;
    else
        ((uint32_t *)items)[at] = (uint32_t)value;
}

/* Columns of files for `rows` requests, zeroed, where wanted[] says so; what was made before a failure is the trace's. */
SIM_NODISCARD enum status trace_columns_make(struct trace *trace, size_t rows, const bool wanted[TRACE_COLUMNS_OF_FILES],
                                             struct diag *diag);
/* The first `count` items of from's columns of files go to those that `trace` has, from item `at` on, which must be zero; a column that `from`
 * lacks says its default. */
void trace_columns_append(struct trace *trace, size_t at, const struct trace *from, size_t count);

/* The request's number in the file. */
static inline uint32_t trace_index(const struct trace *trace, uint32_t position)
{
    return trace->index ? trace->index[position] : position;
}

/* Which sample of its request a position is. */
static inline uint32_t trace_sample_of(const struct trace *trace, uint32_t position)
{
    return trace->sample ? trace->sample[position] : 0;
}

/* What logs and reports call a request: "17", or "17.2" for a sample. V1 makes a request of each sample, so a line of the trace may have several
 * names. */
enum { TRACE_REQUEST_NAME = 32 };
void trace_request_name(const struct trace *trace, uint32_t position, char out[TRACE_REQUEST_NAME]);

/* Add a sentence to trace->notes; one that is there already, or does not fit, is left out. */
void trace_note(struct trace *trace, const char *sentence);

/* The same for trace->told. */
void trace_tell(struct trace *trace, const char *sentence);

/* Make previous and next from session, sample and the order of positions. For whoever has put requests in an order; nothing to do without
 * sessions. */
SIM_NODISCARD enum status trace_link_turns(struct trace *trace, struct diag *diag);

/* Free the arrays; all members are 0 then. */
void trace_clear(struct trace *trace);

struct priority_rules;
struct trace_reader;
struct random_workload;

/* What --columns can name, for a CSV or JSONL that no reader knows. */
enum trace_field {
    TRACE_FIELD_ARRIVAL,
    TRACE_FIELD_INPUT,
    TRACE_FIELD_OUTPUT,
    TRACE_FIELD_HASH_IDS,
    TRACE_FIELD_PRIORITY,
    TRACE_FIELD_N,
    TRACE_FIELD_BEAM_WIDTH,
    TRACE_FIELD_SESSION,
    TRACE_FIELD_DELAY,
    TRACE_FIELD_FINISH_REASON,
    TRACE_FIELD_TENANT,
    TRACE_FIELDS
};
struct trace_field_names {
    const char *of[TRACE_FIELDS]; /* the file's name for it; NULL: the file does not have it */
};

/* How to read a file and what part of it to take, applied in this order. */
struct trace_selection {
    const struct trace_reader *reader;       /* of the format, trace_reader_find; NULL: by content */
    const struct trace_field_names *columns; /* --columns: any CSV or JSONL, by these names; NULL: by format */
    double time_unit_ns;                     /* of times and delays that are plain numbers; 0: the format's */
    bool skip_invalid;                       /* leave out rows that cannot be read or run, and count them */
    uint32_t output_least, output_most;      /* for rows that do not say their output: uniform from..to; 0: such a row is an error */
    uint64_t seed;                           /* of what is drawn while reading: output lengths, a load's arrivals and lengths */
    const struct random_workload *lengths;   /* for files that are a load and name no lengths; NULL: not given */
    bool answers_shared;                     /* format_facts */
    bool keep_ids;                           /* remember the file's hash ids (trace.id_in_file), for those who write traces */
    int64_t from_ns, to_ns;                  /* keep from <= arrival < to; {0, INT64_MAX} for all. Arrivals keep their value. */
    uint64_t limit;                          /* the first `limit` requests in file order; UINT64_MAX for all */
    uint32_t set_samples, samples_every;     /* --n K --n-every M: requests with index mod M == 0 get n = K; 0 = leave */
    const struct priority_rules *priorities; /* priority_rules.h; NULL: requests keep their own */
    uint32_t set_beam, beam_every;           /* --beam-width K --beam-every M, likewise */
};

/* Everything of the file. */
struct trace_selection trace_select_all(void);

/* Read `path` ("-" is standard input), any format of trace_reader.h, recognised by content unless selection->reader forces it. Parsed in
 * parallel; the result does not depend on the number of threads. SIM_BAD_INPUT names file, line and column; nothing is allocated then. The
 * caller owns *out and ends it with trace_destroy. */
SIM_NODISCARD enum status trace_load(const char *path, const struct trace_selection *selection, struct trace **out, struct diag *diag);
/* The same for `length` bytes of memory, called `name` in messages. */
SIM_NODISCARD enum status trace_load_text(const char *name, const char *text, size_t length, const struct trace_selection *selection,
                                          struct trace **out, struct diag *diag);

/* A new trace whose request i is that at position order[i], everything else as it was; the same position may come again. */
SIM_NODISCARD enum status trace_copy(const struct trace *trace, const uint32_t *order, uint32_t count, struct trace **out,
                                     struct diag *diag);

/* A new trace in which every request with samples n > 1 stands as n adjacent children (same arrival, lengths, priority, prompt
 * content), in sample order: how vLLM V1's front end expands n. hash_ids are shared by copy. */
SIM_NODISCARD enum status trace_expand_samples(const struct trace *trace, struct trace **out, struct diag *diag);

/* NULL is fine. */
void trace_destroy(struct trace *trace);
/* What prompts are made of takes most of the memory, and nobody asks for it after a replay. Not for a borrowed trace. */
void trace_drop_ids(struct trace *trace);

/* The trace's name for a line of a report: printable, line ends included. */
struct line trace_title(const struct trace *trace);

/* How many sequences the request becomes in the engine: its samples or beams; 1 for a child of trace_expand_samples. */
static inline uint32_t trace_sequences(const struct trace *trace, uint32_t position)
{
    const uint32_t samples = trace->samples && !trace->sample ? trace->samples[position] : 1;
    const uint32_t beams = trace->beam_width ? trace->beam_width[position] : 0;
    return beams > samples ? beams : samples;
}

/* What ends the request: as its row says, else as the configuration does. */
static inline enum finish_reason trace_finish_reason(const struct trace *trace, uint32_t position, enum finish_reason otherwise)
{
    const uint32_t said = trace->finish_reason ? trace->finish_reason[position] : TRACE_FINISH_NOT_SAID;
    return said == TRACE_FINISH_NOT_SAID ? otherwise : (enum finish_reason)(said - TRACE_FINISH_SAID(0));
}

/* Does the file say anything of what prompts have in common? Without ids and sessions each looks new, whatever it was. */
static inline bool trace_tells_contents(const struct trace *trace)
{
    return trace->hash_start || trace->session;
}

/* Who sends the request, for policies that are fair to tenants: where no row names a tenant, a session is one. NULL: neither is said. */
static inline const uint32_t *trace_tenants(const struct trace *trace)
{
    return trace->tenant ? trace->tenant : trace->session;
}

static inline uint64_t trace_hash_count(const struct trace *trace, uint32_t position)
{
    return trace->hash_start ? trace->hash_start[position + 1] - trace->hash_start[position] : 0;
}

/* What the file calls a hash id's number. */
static inline uint64_t trace_id_in_file(const struct trace *trace, uint32_t number)
{
    return trace->id_in_file ? trace->id_in_file[number] : number;
}

#endif
