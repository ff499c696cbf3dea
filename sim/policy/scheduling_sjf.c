/* scheduling_sjf.c - shortest job first, by what a server knows of a job when it arrives: the length of its prompt.
 *
 * Serving the shortest first gives the least mean waiting time (W. E. Smith, Various optimizers for single-stage production, 1956); the
 * prompt is its cost up to the first token. Long prompts can starve: nothing ages.
 */
#include "policy/policies.h"

static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    return request->input_tokens;
}

const struct pagesim_scheduling_policy scheduling_sjf = {
    .info = {"sjf", "shortest prompt first (Smith 1956)"},
    .order = PAGESIM_POLICY_STATIC_KEY,
    .key = key,
};
