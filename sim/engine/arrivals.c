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
    const struct array_request flags[] = {ARRAY_IF(!arrivals->is_dropped, arrivals->is_dropped, arrivals->trace->count)};
    enum status status = array_zeroed_all(flags, 1, "the replay's requests", diag);
    if (status != SIM_OK)
        return status;
    arrivals->is_dropped[position] = true;
    arrivals->dropped++;
    return SIM_OK;
}

void arrivals_free_slot(struct arrivals *arrivals, uint32_t position, int64_t now_ns)
{
    closed_loop_end(&arrivals->slots, position, now_ns);
    arrivals_find_next(arrivals);
}
