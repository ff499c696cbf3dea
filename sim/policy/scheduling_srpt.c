/* scheduling_srpt.c - shortest remaining processing time: an oracle, as it knows the length of every output.
 *
 *   remaining = one step for all tokens that are known and not computed (the prompt; after a preemption also what had been generated)
 *             + one decode step for each further output token
 *
 * each priced as if the request ran alone. The textbook's SRPT lets a shorter arrival push a longer job out at once. A vLLM-like scheduler
 * takes a running request's place only when blocks run out: then the one with the most remaining time goes. What a waiting request would
 * find in the prefix cache is not counted.
 * Source: L. E. Schrage, A proof of the optimality of the shortest remaining processing time discipline, 1968; FastServe
 * (fastserve/scheduler.py, SRPT) uses it as the bound for its own policy, with remaining output tokens for time. With length_prediction_sigma it
 * knows what a predictor says, as in Fu et al. (NeurIPS 2024), and takes a request that outlives its prediction for one that is about to end.
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
    int64_t left = (int64_t)request->output_tokens - pagesim_generated_tokens(request) - 1; /* after the step that it needs next */
    left = left > 0 ? left : 0; /* a predictor may have promised an earlier end */
    int64_t next_ns = setup->step_ns(setup->model, request->known_tokens - request->computed_tokens, request->computed_tokens);
    int64_t decode_ns = setup->step_ns(setup->model, 1, request->known_tokens);
    int64_t rest_ns, sum_ns;
    if (__builtin_mul_overflow(left, decode_ns, &rest_ns) || __builtin_add_overflow(rest_ns, next_ns, &sum_ns))
        return INT64_MAX;
    return sum_ns;
}

const struct pagesim_scheduling_policy scheduling_srpt = {
    .info = {"srpt", "shortest remaining processing time, an oracle (Schrage 1968)"},
    .order = PAGESIM_POLICY_CHANGING_KEY,
    .key = key,
    .create = create,
    .destroy = free,
};
