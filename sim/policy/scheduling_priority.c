/* scheduling_priority.c - the request's own priority, lower first; equal ones by arrival.
 *
 * A preempted request competes by the same key. Source: vLLM v1/core/sched/request_queue.py, PriorityRequestQueue.
 */
#include "policy/policies.h"

static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    return request->priority;
}

const struct pagesim_scheduling_policy scheduling_priority = {
    .info = {"priority", "lowest priority value first, then arrival (vLLM)"},
    .order = PAGESIM_POLICY_STATIC_KEY,
    .first_of_ties = true,
    .key = key,
};
