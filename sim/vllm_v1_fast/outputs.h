/* outputs.h - output tokens of the event replay: who gets one in a step that is decided, and what happens when its output is back.
 *
 * Who gets a token, and when, is known when a step is decided and priced. Only what comes of it for others waits until the output is back:
 * those who end give their blocks and places back then. Without asynchronous scheduling that is at once; with it, after the next step is
 * decided.
 */
#ifndef PAGESIM_OUTPUTS_H
#define PAGESIM_OUTPUTS_H

#include "vllm_v1_fast/replay_state.h"

/* Begin with the coming step: replay->step is a flight with nothing in it. */
void outputs_begin(struct event_replay *replay);

/* The step gives a token to a slot that is not in the calendar: note what needs a look later. */
void outputs_note(struct event_replay *replay, uint32_t slot);
/* Before any token of the step is noted: who computes in vain. */
void outputs_note_vain(struct event_replay *replay);
/* Put a slot that got a token into the calendar: from now on it decodes. */
void outputs_enter(struct event_replay *replay, uint32_t slot);
/* The step is one in which the calendar stands: a token for everybody in it and for those whose prompt is complete. One tick. */
void outputs_of_calendar(struct event_replay *replay);

/* The step is decided. It is under way, or its output is back at once. *tokens: how many the output brought that came back now. */
SIM_NODISCARD enum status outputs_submit(struct event_replay *replay, uint32_t *tokens, struct diag *diag);
/* Take the output that is in flight, before the next step is decided: it must not be anybody's last token. */
SIM_NODISCARD enum status outputs_wait(struct event_replay *replay, uint32_t *tokens, struct diag *diag);
/* Nothing was decided: take the output that is in flight, and tell of the time until it comes. */
SIM_NODISCARD enum status outputs_wait_alone(struct event_replay *replay, uint32_t *tokens, struct diag *diag);

#endif
