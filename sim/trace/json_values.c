/* json_values.c - values out of a file. Read read_value first. */
#include "trace/json_values.h"

#include <string.h>

#include "base/json_scan.h"
#include "base/json_walk.h"

/* A value in the file and where it begins. */
struct span {
    const char *text;
    size_t length, line, column;
};

static enum status read_strictly(struct trace_rows *rows, const struct json_value_reader *reader, const struct span *span)
{
    struct json_document document;
    enum status status = json_open_at(rows->source->name, span->line, span->column, span->text, span->length, &document, &rows->diag);
    if (status != SIM_OK)
        return status;
    status = reader->strict(rows, &document);
    json_close(&document);
    return status;
}

/* Rows and ids that were put since then go again. */
static void take_back(struct trace_rows *rows, size_t hashes, size_t count)
{
    rows->hash_count = hashes;
    rows->count = count;
}

/* What the quick reader has put was taken back before. */
static void read_value(struct trace_rows *rows, const struct json_value_reader *reader, const struct span *span)
{
    const size_t hashes = rows->hash_count, count = rows->count;
    rows->status = rows->diag.status; /* memory ran out */
    if (rows->status == SIM_OK)
        rows->status = read_strictly(rows, reader, span);
    if (rows->status == SIM_BAD_INPUT) {
        take_back(rows, hashes, count);
        rows->status = trace_rows_skip(rows, span->line);
    }
}

/* --- a value a line -------------------------------------------------------------------------------------------------------------- */

/* The start of the next line, if the value was understood and nothing comes after it in its own; else NULL, and nothing was read. Where the
 * line ends is not looked for: a line end is no blank here, and nothing else that is understood has one in it. */
static inline const char *line_quickly(struct trace_rows *rows, const struct json_value_reader *reader, const char *end)
{
    const size_t hashes = rows->hash_count, count = rows->count;
    const char *line = rows->at, *stop = reader->quick(rows, json_walk_blanks(line, line), line);
    if (stop) {
        stop = json_walk_blanks(stop, line);
        if (stop == end)
            return end;
        if (stop < end && *stop == '\n')
            return stop + 1;
    }
    take_back(rows, hashes, count);
    return NULL;
}

/* Blank lines are allowed and not numbered as requests. */
void json_values_read_lines(struct trace_rows *rows, const struct json_value_reader *reader)
{
    const char *end = rows->text + rows->length;
    rows->at = rows->text;
    for (rows->line = rows->first_line; rows->at < end && rows->status == SIM_OK; rows->line++) {
        const char *next = line_quickly(rows, reader, end);
        if (next) {
            rows->at = next;
            continue;
        }
        const char *newline = memchr(rows->at, '\n', (size_t)(end - rows->at)), *stop = newline ? newline : end;
        const struct span span = {.text = rows->at, .length = (size_t)(stop - rows->at), .line = rows->line, .column = 1};
        if (json_skip_blanks(rows->at, stop) < stop)
            read_value(rows, reader, &span);
        rows->at = newline ? newline + 1 : end;
    }
}

/* --- one value --------------------------------------------------------------------------------------------------------------------- */

void json_values_read_one(struct trace_rows *rows, const struct json_value_reader *reader)
{
    const char *end = rows->text + rows->length;
    const struct span span = {.text = rows->text, .length = rows->length, .line = rows->first_line, .column = 1};
    const size_t hashes = rows->hash_count, count = rows->count;
    rows->at = rows->text;
    rows->line = rows->first_line;
    const char *stop = reader->quick(rows, json_walk_blanks(rows->text, end), end);
    if (stop && json_skip_blanks(stop, end) == end)
        return;
    take_back(rows, hashes, count);
    read_value(rows, reader, &span);
}

/* --- an array ----------------------------------------------------------------------------------------------------------------------- */

/* Lines and columns are counted on from a place that is known. */
static void move(struct span *span, const char *to)
{
    for (const char *at = span->text, *stop; (stop = memchr(at, '\n', (size_t)(to - at))) != NULL; at = stop + 1) {
        span->line++;
        span->column = 1;
        span->text = stop + 1;
    }
    span->column += (size_t)(to - span->text);
    span->text = to;
}

/* What is wrong between two items. Nothing after it can be trusted, so that it is no item to skip. */
static bool refuse(struct trace_rows *rows, const struct span *span, const char *message)
{
    rows->status = diag_at(&rows->diag, rows->source->name, span->line, span->column, "%s", message);
    return false;
}

/* To the first item; false: there is none. */
static bool first_item(struct trace_rows *rows, struct span *span, const char *end)
{
    move(span, json_skip_blanks(span->text, end));
    if (span->text == end || *span->text != '[')
        return refuse(rows, span, "an array with [ belongs here");
    const struct span start = *span;
    move(span, json_skip_blanks(span->text + 1, end));
    if (span->text == end)
        return refuse(rows, &start, "an array that does not end; close it with ]");
    return *span->text != ']' || refuse(rows, &start, "the array holds no request");
}

/* From after an item to the next one; false: the array has ended, or rows->status tells what is wrong. */
static bool next_item(struct trace_rows *rows, struct span *span, const char *end)
{
    move(span, json_skip_blanks(span->text, end));
    if (span->text == end)
        return refuse(rows, span, "an array that does not end; close it with ]");
    if (*span->text == ',') {
        move(span, json_skip_blanks(span->text + 1, end));
        return true;
    }
    if (*span->text != ']')
        return refuse(rows, span, "a comma or ] belongs here");
    move(span, json_skip_blanks(span->text + 1, end));
    return span->text < end && refuse(rows, span, "text after the end of the array; remove it");
}

/* Where the item ends; one that does not end, or is none, is told by json.h and not skipped. */
static const char *read_item(struct trace_rows *rows, const struct json_value_reader *reader, struct span *span, const char *end)
{
    const size_t hashes = rows->hash_count, count = rows->count;
    const char *stop = reader->quick(rows, span->text, end);
    if (stop)
        return stop;
    take_back(rows, hashes, count);
    stop = json_value_end(span->text, end);
    span->length = (size_t)((stop ? stop : end) - span->text);
    if (stop && span->length > 0) {
        read_value(rows, reader, span);
        return stop;
    }
    rows->status = rows->diag.status != SIM_OK ? rows->diag.status : read_strictly(rows, reader, span);
    if (rows->status == SIM_OK)
        (void)refuse(rows, span, "a value that does not end");
    return end;
}

void json_values_read_array(struct trace_rows *rows, const struct json_value_reader *reader)
{
    const char *end = rows->text + rows->length;
    struct span span = {.text = rows->text, .line = rows->first_line, .column = 1};
    rows->at = rows->text;
    bool more = first_item(rows, &span, end);
    while (more) {
        rows->at = span.text;
        rows->line = span.line;
        const char *stop = read_item(rows, reader, &span, end);
        more = rows->status == SIM_OK;
        if (more) {
            move(&span, stop);
            more = next_item(rows, &span, end);
        }
    }
    rows->at = end;
}
