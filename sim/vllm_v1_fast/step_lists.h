/* step_lists.h - single steps of the event replay as lists (engine/step.h), for observers of decisions: who computes how much, who is admitted,
 * preempted, finished, with block tables.
 *
 * All of it is at hand when a step has its price: who runs is a list in the step's order, decoders compute one token, others what is planned
 * for them. Only block tables have to be made: the replay keeps them in pieces, and an observer wants an array. A copy grows with each.
 *
 * Only for one full group of layers without drafts, with ids.
 */
#ifndef PAGESIM_STEP_LISTS_H
#define PAGESIM_STEP_LISTS_H

#include "vllm_v1_fast/replay_state.h"

/* What replay->lists says, if an observer wants lists: for `most` slots. */
SIM_NODISCARD enum status step_lists_init(struct event_replay *replay, uint32_t most, struct diag *diag);
void step_lists_deinit(struct event_replay *replay);

/* To be called where replay->lists is. The first three are of the step that is being decided. */
void step_lists_begin(struct event_replay *replay);
void step_lists_admit(struct event_replay *replay, uint32_t position, uint32_t cached, uint32_t received);
void step_lists_preempt(struct event_replay *replay, uint32_t position, uint32_t requester, uint32_t tokens_lost, uint32_t blocks);
/* It is decided and priced; its tokens are not handed out. Observers see it. */
SIM_NODISCARD enum status step_lists_decided(struct event_replay *replay, struct diag *diag);
/* Its output is being taken: what that brings to one request. */
void step_lists_token(struct event_replay *replay, const struct flight *flight, const struct due_token *due);
/* Its output is taken. Observers see it. */
SIM_NODISCARD enum status step_lists_completed(struct event_replay *replay, const struct flight *flight, struct diag *diag);

#endif
