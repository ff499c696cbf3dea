/* scheduling_edf.c - earliest deadline first: who must have its first token soonest goes first, by the class that its priority puts it in.
 *
 *   class     priority 0 and below: 0; 1: 1; 2 and above: 2
 *   deadline  arrival + the class's target for the time to first token (keys slo_ttft_ms_0, _1, _2)
 *
 * Priorities alone starve the lowest class as long as higher ones come. A deadline ages: who has waited for the difference of two targets goes
 * before whoever of the higher class comes then. With one class this is the order of arrival.
 *
 * What a vLLM-like scheduler makes of it: who runs is preempted when blocks run out, and then the latest deadline goes. Nobody is preempted
 * to let a waiting request in, as nobody is under vLLM's priority policy. The deadline stays after the first token: a request that has had it in
 * time is not worth less, as its client waits for the rest.
 * Source: C. L. Liu and J. W. Layland, Scheduling algorithms for multiprogramming in a hard-real-time environment, 1973 (deadline driven
 * scheduling); targets by class as in QLM (Patke et al., SoCC'24) and SLOs-Serve (Chen et al., arXiv 2504.08784), which plan further ahead.
 */
#include <stdlib.h>

#include "policy/policies.h"

static bool create(const struct pagesim_policy_setup *setup, void **self)
{
    struct pagesim_policy_setup *kept = malloc(sizeof *kept);
    if (!kept)
        return false;
    *kept = *setup;
    *self = kept;
    return true;
}

static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    const struct pagesim_policy_setup *setup = self;
    const int64_t target_ns = setup->ttft_target_ns[policy_class(request->priority)];
    int64_t deadline_ns;
    return __builtin_add_overflow(request->arrival_ns, target_ns, &deadline_ns) ? INT64_MAX : deadline_ns;
}

const struct pagesim_scheduling_policy scheduling_edf = {
    .info = {"edf", "earliest deadline of the first token, by priority class (Liu and Layland 1973)"},
    .order = PAGESIM_POLICY_STATIC_KEY,
    .key = key,
    .create = create,
    .destroy = free,
};
