/* step_kinds.h - the three kinds of step of the event replay, each in a file of its own.
 *
 *   decode_stretch.c   many steps at once, as long as nothing but decoding happens: the reason why the event replay is fast
 *   calendar_step.c    the ordinary step: everybody who runs gets all that it wants. Costs what changes in it
 *   ordered_step.c     the order of the running requests matters: somebody may be preempted or go without. Costs O(batch)
 */
#ifndef PAGESIM_STEP_KINDS_H
#define PAGESIM_STEP_KINDS_H

#include "vllm_v1_fast/replay_state.h"

/* Does everybody who runs decode, and get a token? Cheap to ask; false: the next step is no step of a stretch. */
static inline bool decode_stretch_possible(const struct event_replay *replay)
{
    const uint32_t decoders = replay->calendar.decoders;
    return replay->prefill_count == 0 && replay->late + replay->fresh_count == 0 && decoders > 0 &&
           decoders <= v1_budget(replay->base.config);
}

/* Run the steps from here on in which nothing but decoding happens, as far as they are decided before the next arrival, and tell of them as
 * runs. decode_stretch_possible must hold. *steps: how many; 0 when the very next step is no such step, and nothing was done. *tokens: as
 * of outputs_submit. */
SIM_NODISCARD enum status decode_stretch_run(struct event_replay *replay, uint32_t *steps, uint32_t *tokens, struct diag *diag);

/* Decide the coming step, replay->step, if it is an ordinary one. Nothing could be scheduled: shape.sequences is 0. *ordinary = false: it is
 * an ordered step, and nothing was done. */
SIM_NODISCARD enum status calendar_step_run(struct event_replay *replay, bool *ordinary, struct diag *diag);

/* Decide the coming step request by request; leaves the calendar filled anew. Nothing could be scheduled: shape.sequences and the tally's
 * preemptions are 0. */
SIM_NODISCARD enum status ordered_step_run(struct event_replay *replay, struct diag *diag);

/* With drafts: decide the coming step request by request. Nothing could be scheduled: likewise. */
SIM_NODISCARD enum status draft_step_run(struct event_replay *replay, struct diag *diag);

/* With drafts: run the steps from here on in which everybody decodes and nobody comes, goes or could get the last token, as far as they are
 * decided before the next arrival. *steps: how many; 0 when the very next step is no such step, and nothing was done. *tokens: as of
 * outputs_submit. */
SIM_NODISCARD enum status draft_stretch_run(struct event_replay *replay, uint32_t *steps, uint32_t *tokens, struct diag *diag);

#endif
