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

/* A column with room for `capacity` items and one more (hash_start has count + 1); NULL stays NULL unless it is `needed`. */
static enum status grow_column(bool needed, void *column, size_t size, size_t capacity, enum status status, struct diag *diag)
{
    void *made;
    size_t none = 0;
    memcpy(&made, column, sizeof made);
    return status == SIM_OK && (needed || made) ? array_reserve(column, &none, capacity + 1, size, "the trace", diag) : status;
}

enum status trace_rows_grow(struct trace_rows *rows)
{
    struct diag *diag = &rows->diag;
    size_t capacity = expected(rows, rows->count);
    enum status status = grow_column(true, &rows->arrival_ns, sizeof *rows->arrival_ns, capacity, SIM_OK, diag);
    status = grow_column(true, &rows->input_tokens, sizeof *rows->input_tokens, capacity, status, diag);
    status = grow_column(true, &rows->output_tokens, sizeof *rows->output_tokens, capacity, status, diag);
    status = grow_column(false, &rows->priority, sizeof *rows->priority, capacity, status, diag);
    status = grow_column(false, &rows->samples, sizeof *rows->samples, capacity, status, diag);
    status = grow_column(false, &rows->beam_width, sizeof *rows->beam_width, capacity, status, diag);
    status = grow_column(false, &rows->hash_start, sizeof *rows->hash_start, capacity, status, diag);
    if (status == SIM_OK)
        rows->capacity = capacity;
    return status;
}

enum status trace_rows_grow_hashes(struct trace_rows *rows)
{
    size_t capacity = expected(rows, rows->hash_count);
    enum status status = grow_column(true, &rows->hash_ids, sizeof *rows->hash_ids, capacity, SIM_OK, &rows->diag);
    status = grow_column(false, &rows->hash_high, sizeof *rows->hash_high, capacity, status, &rows->diag);
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

/* A column that is made when the first row needs it; rows before have the default, zero. */
static enum status make_column(struct trace_rows *rows, void *column, size_t size)
{
    void *made;
    memcpy(&made, column, sizeof made);
    return made ? SIM_OK : array_zeroed(column, rows->capacity + 1, size, "requests", &rows->diag);
}

/* A row that has something optional, or comes after one that had. */
enum status trace_rows_add_rare(struct trace_rows *rows, const struct trace_row *row)
{
    const size_t i = rows->count;
    enum status status = SIM_OK;
    if (rows->hash_count > 0 && !rows->hash_start)
        status = make_column(rows, &rows->hash_start, sizeof *rows->hash_start);
    if (status == SIM_OK && row->priority != 0)
        status = make_column(rows, &rows->priority, sizeof *rows->priority);
    if (status == SIM_OK && row->beam_width != 0)
        status = make_column(rows, &rows->beam_width, sizeof *rows->beam_width);
    if (status == SIM_OK && row->samples != 1 && !rows->samples) {
        status = make_column(rows, &rows->samples, sizeof *rows->samples);
        for (size_t before = 0; rows->samples && before < i; before++)
            rows->samples[before] = 1;
    }
    if (status != SIM_OK)
        return status;
    if (rows->hash_start)
        rows->hash_start[i + 1] = rows->hash_count;
    if (rows->priority)
        rows->priority[i] = row->priority;
    if (rows->beam_width)
        rows->beam_width[i] = row->beam_width;
    if (rows->samples)
        rows->samples[i] = row->samples;
    return SIM_OK;
}

void trace_rows_deinit(struct trace_rows *rows)
{
    free(rows->arrival_ns);
    free(rows->input_tokens);
    free(rows->output_tokens);
    free(rows->priority);
    free(rows->samples);
    free(rows->beam_width);
    free(rows->hash_start);
    free(rows->hash_ids);
    free(rows->hash_high);
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
    size_t used = strlen(rows->ignored_fields);
    if (*name == '\0')
        name = "\"\"";
    if (used + strlen(name) + 3 < sizeof rows->ignored_fields && !is_listed(rows->ignored_fields, name))
        snprintf(rows->ignored_fields + used, sizeof rows->ignored_fields - used, "%s%s", used ? ", " : "", name);
}
