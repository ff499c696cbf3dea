/* policies.h - the list of built-in policies. A policy is one file and one row here; names, help pages and error messages follow. */
#ifndef PAGESIM_POLICIES_H
#define PAGESIM_POLICIES_H

#include "policy/policy.h"

/* In the order in which --help lists them; the first of a kind is vLLM's default. */
#define SCHEDULING_POLICIES(X)                                                                                                             \
    X(scheduling_fcfs)                                                                                                                     \
    X(scheduling_priority)                                                                                                                 \
    X(scheduling_sjf)                                                                                                                      \
    X(scheduling_sjf_oracle)                                                                                                               \
    X(scheduling_srpt)                                                                                                                     \
    X(scheduling_lpm)                                                                                                                      \
    X(scheduling_mlfq)                                                                                                                     \
    X(scheduling_edf)                                                                                                                      \
    X(scheduling_vtc)

#define PREEMPTION_VICTIMS(X)                                                                                                              \
    X(victim_vllm)                                                                                                                         \
    X(victim_cheapest_recompute)                                                                                                           \
    X(victim_lowest_progress)

#define EVICTION_POLICIES(X)                                                                                                               \
    X(eviction_vllm)                                                                                                                       \
    X(eviction_lru)                                                                                                                        \
    X(eviction_lfu)                                                                                                                        \
    X(eviction_tail_lru)                                                                                                                   \
    X(eviction_workload)

#define ROUTERS(X)                                                                                                                         \
    X(router_round_robin)                                                                                                                  \
    X(router_least_requests)                                                                                                               \
    X(router_random)                                                                                                                       \
    X(router_power_of_two)                                                                                                                 \
    X(router_least_blocks)                                                                                                                 \
    X(router_priority_aware)                                                                                                               \
    X(router_session_affine)                                                                                                               \
    X(router_prefix_aware)                                                                                                                 \
    X(router_vllm_data_parallel)                                                                                                           \
    X(router_vllm_data_parallel_queues)

#define DECLARE_SCHEDULING(policy) extern const struct pagesim_scheduling_policy policy;
#define DECLARE_VICTIM(policy)     extern const struct pagesim_preemption_victim policy;
#define DECLARE_EVICTION(policy)   extern const struct pagesim_eviction_policy policy;
#define DECLARE_ROUTER(router)     extern const struct pagesim_router router;
SCHEDULING_POLICIES(DECLARE_SCHEDULING)
PREEMPTION_VICTIMS(DECLARE_VICTIM)
EVICTION_POLICIES(DECLARE_EVICTION)
ROUTERS(DECLARE_ROUTER)

#endif
