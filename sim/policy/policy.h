/* policy.h - the known policies: built-in ones and those that a program registered.
 *
 * What a policy is, which tables of functions it fills and what it may know stands in pagesim.h, last section: built-in policies are written
 * like those of any other program. `--scheduling-policy NAME` finds a table by its name. To add a built-in one:
 *
 *   1. copy the file that is most like it:  scheduling_sjf.c (a key known at arrival), scheduling_srpt.c (a key that changes),
 *                                             scheduling_mlfq.c (state per request), victim_lowest_progress.c, eviction_lfu.c, router_least_requests.c
 *   2. add its name to the list of policies.h
 *   3. state its source (paper, system) in its header comment and give it a small trace in tests/sim/policy/test_policies.c, or replicas in
 *      test_routers.c
 *
 * Where they are asked, once a step: vllm_v1/vllm_v1.c; routers once a request: fleet/routing.c. Register before the first run starts; nothing here may change during one.
 */
#ifndef PAGESIM_POLICY_H
#define PAGESIM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "pagesim.h"

/* --- the known ones ------------------------------------------------------------------------------------------------------------------- */

enum policy_kind { POLICY_SCHEDULING, POLICY_VICTIM, POLICY_EVICTION, POLICY_ROUTER, POLICY_KINDS };

enum { POLICY_NAME_SIZE = 64, POLICIES_MOST = 64 }; /* of a kind */

/* Make a policy known; &my_policy.info of a scheduling_policy, preemption_victim, eviction_policy or router, as `kind` says. The table must stay.
 * SIM_FAILED: the name is taken, too long or empty, a function is missing, or there are POLICIES_MOST already. */
SIM_NODISCARD enum status policy_register(enum policy_kind kind, const struct pagesim_policy_info *info, struct diag *diag);

/* The i-th known policy in order of registration, built-in ones first; NULL after the last. */
const struct pagesim_policy_info *policy_at(enum policy_kind kind, uint32_t i);

/* The table with this name, or NULL. */
const struct pagesim_scheduling_policy *policy_find_scheduling(const char *name);
const struct pagesim_preemption_victim *policy_find_victim(const char *name);
const struct pagesim_eviction_policy *policy_find_eviction(const char *name);
const struct pagesim_router *policy_find_router(const char *name);

/* The class of a priority: 0 and below, 1, 2 and above. For all that count or promise by class: deadlines, routers, orders of eviction. */
static inline uint32_t policy_class(int32_t priority)
{
    const int32_t last = PAGESIM_POLICY_CLASSES - 1;
    return (uint32_t)(priority < 0 ? 0 : priority > last ? last : priority);
}

#endif
