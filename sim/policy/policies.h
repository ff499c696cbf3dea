/* policies.h - the built-in policies, one file each. A new one: a line here and one in the list of policy.c. */
#ifndef PAGESIM_POLICIES_H
#define PAGESIM_POLICIES_H

#include "policy/policy.h"

extern const struct pagesim_scheduling_policy scheduling_fcfs;
extern const struct pagesim_scheduling_policy scheduling_priority;
extern const struct pagesim_scheduling_policy scheduling_sjf;
extern const struct pagesim_scheduling_policy scheduling_sjf_oracle;
extern const struct pagesim_scheduling_policy scheduling_srpt;
extern const struct pagesim_scheduling_policy scheduling_lpm;
extern const struct pagesim_scheduling_policy scheduling_mlfq;

extern const struct pagesim_preemption_victim victim_vllm;
extern const struct pagesim_preemption_victim victim_cheapest_recompute;
extern const struct pagesim_preemption_victim victim_lowest_progress;

extern const struct pagesim_eviction_policy eviction_vllm;
extern const struct pagesim_eviction_policy eviction_lru;
extern const struct pagesim_eviction_policy eviction_lfu;

#endif
