/* scheduling_lpm.c - longest prefix match: who would find most of its tokens in the prefix cache goes first.
 *
 * The matches are looked up anew in each step that can admit somebody. Equal matches, none included, go by arrival. With more than 128
 * requests waiting the step goes by arrival alone, because looking all of them up costs more than it brings; both as in SGLang.
 *
 * SGLang also holds back a request whose prefix another waiting one is about to compute. That is not needed here: vLLM registers a block
 * in the step that computes it, so the second of two can already hit what the first computes. Keys say nothing of running requests: with
 * vLLM's victim, the one admitted last is preempted (SGLang retracts the one with the fewest output tokens: lowest-progress is near).
 * Source: SGLang (Zheng et al., NeurIPS 2024) section 3; sglang/srt/managers/schedule_policy.py.
 */
#include <stdlib.h>

#include "policy/policies.h"

enum { LOOKED_UP_MOST = 128 };

struct lpm {
    bool by_arrival; /* all who wait have key 0, as each has when it joins them */
};

static bool create(const struct pagesim_policy_setup *setup, void **self)
{
    (void)setup;
    struct lpm *lpm = malloc(sizeof *lpm);
    if (lpm)
        lpm->by_arrival = true;
    *self = lpm;
    return lpm != NULL;
}

static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    (void)request;
    return 0; /* until it is looked up */
}

/* A queue that is too long stays so for many steps. Its keys are taken back once. */
static void before_admission(void *self, int64_t now_ns, struct pagesim_policy_waiting *waiting)
{
    (void)now_ns;
    struct lpm *lpm = self;
    const bool look = waiting->count <= LOOKED_UP_MOST;
    if (!look && lpm->by_arrival)
        return;
    lpm->by_arrival = !look;
    for (uint32_t i = 0; i < waiting->count; i++) {
        uint32_t position = waiting->positions[i];
        waiting->set_key(waiting, position, look ? -(int64_t)waiting->cached_tokens(waiting, position) : 0);
    }
}

const struct pagesim_scheduling_policy scheduling_lpm = {
    .info = {"lpm", "longest prefix match first; by arrival when more than 128 wait (SGLang)"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .waiting_only = true,
    .key = key,
    .create = create,
    .destroy = free,
    .before_admission = before_admission,
};
