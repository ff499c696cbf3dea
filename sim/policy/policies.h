/* policies.h - the built-in policies, one file each. A new one: a line here and one in the list of policy.c. */
#ifndef PAGESIM_POLICIES_H
#define PAGESIM_POLICIES_H

#include "policy/policy.h"

extern const struct scheduling_policy scheduling_fcfs;
extern const struct scheduling_policy scheduling_priority;
extern const struct scheduling_policy scheduling_sjf;
extern const struct scheduling_policy scheduling_sjf_oracle;
extern const struct scheduling_policy scheduling_srpt;
extern const struct scheduling_policy scheduling_lpm;
extern const struct scheduling_policy scheduling_mlfq;

extern const struct preemption_victim victim_vllm;
extern const struct preemption_victim victim_cheapest_recompute;
extern const struct preemption_victim victim_lowest_progress;

extern const struct eviction_policy eviction_vllm;
extern const struct eviction_policy eviction_lru;
extern const struct eviction_policy eviction_lfu;

#endif
