/* trace_image.c - all arrays of a trace, one after the other. Start with list_arrays, which a new array of struct trace must join. */
#include "trace/trace_image.h"

#include <string.h>

#include "base/array.h"

enum { ALIGNMENT = 64, OTHERS = 12, ARRAYS = TRACE_COLUMNS + OTHERS };

/* Where the pointer stands in struct trace, and how many bytes it points to. */
struct image_array {
    size_t offset, bytes;
};

#define POINTER(member) offsetof(struct trace, member)

static size_t rounded(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static const void *pointer_at(const struct trace *trace, size_t offset)
{
    const void *pointer;
    memcpy(&pointer, (const char *)trace + offset, sizeof pointer);
    return pointer;
}

/* Sizes are those that the arrays are made with; of one that is NULL none counts. */
static void list_arrays(const struct trace *trace, struct image_array list[ARRAYS])
{
    const struct session_names *names = &trace->sessions, *tenants = &trace->tenants;
    const size_t count = trace->count;
    const struct image_array others[OTHERS] = {
        {POINTER(hash_start), (count + 1) * sizeof *trace->hash_start},
        {POINTER(hash_ids), trace->hash_start ? (size_t)trace->hash_start[count] * sizeof *trace->hash_ids : 0},
        {POINTER(id_in_file), trace->distinct_hashes * sizeof *trace->id_in_file},
        {POINTER(previous), count * sizeof *trace->previous},
        {POINTER(next), count * sizeof *trace->next},
        {POINTER(sessions.text), names->start ? (size_t)names->start[names->count] : 0},
        {POINTER(sessions.start), ((size_t)names->count + 1) * sizeof *names->start},
        {POINTER(sessions.slots), (names->slot_mask + 1) * sizeof *names->slots},
        {POINTER(tenants.text), tenants->start ? (size_t)tenants->start[tenants->count] : 0},
        {POINTER(tenants.start), ((size_t)tenants->count + 1) * sizeof *tenants->start},
        {POINTER(tenants.slots), (tenants->slot_mask + 1) * sizeof *tenants->slots},
        {POINTER(format), trace->format ? strlen(trace->format) + 1 : 0},
    };
    for (size_t i = 0; i < TRACE_COLUMNS; i++)
        list[i] = (struct image_array){trace_columns[i].offset, count * trace_columns[i].size};
    memcpy(list + TRACE_COLUMNS, others, sizeof others);
}

size_t trace_image_size(const struct trace *trace)
{
    struct image_array list[ARRAYS];
    size_t size = rounded(sizeof *trace);
    list_arrays(trace, list);
    for (size_t i = 0; i < ARRAYS; i++)
        if (pointer_at(trace, list[i].offset))
            size += rounded(list[i].bytes);
    return size;
}

/* An offset is kept in the pointer's own bytes. */
void trace_image_write(const struct trace *trace, char *image)
{
    struct image_array list[ARRAYS];
    size_t at = rounded(sizeof *trace);
    list_arrays(trace, list);
    memcpy(image, trace, sizeof *trace);
    for (size_t i = 0; i < ARRAYS; i++) {
        const void *items = pointer_at(trace, list[i].offset);
        const uintptr_t place = items ? at : 0;
        memcpy(image + list[i].offset, &place, sizeof place);
        if (!items)
            continue;
        if (list[i].bytes > 0)
            memcpy(image + at, items, list[i].bytes);
        at += rounded(list[i].bytes);
    }
}

enum status trace_image_open(const char *image, struct trace **out, struct diag *diag)
{
    struct trace *trace;
    struct image_array list[ARRAYS];
    enum status status = array_zeroed(&trace, 1, sizeof *trace, "the trace", diag);
    if (status != SIM_OK)
        return status;
    list_arrays(trace, list); /* where the pointers stand */
    memcpy(trace, image, sizeof *trace);
    for (size_t i = 0; i < ARRAYS; i++) {
        uintptr_t place;
        memcpy(&place, image + list[i].offset, sizeof place);
        const void *items = place ? image + place : NULL;
        memcpy((char *)trace + list[i].offset, &items, sizeof items);
    }
    trace->borrowed = true;
    trace->id_runs = NULL;
    *out = trace;
    return SIM_OK;
}
