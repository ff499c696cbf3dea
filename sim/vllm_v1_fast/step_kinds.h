/* step_kinds.h - the three kinds of step of the event replay, each in a file of its own.
 *
 *   decode_stretch.c   many steps at once, as long as nothing but decoding happens: the reason why the event replay is fast
 *   calendar_step.c    the ordinary step: everybody who runs gets all that it wants. Costs what changes in it
 *   ordered_step.c     the order of the running requests matters: somebody may be preempted or go without. Costs O(batch)
 */
#ifndef PAGESIM_STEP_KINDS_H
#define PAGESIM_STEP_KINDS_H

#include "vllm_v1_fast/replay_state.h"

/* Does everybody who runs decode? Cheap to ask; false: the next step is no step of a stretch. */
static inline bool decode_stretch_possible(const struct event_replay *replay)
{
    return replay->prefill_count == 0 && replay->late == 0 && replay->calendar.decoders > 0;
}

/* Run the steps from here on in which nothing but decoding happens, as far as they start before the next arrival, and tell of them as
 * runs. decode_stretch_possible must hold. *steps: how many; 0 when the very next step is no such step. */
SIM_NODISCARD enum status decode_stretch_run(struct event_replay *replay, uint32_t *steps, struct diag *diag);

/* Run the coming step if it is an ordinary one; *end_ns is the clock at its end. Nothing could be scheduled: shape.sequences is 0. *ordinary
 * = false: it is an ordered step, and nothing was done. */
SIM_NODISCARD enum status calendar_step_run(struct event_replay *replay, bool *ordinary, int64_t *end_ns, struct diag *diag);

/* Run the coming step request by request; leaves the calendar filled anew. *end_ns is the clock at its end. Nothing could be scheduled:
 * shape.sequences and tally.preemptions are 0. */
SIM_NODISCARD enum status ordered_step_run(struct event_replay *replay, int64_t *end_ns, struct diag *diag);

#endif
