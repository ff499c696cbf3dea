/* event_policy.h - the scheduling policy and the victim's in the event replay: what they see of requests, what they are told, what they
 * decide. Says what the first section of vllm_v1.c says.
 *
 * A policy with a static key is asked when a request arrives and never again. Others see more, and the replay goes so much slower:
 *
 *   a key that changes   asked for at arrival, at a preemption and of all who run whenever a victim is chosen: costs nothing in between
 *   before_admission     sees who waits in each step that could admit somebody: no stretches while somebody waits
 *   happened             is told of each step of each request: no stretches, unless the policy has patience
 *
 * A policy with patience says for how long it need not be told of a decoding request. Till then a slot remembers since when it was not
 * told; no stretch is longer than the least patience but for its last step.
 */
#ifndef PAGESIM_EVENT_POLICY_H
#define PAGESIM_EVENT_POLICY_H

#include "vllm_v1_fast/replay_state.h"

/* Does the policy want each step by itself, as things are? */
static inline bool event_policy_wants_steps(const struct event_replay *replay)
{
    const struct pagesim_scheduling_policy *policy = replay->order.policy;
    return (policy->happened && !policy->patience) || (policy->before_admission && replay->waiting.count > 0);
}

/* Does the policy want to know what happens? Most do not; the functions that tell it do nothing then. */
static inline bool event_policy_listens(const struct event_replay *replay)
{
    return replay->order.policy->happened != NULL;
}

/* A request has `known` tokens, `computed` of them present, and this happened to it. */
static inline void event_policy_tell(const struct event_replay *replay, uint32_t position, uint32_t known, uint32_t computed,
                                     struct pagesim_policy_event event)
{
    if (!event_policy_listens(replay))
        return;
    const struct pagesim_policy_request request =
        scheduling_order_request(&replay->order, position, arrivals_time_of(&replay->base.arrivals, position), known, computed);
    replay->order.policy->happened(replay->order.self, &request, &event);
}
/* The step that was just decided and priced, of all who were scheduled in it, in running order; `computed` of those outside the calendar is up to date,
 * and the tick has not moved. Before anybody gets a token. */
void event_policy_tell_computed(struct event_replay *replay);

/* Tell what is untold of the decoding slot until end_ns, which is the end of the step whose tick was the last; or, `coming`, of the one whose
 * tick comes. */
void event_policy_catch_up(struct event_replay *replay, uint32_t slot, int64_t end_ns, bool coming);

/* The key of a request that comes back to the queue. */
int64_t event_policy_key_again(const struct event_replay *replay, uint32_t position, uint32_t known);

/* Let the policy look at who waits, with `budget` tokens left in the step. */
SIM_NODISCARD enum status event_policy_reorder(struct event_replay *replay, uint32_t budget, struct diag *diag);

/* The slot that the preemption_victim policy chooses. Nobody is in the calendar, and somebody runs. Overwrites `due`. */
uint32_t event_policy_victim(struct event_replay *replay);

#endif
