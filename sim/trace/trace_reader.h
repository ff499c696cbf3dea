/* trace_reader.h - the trace formats: a format is one file and one row of TRACE_READERS below.
 *
 * A reader turns text into rows (trace_rows.h). What every format shares is done around it: opening the file, unpacking it, recognising it,
 * taking it in windows that fit in memory and cutting those into pieces that threads read, finding the first error, joining, sorting, numbering hash ids, taking a part (trace_load.c, trace_join.c).
 *
 *     file --> recognises --> begin --> read_piece, read_piece, ... --> join --> struct trace
 *              first lines    header    one thread each                 facts say how times count
 *
 * To add a format:
 *
 *   1. add a table to reader_csv_formats.c (a CSV with a header), or copy one of reader_json_formats.c (an object a line), and fill in its struct trace_reader
 *   2. add its name to TRACE_READERS; --trace-format, the help pages and the error messages take it from there
 *   3. give it a small file in tests/sim/trace/test_trace_reader.c and in tests/cli/every_format_converts_and_replays_alike, and a row in
 *      doc/formats.md
 *
 * A format that is another one in other units is a copy of that one's table with other facts, without code.
 *
 * Thread rule: tables are constant. A source is constant while its pieces are read; a piece belongs to one thread.
 */
#ifndef PAGESIM_TRACE_READER_H
#define PAGESIM_TRACE_READER_H

#include "trace/trace_rows.h"

/* The beginning of a file. */
struct trace_head {
    const char *text;   /* the first line that is not blank, and everything after it, with text_file.h's slack at the end */
    size_t length;      /* of all that */
    size_t line_length; /* of that line alone, without \n */
};

struct trace_reader {
    const char *name;    /* for --trace-format */
    const char *summary; /* one line for --help: what it is and who writes it */
    const char *sign;    /* how to know it, for the error when nothing is recognised: "a JSONL line starts with {" */

    /* Is this file of the format? Readers are asked in the order of the list; the first that says yes is taken. */
    bool (*recognises)(const struct trace_head *head);

    /* What holds for every file of the format; `begin` may correct the source's copy by what the header says. */
    struct format_facts facts;

    /* Read what comes before the first row, and move the source past it with trace_source_take_line; what it notes may point to there, and
     * not to rows, whose text goes with its window. NULL: the first line is a row. */
    enum status (*begin)(struct trace_source *source, struct diag *diag);

    /* Read the rows of one piece of the source, which ends at a line's end. An error goes to rows->status and rows->diag with a line
     * number that counts from rows->first_line. Of several pieces' errors the user sees that of the lowest line. */
    void (*read_piece)(struct trace_rows *rows);

    /* A row may go over several lines (a JSON array, quoted line breaks), so the file is one piece. */
    bool whole_file;

    /* A row is a line, but what it means depends on rows before it, so the file is one piece. */
    bool one_piece;
};

/* The list. A format that is a special case of another comes before it. */
#define TRACE_READERS(X)                                                                                                                   \
    X(trace_reader_bailian)                                                                                                                \
    X(trace_reader_llmservingsim)                                                                                                          \
    X(trace_reader_aibrix)                                                                                                                 \
    X(trace_reader_bench_result)                                                                                                           \
    X(trace_reader_sharegpt)                                                                                                               \
    X(trace_reader_json_array)                                                                                                             \
    X(trace_reader_jsonl)                                                                                                                  \
    X(trace_reader_azure_csv)                                                                                                              \
    X(trace_reader_burstgpt)                                                                                                               \
    X(trace_reader_vidur)                                                                                                                  \
    X(trace_reader_splitwise)                                                                                                              \
    X(trace_reader_gaps)                                                                                                                   \
    X(trace_reader_servegen)

#define TRACE_READER_DECLARE(reader) extern const struct trace_reader reader;
TRACE_READERS(TRACE_READER_DECLARE)
#undef TRACE_READER_DECLARE

/* Any JSONL, any CSV by the names of --columns; not in the list, as no content tells them. */
extern const struct trace_reader trace_reader_jsonl_columns, trace_reader_columns_csv;

/* The i-th reader of the list; NULL after the last. */
const struct trace_reader *trace_reader_at(uint32_t i);

/* The reader with this name, or NULL. */
const struct trace_reader *trace_reader_find(const char *name);

/* The i-th reader's name, and what its format is; NULL after the last. For --trace-format. */
const char *trace_reader_name(uint32_t i, const char **summary);

/* `forced`, or with NULL that of --columns where the source's selection has them, else the first that recognises the source. SIM_BAD_INPUT: the text is blank, or nobody knows it. */
SIM_NODISCARD enum status trace_reader_choose(const struct trace_source *source, const struct trace_reader *forced,
                                              const struct trace_reader **out, struct diag *diag);

/* The next line of the source that is not blank, without its line end (\n or \r\n) and blanks before that. `*line_number` is its place in
 * the file. false: there is none. For `begin`. */
bool trace_source_take_line(struct trace_source *source, const char **line, size_t *length, size_t *line_number);

#endif
