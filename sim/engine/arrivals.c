/* arrivals.c - the order of arrivals, without those dropped, and the slots of a closed loop. Read closed_loop.h first: it says when a
 * request arrives that has to wait for a slot. */
#include "engine/arrivals.h"

#include <stdlib.h>

#include "base/array.h"

enum status arrivals_init(struct arrivals *arrivals, const struct trace *trace, uint32_t max_concurrency, struct diag *diag)
{
    *arrivals = (struct arrivals){.trace = trace, .next_ns = INT64_MAX};
    enum status status = array_zeroed(&arrivals->is_dropped, trace->count, sizeof *arrivals->is_dropped, "the replay's requests", diag);
    return status == SIM_OK ? closed_loop_init(&arrivals->slots, trace, max_concurrency, diag) : status;
}

void arrivals_deinit(struct arrivals *arrivals)
{
    closed_loop_deinit(&arrivals->slots);
    free(arrivals->is_dropped);
    *arrivals = (struct arrivals){0};
}

void arrivals_drop(struct arrivals *arrivals, uint32_t position)
{
    arrivals->is_dropped[position] = true;
    arrivals->dropped++;
}

void arrivals_start(struct arrivals *arrivals)
{
    while (arrivals->next < arrivals->trace->count && arrivals->is_dropped[arrivals->next])
        arrivals->next++;
    arrivals->next_ns = arrivals->next < arrivals->trace->count ? closed_loop_arrival(&arrivals->slots, arrivals->next) : INT64_MAX;
}

uint32_t arrivals_take(struct arrivals *arrivals)
{
    const uint32_t position = arrivals->next++;
    closed_loop_take(&arrivals->slots, position, arrivals->next_ns);
    arrivals->taken++;
    arrivals_start(arrivals); /* from here on the same search */
    return position;
}

void arrivals_end(struct arrivals *arrivals, uint32_t position, int64_t now_ns)
{
    arrivals->ended++;
    if (arrivals->slots.slots == 0) /* an open loop waits for nobody */
        return;
    closed_loop_end(&arrivals->slots, position, now_ns);
    arrivals_start(arrivals);
}
