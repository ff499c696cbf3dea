/* victim_cheapest_recompute.c - the request whose loss costs least to compute again.
 *
 * Cost = computed tokens, less the leading ones in blocks that other running requests hold: those stay in the prefix cache whatever
 * happens. Its other blocks may be found again too, but only until they are taken, and they are taken from it because blocks are short. Of
 * equal ones the last admitted. The request that would be dearest is never chosen while another one runs, so work always gets done.
 * Source: the recomputation cost by which systems weigh what to drop, as in InferCept (Abhyankar et al., ICML 2024), less what sharing
 * keeps (PagedAttention, SOSP'23, section 4.5, has the sequences that share blocks preempted together).
 */
#include "policy/policies.h"

static uint32_t choose(const struct pagesim_policy_running *running)
{
    uint32_t cheapest = 0, least = UINT32_MAX;
    for (uint32_t at = running->count; at-- > 0;) {
        uint32_t cost = running->request(running, at).computed_tokens;
        if (cost > 0)
            cost -= running->shared_tokens(running, at);
        if (cost < least) {
            least = cost;
            cheapest = at;
        }
    }
    return cheapest;
}

const struct pagesim_preemption_victim victim_cheapest_recompute = {
    .info = {"cheapest-recompute", "fewest computed tokens that no other running request holds (after InferCept)"},
    .choose = choose,
};
