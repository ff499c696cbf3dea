/* id_runs.h - the hash ids of a trace as runs: ids that always come together, in the same order, are one name.
 *
 *     request 0   5 6 7 8 9            runs   [5 6 7] [8 9]
 *     request 1   5 6 7 8 9 10 11             [5 6 7] [8 9] [own: 10 11]
 *     request 2   5 6 7 12                    [5 6 7] [own: 12]
 *
 * A prompt that goes on where an earlier one ended has one run for each of its turns, however many ids these are. From the first id on that no
 * other place of the trace has, nothing can be shared: what stands before an id is part of what it means (kv_contents). So the rest of the
 * prompt is one run without a name, "own".
 *
 * id y follows x in a run if x stands before y wherever y stands, and both stand at as many places: then y also stands after each x.
 */
#ifndef PAGESIM_ID_RUNS_H
#define PAGESIM_ID_RUNS_H

#include "trace/trace.h"

#define ID_RUN_OWN UINT32_MAX

struct id_run {
    uint32_t
        name; /* below id_runs.names, in order of first appearance of its first id; ID_RUN_OWN: the rest of a prompt that nobody shares */
    uint32_t end; /* its last id is the prompt's end'th */
};

struct id_runs {
    uint64_t *start; /* [requests + 1]: those of request p are runs[start[p]] .. runs[start[p + 1] - 1]; NULL: no request has ids */
    struct id_run *runs;
    uint32_t names;
};

/* O(hash ids). End it with id_runs_deinit; zeroed is fine. */
SIM_NODISCARD enum status id_runs_make(const struct trace *trace, struct id_runs *out, struct diag *diag);
void id_runs_deinit(struct id_runs *runs);

/* How many of a request's first ids other requests may have, too; further on they are its own. */
static inline uint32_t id_runs_shared(const struct id_runs *runs, uint32_t position)
{
    if (!runs->start || runs->start[position] == runs->start[position + 1])
        return 0;
    const struct id_run *last = &runs->runs[runs->start[position + 1] - 1];
    if (last->name != ID_RUN_OWN)
        return last->end;
    return runs->start[position + 1] - runs->start[position] > 1 ? last[-1].end : 0;
}

#endif
