/* trace_rows.c - columns that grow while a piece is read. Optional ones appear with the first row that needs them. Read trace_rows_add in
 * trace_rows.h first: what is here is what it does rarely.
 */
#include "trace/trace_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* What the whole piece will hold, from what its part so far holds, and a sixteenth more; at least half as much again. Pages that are never
 * touched cost nothing, while growing step by step leaves touched pages unused. */
static size_t expected(const struct trace_rows *rows, size_t have)
{
    size_t consumed = (size_t)(rows->at - rows->text);
    double whole = consumed > 0 ? (double)have * (double)rows->length / (double)consumed * 1.0625 : 0;
    size_t least = have + have / 2 + 64;
    return whole > (double)least ? (size_t)whole : least;
}

/* Room for `capacity` items and one more (hash_start has count + 1). */
static enum status grow_column(void *column, size_t size, size_t capacity, struct diag *diag)
{
    size_t none = 0;
    return array_reserve(column, &none, capacity + 1, size, "the trace", diag);
}

enum status trace_rows_grow(struct trace_rows *rows)
{
    const size_t capacity = expected(rows, rows->count);
    struct trace *trace = &rows->trace;
    enum status status = SIM_OK;
    for (size_t i = 0; i < TRACE_COLUMNS_OF_FILES && status == SIM_OK; i++)
        if (i < TRACE_COLUMNS_NEEDED || trace_column_items(trace, &trace_columns[i]))
            status = grow_column((char *)trace + trace_columns[i].offset, trace_columns[i].size, capacity, &rows->diag);
    if (status == SIM_OK && trace->hash_start)
        status = grow_column(&trace->hash_start, sizeof *trace->hash_start, capacity, &rows->diag);
    if (status == SIM_OK)
        rows->capacity = capacity;
    return status;
}

enum status trace_rows_grow_hashes(struct trace_rows *rows)
{
    const size_t capacity = expected(rows, rows->hash_count);
    enum status status = grow_column(&rows->trace.hash_ids, sizeof *rows->trace.hash_ids, capacity, &rows->diag);
    if (status == SIM_OK && rows->hash_high)
        status = grow_column(&rows->hash_high, sizeof *rows->hash_high, capacity, &rows->diag);
    if (status == SIM_OK)
        rows->hash_capacity = capacity;
    return status;
}

/* Ids above 2^32 are rare, so their upper halves get a column only in a trace that has such ids. */
enum status trace_rows_put_high(struct trace_rows *rows, uint64_t id)
{
    if (!rows->hash_high) {
        enum status status = array_zeroed(&rows->hash_high, rows->hash_capacity, sizeof *rows->hash_high, "hash ids", &rows->diag);
        if (status != SIM_OK)
            return status;
    }
    rows->hash_high[rows->hash_count] = (uint32_t)(id >> 32);
    return SIM_OK;
}

/* A column that is made when the first row needs it; rows before have the default. */
static enum status put_optional(struct trace_rows *rows, const struct trace_column *column, int64_t value)
{
    void *items = trace_column_items(&rows->trace, column);
    if (!items && value == column->otherwise)
        return SIM_OK;
    if (!items) {
        enum status status = array_zeroed((char *)&rows->trace + column->offset, rows->capacity + 1, column->size, "requests", &rows->diag);
        if (status != SIM_OK)
            return status;
        items = trace_column_items(&rows->trace, column);
        for (size_t before = 0; before < rows->count && column->otherwise != 0; before++)
            trace_column_put(column, items, before, column->otherwise);
        rows->has_optional = true;
    }
    trace_column_put(column, items, rows->count, value);
    return SIM_OK;
}

/* A row that has something optional, or comes after one that had. */
enum status trace_rows_add_rare(struct trace_rows *rows, const struct trace_row *row)
{
    const bool untimed = row->arrival_ns == TRACE_NO_TIME;
    const int64_t values[] = {(uint32_t)row->priority, row->samples, row->beam_width, row->finish_reason, untimed, row->session,
                              row->delay_ns,           row->tenant}; /* as in trace_columns */
    enum status status = SIM_OK;
    for (size_t i = 0; i < sizeof values / sizeof *values && status == SIM_OK; i++)
        status = put_optional(rows, &trace_columns[TRACE_COLUMNS_NEEDED + i], values[i]);
    if (status == SIM_OK && rows->hash_count > 0 && !rows->trace.hash_start)
        status = array_zeroed(&rows->trace.hash_start, rows->capacity + 1, sizeof *rows->trace.hash_start, "requests", &rows->diag);
    if (status == SIM_OK && rows->trace.hash_start)
        rows->trace.hash_start[rows->count + 1] = rows->hash_count;
    if (untimed && rows->untimed_line == 0)
        rows->untimed_line = rows->line;
    if (row->output_tokens == 0 && rows->unsaid_line == 0)
        rows->unsaid_line = rows->line;
    return status;
}

/* Ours, which are vLLM's and OpenAI's. A model that calls a tool ends its answer itself, which OpenAI tells apart. */
uint32_t trace_finish_named(const char *name, size_t length)
{
    static const struct {
        const char *name;
        enum finish_reason reason;
    } names[] = {{"length", FINISH_LENGTH}, {"stop", FINISH_STOP}, {"tool_calls", FINISH_STOP}, {"function_call", FINISH_STOP}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == length && memcmp(names[i].name, name, length) == 0)
            return TRACE_FINISH_SAID(names[i].reason);
    return TRACE_FINISH_NOT_SAID;
}

enum status trace_rows_session(struct trace_rows *rows, const char *name, size_t length, uint32_t *number)
{
    return session_names_number(&rows->trace.sessions, name, length, number, &rows->diag);
}

enum status trace_rows_tenant(struct trace_rows *rows, const char *name, size_t length, uint32_t *number)
{
    return session_names_number(&rows->trace.tenants, name, length, number, &rows->diag);
}

/* Memory that is out is no fault of the row. */
enum status trace_rows_skip(struct trace_rows *rows, size_t line_number)
{
    const struct trace_selection *selection = rows->source->selection;
    if (rows->status != SIM_BAD_INPUT || !selection || !selection->skip_invalid)
        return rows->status;
    if (rows->skipped_count == 0)
        rows->skipped_first = rows->diag;
    rows->diag = (struct diag){0};
    const struct skipped_row skipped = {.row = rows->count, .line = line_number};
    rows->status =
        array_append(&rows->skipped, &rows->skipped_count, &rows->skipped_capacity, &skipped, sizeof skipped, "skipped rows", &rows->diag);
    return rows->status;
}

void trace_rows_deinit(struct trace_rows *rows)
{
    trace_clear(&rows->trace);
    free(rows->hash_high);
    free(rows->skipped);
    *rows = (struct trace_rows){0};
}

/* Is `name` one of the comma-separated names? */
static bool is_listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at += length)
        if ((at == list || at[-1] == ' ') && (at[length] == '\0' || at[length] == ','))
            return true;
    return false;
}

/* Listed once; what does not fit any more is left out, as the warning is for people. */
void trace_rows_ignore(struct trace_rows *rows, const char *name)
{
    char *fields = rows->trace.ignored_fields;
    const size_t size = sizeof rows->trace.ignored_fields, used = strlen(fields);
    if (*name == '\0')
        name = "\"\"";
    if (used + strlen(name) + 3 < size && !is_listed(fields, name))
        snprintf(fields + used, size - used, "%s%s", used ? ", " : "", name);
}

int trace_rows_ignore_again(struct trace_rows *rows, const char *name, size_t length)
{
    char text[sizeof rows->trace.ignored_fields];
    for (size_t i = 0; i < rows->known_count; i++)
        if (rows->known[i].length == length && memcmp(rows->known[i].text, name, length) == 0)
            return (int)i;
    if (rows->known_count == TRACE_NAMES_KNOWN || length >= sizeof text)
        return -1;
    memcpy(text, name, length);
    text[length] = '\0';
    trace_rows_ignore(rows, text);
    rows->known[rows->known_count] = (struct trace_name){name, length};
    return (int)rows->known_count++;
}
