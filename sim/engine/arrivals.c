/* arrivals.c - the order of arrivals, without those dropped, and the slots of a closed loop. Read closed_loop.h first: it says when a
 * request arrives that has to wait for a slot. */
#include "engine/arrivals.h"

#include <stdlib.h>

#include "base/array.h"

enum status arrivals_init(struct arrivals *arrivals, const struct trace *trace, uint32_t max_concurrency, struct diag *diag)
{
    *arrivals = (struct arrivals){.trace = trace, .next_ns = INT64_MAX};
    return closed_loop_init(&arrivals->slots, trace, max_concurrency, diag);
}

void arrivals_deinit(struct arrivals *arrivals)
{
    closed_loop_deinit(&arrivals->slots);
    free(arrivals->is_dropped);
    *arrivals = (struct arrivals){0};
}

enum status arrivals_drop(struct arrivals *arrivals, uint32_t position, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!arrivals->is_dropped)
        status = array_zeroed(&arrivals->is_dropped, arrivals->trace->count, sizeof *arrivals->is_dropped, "the replay's requests", diag);
    if (status != SIM_OK)
        return status;
    arrivals->is_dropped[position] = true;
    arrivals->dropped++;
    return SIM_OK;
}

/* From `next` on: who arrives, and when? */
static void find_next(struct arrivals *arrivals)
{
    const struct trace *trace = arrivals->trace;
    while (arrivals->is_dropped && arrivals->next < trace->count && arrivals->is_dropped[arrivals->next])
        arrivals->next++;
    if (arrivals->next == trace->count)
        arrivals->next_ns = INT64_MAX;
    else
        arrivals->next_ns =
            arrivals->slots.slots > 0 ? closed_loop_arrival(&arrivals->slots, arrivals->next) : trace->arrival_ns[arrivals->next];
}

void arrivals_start(struct arrivals *arrivals)
{
    find_next(arrivals);
}

uint32_t arrivals_take(struct arrivals *arrivals)
{
    const uint32_t position = arrivals->next++;
    if (arrivals->slots.slots > 0)
        closed_loop_take(&arrivals->slots, position, arrivals->next_ns);
    arrivals->taken++;
    find_next(arrivals);
    return position;
}

void arrivals_free_slot(struct arrivals *arrivals, uint32_t position, int64_t now_ns)
{
    closed_loop_end(&arrivals->slots, position, now_ns);
    find_next(arrivals);
}
