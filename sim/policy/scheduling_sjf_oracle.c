/* scheduling_sjf_oracle.c - shortest output first: what a perfect predictor of output lengths would bring.
 *
 * No server knows the length beforehand; systems that predict it (S3, Jin et al., NeurIPS 2023; learning to rank, Fu et al., NeurIPS 2024,
 * arXiv 2408.15792) come as near to this bound as their predictor is good. length_prediction_sigma gives it an error; that is such a system
 * without the paper's guard against starvation. Source of the rule: as scheduling_sjf.c.
 */
#include "policy/policies.h"

static int64_t key(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    return request->output_tokens;
}

const struct pagesim_scheduling_policy scheduling_sjf_oracle = {
    .info = {"sjf-oracle", "shortest output first, an oracle (bound of Fu et al. 2024)"},
    .order = PAGESIM_POLICY_STATIC_KEY,
    .key = key,
};
