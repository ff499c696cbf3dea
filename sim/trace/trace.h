/* trace.h - a workload: requests in order of arrival, as flat arrays that every run shares and none changes.
 *
 * Position p (0 .. count-1) is the order of arrival, ties in file order; index[p] is the request's number in the file (line from 0,
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
 * Optional columns are NULL when no request of the trace says anything but the default. Thread rule: immutable after loading, share freely.
 */
#ifndef PAGESIM_TRACE_H
#define PAGESIM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/line.h"

/* How the times in a file count. */
enum trace_times {
    TRACE_TIMES_FROM_ZERO,  /* from the start of the trace */
    TRACE_TIMES_FROM_FIRST, /* clock times: the first row's is 0, and none may be earlier */
    TRACE_TIMES_GAPS,       /* since the row before */
    TRACE_TIMES_NONE,       /* there are none: all requests arrive at 0, unless arrivals are drawn */
};

/* What a file says about all of its rows: its format (trace_reader.h) or its header. */
struct format_facts {
    enum trace_times times;
    double time_unit_ns;         /* of times that are plain numbers: 1e6 for milliseconds */
    uint32_t tokens_per_hash_id; /* 0: not said; the configuration's trace_block_size holds */
};

/* What drawn_arrivals_make (drawn_arrivals.h) drew the arrivals from; rate and ramp_end 0: they are the file's own. */
struct drawn_arrivals {
    double rate, burstiness, ramp_start, ramp_end;
    uint64_t seed;
    bool exponential;
};

struct trace {
    uint32_t count;
    int64_t *arrival_ns;
    uint32_t *input_tokens;  /* >= 1 */
    uint32_t *output_tokens; /* >= 1 */
    uint32_t *index;         /* number in the file */
    int32_t *priority;       /* NULL: all 0; lower is sooner */
    uint32_t *samples;       /* "n"; NULL: all 1 */
    uint32_t *beam_width;    /* NULL: none; 0 = no beam search */
    uint32_t *sample;        /* NULL: all 0; which sample of request index[p] this child is (trace_expand_samples) */
    uint64_t *hash_start;    /* count + 1 offsets into hash_ids; NULL: no request has hash ids */
    uint32_t *hash_ids;
    uint32_t distinct_hashes;
    struct format_facts facts;
    struct drawn_arrivals drawn;
    uint32_t requests_in_file; /* before any limit or filter */
    char ignored_fields[256];  /* comma-separated names of fields that were accepted and ignored; "" for none */
    char name[256];            /* what to call it in reports: the path as given, or "-" */
};

/* The columns with an item a request, so that code that treats them all alike is a loop: first those that every row of a file fills in, then those
 * that it may, then those that are made later. */
enum { TRACE_COLUMNS_NEEDED = 3, TRACE_COLUMNS_OF_FILES = 6, TRACE_COLUMNS = 8 };
struct trace_column {
    size_t offset, size; /* of the pointer in struct trace; of an item */
    uint32_t otherwise;  /* what every request has where the column is NULL */
};
extern const struct trace_column trace_columns[TRACE_COLUMNS];

/* The column's items, or NULL. */
void *trace_column_items(const struct trace *trace, const struct trace_column *column);

/* Free the arrays; all members are 0 then. */
void trace_clear(struct trace *trace);

struct trace_reader;

/* How to read a file and what part of it to take, applied in this order. */
struct trace_selection {
    const struct trace_reader *reader; /* of the format, trace_reader_find; NULL: by content */
    int64_t from_ns, to_ns;            /* keep from <= arrival < to; {0, INT64_MAX} for all. Arrivals keep their value. */
    uint64_t limit;                    /* the first `limit` requests in file order; UINT64_MAX for all */
    double arrival_speedup; /* arrival / speedup, rounded half to even; 1.0 for none. Source: vLLM bench's --arrival-speedup-ratio */
    uint32_t set_samples, samples_every; /* --n K --n-every M: requests with index mod M == 0 get n = K; 0 = leave */
    uint32_t set_beam, beam_every;       /* --beam-width K --beam-every M, likewise */
};

/* Everything of the file. */
struct trace_selection trace_select_all(void);

/* Read `path` ("-" is standard input), any format of trace_reader.h, recognised by content unless selection->reader forces it. Parsed in
 * parallel; the result does not depend on the number of threads. SIM_BAD_INPUT names file, line and column; nothing is allocated then. The
 * caller owns *out and ends it with trace_destroy. */
SIM_NODISCARD enum status trace_load(const char *path, const struct trace_selection *selection, struct trace **out, struct diag *diag);

/* A new trace whose request i is that at position order[i], everything else as it was; the same position may come again. */
SIM_NODISCARD enum status trace_copy(const struct trace *trace, const uint32_t *order, uint32_t count, struct trace **out,
                                     struct diag *diag);

/* A new trace in which every request with samples n > 1 stands as n adjacent children (same arrival, lengths, priority, prompt
 * content), in sample order: how vLLM V1's front end expands n. hash_ids are shared by copy. */
SIM_NODISCARD enum status trace_expand_samples(const struct trace *trace, struct trace **out, struct diag *diag);

/* NULL is fine. */
void trace_destroy(struct trace *trace);

/* The trace's name for a line of a report: printable, line ends included. */
struct line trace_title(const struct trace *trace);

/* How many sequences the request becomes in the engine: its samples or beams; 1 for a child of trace_expand_samples. */
static inline uint32_t trace_sequences(const struct trace *trace, uint32_t position)
{
    const uint32_t samples = trace->samples && !trace->sample ? trace->samples[position] : 1;
    const uint32_t beams = trace->beam_width ? trace->beam_width[position] : 0;
    return beams > samples ? beams : samples;
}

static inline uint64_t trace_hash_count(const struct trace *trace, uint32_t position)
{
    return trace->hash_start ? trace->hash_start[position + 1] - trace->hash_start[position] : 0;
}

#endif
