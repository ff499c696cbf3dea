/* trace.c - copies of a trace, in another order or with its samples as requests of their own. Read trace.h first; how a file becomes a
 * trace is in trace_load.c. */
#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/printable.h"

#define COLUMN(name, without)                                                                                                              \
    {                                                                                                                                      \
        offsetof(struct trace, name), sizeof *((struct trace *)0)->name, without                                                           \
    }
const struct trace_column trace_columns[TRACE_COLUMNS] = {
    COLUMN(arrival_ns, 0), COLUMN(input_tokens, 0),  COLUMN(output_tokens, 0), COLUMN(priority, 0), COLUMN(samples, 1),
    COLUMN(beam_width, 0), COLUMN(finish_reason, 0), COLUMN(untimed, 0),       COLUMN(session, 0),  COLUMN(delay_ns, 0),
    COLUMN(tenant, 0),     COLUMN(index, 0),         COLUMN(sample, 0),
};

enum status trace_columns_make(struct trace *trace, size_t rows, const bool wanted[TRACE_COLUMNS_OF_FILES], struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < TRACE_COLUMNS_OF_FILES && status == SIM_OK; i++)
        if (wanted[i])
            status = array_zeroed((char *)trace + trace_columns[i].offset, rows, trace_columns[i].size, "the trace", diag);
    return status;
}

void trace_columns_append(struct trace *trace, size_t at, const struct trace *from, size_t count)
{
    for (size_t i = 0; i < TRACE_COLUMNS_OF_FILES; i++) {
        const struct trace_column *column = &trace_columns[i];
        const char *items = trace_column_items(from, column);
        char *to = trace_column_items(trace, column);
        if (items)
            memcpy(to + at * column->size, items, count * column->size);
        for (size_t row = 0; to && !items && column->otherwise != 0 && row < count; row++)
            trace_column_put(column, to, at + row, column->otherwise);
    }
}

/* The pointer is copied as bytes: reading an `int64_t *` as a `void *` would break the aliasing rules. */
void *trace_column_items(const struct trace *trace, const struct trace_column *column)
{
    void *items;
    memcpy(&items, (const char *)trace + column->offset, sizeof items);
    return items;
}

void trace_drop_ids(struct trace *trace)
{
    free(trace->hash_start);
    free(trace->hash_ids);
    free(trace->id_in_file);
    trace->hash_start = trace->id_in_file = NULL;
    trace->hash_ids = NULL;
}

/* free takes NULL, so optional columns need no questions. */
void trace_clear(struct trace *trace)
{
    if (trace->borrowed) {
        *trace = (struct trace){0};
        return;
    }
    for (size_t i = 0; i < TRACE_COLUMNS; i++)
        free(trace_column_items(trace, &trace_columns[i]));
    trace_drop_ids(trace);
    free(trace->previous);
    free(trace->next);
    session_names_deinit(&trace->sessions);
    session_names_deinit(&trace->tenants);
    *trace = (struct trace){0};
}

void trace_request_name(const struct trace *trace, uint32_t position, char out[TRACE_REQUEST_NAME])
{
    const uint32_t sample = trace_sample_of(trace, position);
    if (sample > 0)
        snprintf(out, TRACE_REQUEST_NAME, "%u.%u", trace_index(trace, position), sample);
    else
        snprintf(out, TRACE_REQUEST_NAME, "%u", trace_index(trace, position));
}

/* A note is for people, who read the first ones; what does not fit is left out whole. */
static void add_sentence(char *text, size_t size, const char *between, const char *sentence)
{
    const size_t used = strlen(text);
    if (!strstr(text, sentence) && used + strlen(sentence) + strlen(between) < size)
        snprintf(text + used, size - used, "%s%s", used ? between : "", sentence);
}

void trace_note(struct trace *trace, const char *sentence)
{
    add_sentence(trace->notes, sizeof trace->notes, "; ", sentence);
}

void trace_tell(struct trace *trace, const char *sentence)
{
    add_sentence(trace->told, sizeof trace->told, "\n", sentence);
}

void trace_destroy(struct trace *trace)
{
    if (!trace)
        return;
    trace_clear(trace);
    free(trace);
}

/* --- copies ---------------------------------------------------------------------------------------------------------------------- */

/* A column's items in another order; an optional column that is not there stays so. Items have 4 or 8 bytes: copies of a size that the
 * compiler knows are a load and a store. */
static enum status copy_column(const struct trace *trace, const struct trace_column *column, const uint32_t *order, struct trace *out,
                               struct diag *diag)
{
    const char *from = trace_column_items(trace, column);
    if (!from)
        return SIM_OK;
    enum status status = array_zeroed((char *)out + column->offset, out->count, column->size, "the trace", diag);
    char *to = trace_column_items(out, column);
    for (uint32_t i = 0; i < out->count && status == SIM_OK; i++)
        if (column->size == sizeof(uint64_t))
            memcpy(to + i * sizeof(uint64_t), from + order[i] * sizeof(uint64_t), sizeof(uint64_t));
        else
            memcpy(to + i * sizeof(uint32_t), from + order[i] * sizeof(uint32_t), sizeof(uint32_t));
    return status;
}

/* Where positions were the numbers, they are no longer. */
static enum status number_copy(const struct trace *trace, const uint32_t *order, struct trace *out, struct diag *diag)
{
    if (trace->index)
        return SIM_OK;
    enum status status = array_zeroed(&out->index, out->count, sizeof *out->index, "the trace", diag);
    if (status == SIM_OK)
        memcpy(out->index, order, out->count * sizeof *out->index);
    return status;
}

/* Ids are copied request by request, as lists differ in length. */
static enum status copy_hashes(const struct trace *trace, const uint32_t *order, struct trace *out, struct diag *diag)
{
    size_t hashes = 0;
    for (uint32_t i = 0; i < out->count && trace->hash_start; i++)
        hashes += (size_t)trace_hash_count(trace, order[i]);
    if (hashes == 0)
        return SIM_OK;
    const struct array_request arrays[] = {ARRAY_OF(out->hash_start, (size_t)out->count + 1), ARRAY_OF(out->hash_ids, hashes),
                                           ARRAY_IF(trace->id_in_file, out->id_in_file, trace->distinct_hashes)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the trace", diag);
    if (status == SIM_OK && trace->id_in_file)
        memcpy(out->id_in_file, trace->id_in_file, trace->distinct_hashes * sizeof *out->id_in_file);
    for (uint32_t i = 0; i < out->count && status == SIM_OK; i++) {
        const size_t count = (size_t)trace_hash_count(trace, order[i]);
        memcpy(out->hash_ids + out->hash_start[i], trace->hash_ids + trace->hash_start[order[i]], count * sizeof *out->hash_ids);
        out->hash_start[i + 1] = out->hash_start[i] + count;
    }
    return status;
}

/* What a copy makes for itself. */
static void forget_arrays(struct trace *trace)
{
    void *none = NULL;
    for (size_t i = 0; i < TRACE_COLUMNS; i++)
        memcpy((char *)trace + trace_columns[i].offset, &none, sizeof none);
    trace->hash_start = trace->id_in_file = NULL;
    trace->hash_ids = trace->previous = trace->next = NULL;
    trace->id_runs = NULL;
    trace->sessions = trace->tenants = (struct session_names){0};
    trace->borrowed = false;
}

/* Runs share traces, so changing one means copying it. Everything is copied that does not depend on the order. */
enum status trace_copy(const struct trace *trace, const uint32_t *order, uint32_t count, struct trace **out, struct diag *diag)
{
    struct trace *copy;
    enum status status = array_zeroed(&copy, 1, sizeof *copy, "the trace", diag);
    if (status != SIM_OK)
        return status;
    *copy = *trace;
    forget_arrays(copy);
    copy->count = count;
    for (size_t i = 0; i < TRACE_COLUMNS && status == SIM_OK; i++)
        status = copy_column(trace, &trace_columns[i], order, copy, diag);
    if (status == SIM_OK)
        status = number_copy(trace, order, copy, diag);
    if (status == SIM_OK)
        status = copy_hashes(trace, order, copy, diag);
    if (status == SIM_OK)
        status = session_names_copy(&trace->sessions, &copy->sessions, diag);
    if (status == SIM_OK)
        status = session_names_copy(&trace->tenants, &copy->tenants, diag);
    if (status == SIM_OK)
        status = trace_link_turns(copy, diag);
    if (status != SIM_OK) {
        trace_destroy(copy);
        return status;
    }
    *out = copy;
    return SIM_OK;
}

/* --- sessions -------------------------------------------------------------------------------------------------------------------- */

/* One walk in the order of positions, which is the order of turns in each session. All samples of a turn come after sample 0 of the one
 * before: a client goes on with the first of its choices. */
enum status trace_link_turns(struct trace *trace, struct diag *diag)
{
    if (!trace->session)
        return SIM_OK;
    uint32_t *last = NULL; /* of each session: position + 1 of sample 0 of its latest turn */
    const struct array_request arrays[] = {ARRAY_IF(!trace->previous, trace->previous, trace->count),
                                           ARRAY_IF(!trace->next, trace->next, trace->count),
                                           ARRAY_OF(last, (size_t)trace->sessions.count + 1)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "sessions", diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const uint32_t session = trace->session[position], sample = trace_sample_of(trace, position);
        trace->next[position] = 0;
        if (session == 0 || sample > 0) {
            trace->previous[position] = session == 0 ? 0 : trace->previous[position - sample];
            continue;
        }
        trace->previous[position] = last[session];
        if (last[session] > 0)
            trace->next[last[session] - 1] = position + 1;
        last[session] = position + 1;
    }
    free(last);
    return status;
}

/* --- samples as requests --------------------------------------------------------------------------------------------------------- */

static uint32_t samples_of(const struct trace *trace, uint32_t position)
{
    return trace->samples ? trace->samples[position] : 1;
}

/* Children are requests with one sample each, which they know by number. Beams are V0's, which does not expand samples. */
static void number_samples(const struct trace *trace, uint32_t *sample, struct trace *expanded)
{
    uint32_t child = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        for (uint32_t number = 0; number < samples_of(trace, position); number++)
            sample[child++] = number;
    free(expanded->samples);
    free(expanded->beam_width);
    free(expanded->sample);
    expanded->samples = expanded->beam_width = NULL;
    expanded->sample = sample;
}

/* Children stand next to each other in the order of samples: as positions of their parents, repeated. */
enum status trace_expand_samples(const struct trace *trace, struct trace **out, struct diag *diag)
{
    uint64_t children = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        children += samples_of(trace, position);
    if (children >= UINT32_MAX / 2)
        return diag_set(diag, SIM_BAD_INPUT, "%s: n makes %llu requests of it; at most 2147483646 can be replayed", trace->name,
                        (unsigned long long)children);
    uint32_t *order;
    enum status status = array_zeroed(&order, (size_t)children, sizeof *order, "the trace", diag);
    if (status != SIM_OK)
        return status;
    uint32_t child = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        for (uint32_t number = 0; number < samples_of(trace, position); number++)
            order[child++] = position;
    status = trace_copy(trace, order, child, out, diag);
    if (status != SIM_OK) {
        free(order);
        return status;
    }
    number_samples(trace, order, *out);
    status = trace_link_turns(*out, diag); /* samples are not turns */
    if (status != SIM_OK)
        trace_destroy(*out);
    return status;
}

/* The raw name stays in the trace: JSON and files are named after it. */
struct line trace_title(const struct trace *trace)
{
    struct line title = {0};
    printable_copy(trace->name, title.text, sizeof title.text);
    title.length = strlen(title.text);
    return title;
}
