/* id_runs.c - three walks: over all ids, for how often each comes and what stands before it; over the different ids, for which of them begin a
 * run; over all ids again, from run to run, as a run that was seen once has the same length wherever it comes. */
#include "trace/id_runs.h"

#include <stdlib.h>

#include "base/array.h"

#define NO_ID   UINT32_MAX
#define FOLLOWS (UINT32_MAX - 1)

struct id_facts {
    uint32_t uses;
    uint32_t before; /* the id that stands before it at all its places; NO_ID: none, or more than one */
};

/* A prompt's first id has none before it, which counts as one of its own. */
static void look_at_ids(const struct trace *trace, struct id_facts *ids)
{
    for (uint32_t position = 0; position < trace->count; position++) {
        uint32_t before = NO_ID;
        for (uint64_t i = trace->hash_start[position]; i < trace->hash_start[position + 1]; i++) {
            struct id_facts *id = &ids[trace->hash_ids[i]];
            if (id->uses++ == 0)
                id->before = before;
            else if (id->before != before)
                id->before = NO_ID;
            before = trace->hash_ids[i];
        }
    }
}

/* What an id begins, in place of what stands before it: a run's name; FOLLOWS: it is inside of one. */
static uint32_t name_runs(const struct trace *trace, struct id_facts *ids)
{
    uint32_t names = 0;
    for (uint32_t i = 0; i < trace->distinct_hashes; i++) {
        const uint32_t before = ids[i].before;
        if (ids[i].uses == 1)
            ids[i].before = ID_RUN_OWN;
        else
            ids[i].before = before != NO_ID && ids[before].uses == ids[i].uses ? FOLLOWS : names++;
    }
    return names;
}

/* The length of the run that begins with item `i`, which is looked for at its first place only. */
static uint32_t run_length(const struct trace *trace, const struct id_facts *ids, uint32_t *lengths, uint64_t i, uint64_t end)
{
    uint32_t *length = &lengths[ids[trace->hash_ids[i]].before];
    if (*length == 0)
        do
            ++*length;
        while (i + *length < end && ids[trace->hash_ids[i + *length]].before == FOLLOWS);
    return *length;
}

static enum status list_runs(const struct trace *trace, const struct id_facts *ids, uint32_t *lengths, struct id_runs *out,
                             struct diag *diag)
{
    size_t count = 0, capacity = 0;
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const uint64_t start = trace->hash_start[position], end = trace->hash_start[position + 1];
        for (uint64_t i = start; i < end && status == SIM_OK;) {
            const uint32_t name = ids[trace->hash_ids[i]].before;
            i = name == ID_RUN_OWN ? end : i + run_length(trace, ids, lengths, i, end);
            const struct id_run run = {.name = name, .end = (uint32_t)(i - start)};
            status = array_append(&out->runs, &count, &capacity, &run, sizeof run, "runs of hash ids", diag);
        }
        out->start[position + 1] = count;
    }
    return status;
}

enum status id_runs_make(const struct trace *trace, struct id_runs *out, struct diag *diag)
{
    struct id_facts *ids;
    uint32_t *lengths = NULL;
    *out = (struct id_runs){0};
    if (!trace->hash_start)
        return SIM_OK;
    enum status status = array_zeroed(&ids, trace->distinct_hashes, sizeof *ids, "runs of hash ids", diag);
    if (status != SIM_OK)
        return status;
    look_at_ids(trace, ids);
    out->names = name_runs(trace, ids);
    const struct array_request arrays[] = {ARRAY_OF(lengths, out->names), ARRAY_OF(out->start, (size_t)trace->count + 1)};
    status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "runs of hash ids", diag);
    if (status == SIM_OK)
        status = list_runs(trace, ids, lengths, out, diag);
    if (status != SIM_OK)
        id_runs_deinit(out);
    free(lengths);
    free(ids);
    return status;
}

void id_runs_deinit(struct id_runs *runs)
{
    free(runs->start);
    free(runs->runs);
    *runs = (struct id_runs){0};
}
