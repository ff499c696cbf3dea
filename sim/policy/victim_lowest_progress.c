/* victim_lowest_progress.c - the request that has generated the smallest share of its output: an oracle.
 *
 * Keeps those that will soon give their blocks back by themselves. Of equal ones, such as all that are still at their prompts, the last
 * admitted. Source: SGLang retracts the request with the fewest output tokens (sglang/srt/managers/schedule_batch.py, retract_decode); a
 * simulator knows the whole length and can use the share.
 */
#include "policy/policies.h"

static uint32_t choose(const struct pagesim_policy_running *running)
{
    uint32_t lowest = running->count - 1;
    struct pagesim_policy_request low = running->request(running, lowest);
    for (uint32_t at = lowest; at-- > 0;) {
        struct pagesim_policy_request request = running->request(running, at);
        /* generated / output of both, crosswise */
        if ((uint64_t)pagesim_generated_tokens(&request) * low.output_tokens <
            (uint64_t)pagesim_generated_tokens(&low) * request.output_tokens) {
            low = request;
            lowest = at;
        }
    }
    return lowest;
}

const struct pagesim_preemption_victim victim_lowest_progress = {
    .info = {"lowest-progress", "smallest share of its output generated, an oracle (after SGLang)"},
    .choose = choose,
};
