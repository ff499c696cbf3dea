/* scheduling_fcfs.c - first come, first served, and preempted requests before all others: vLLM's default.
 *
 * The whole of it is in the queue (request_queue.h): arrivals go to the back, a preempted request to the very front.
 * Source: vLLM v1/core/sched/request_queue.py, FCFSRequestQueue.
 */
#include "policy/policies.h"

const struct pagesim_scheduling_policy scheduling_fcfs = {
    .info = {"fcfs", "first come, first served; preempted requests first (vLLM)"},
    .order = PAGESIM_POLICY_ARRIVAL,
};
