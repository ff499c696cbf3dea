/* arrivals.c - the order of arrivals, without those dropped, and the slots of a closed loop. Read closed_loop.h first: it says when a
 * request arrives that has to wait for a slot. The small steps that run once a request are inline in arrivals.h. Here is what happens
 * once a replay or only in a closed loop. */
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

/* The flags are made with the first drop, since most replays drop nobody: until then arrivals_find_next has one test more and no loop. */
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

/* The freed slot may be the one that the next request waits for, so next_ns is worked out again here instead of being polled: it can
 * fall from INT64_MAX to the end of the step that is being completed. A stepper must therefore look at next_ns after its ends, not
 * before. */
void arrivals_free_slot(struct arrivals *arrivals, uint32_t position, int64_t now_ns)
{
    closed_loop_end(&arrivals->slots, position, now_ns);
    arrivals_find_next(arrivals);
}
