/* event_replay.h - vLLM V1 replayed at the speed of events: the same stream of tallies and events as the readable scheduler, at a
 * fraction of its cost. A stepper (engine/stepper.h).
 *
 * The readable scheduler (vllm_v1.c) looks at every running request in every step. Here a step costs what changes in it. There are three
 * kinds of step:
 *
 *   decode_stretch.c   nothing but decoding happens: thousands of steps are one sum (if the scheduling policy allows: event_policy.h)
 *   calendar_step.c    everybody gets what it wants: only those who need a block, get a first token or finish are looked at
 *   ordered_step.c     blocks or tokens do not reach everybody: all are looked at in order, exactly as the readable scheduler does
 *
 * With drafts (speculation) each request has a way of its own through its answer, and two kinds of step are others:
 *
 *   draft_stretch.c   everybody decodes with as many drafts as there can be: a short loop over who runs, step by step
 *   draft_step.c      all others: request by request
 *
 * Replay_state.h draws the layers. Exactness: tests/sim/vllm_v1_fast/test_event_replay.c compares every field of every tally and event
 * with the readable scheduler's.
 */
#ifndef PAGESIM_EVENT_REPLAY_H
#define PAGESIM_EVENT_REPLAY_H

#include "engine/stepper.h"

/* NULL: covered. Else why not, in words that fit "the event replay does not do ...". */
const char *event_replay_refuses(const struct replay_inputs *inputs);

/* A stepper for what event_replay_refuses accepts. End it with (*out)->ops->destroy. */
SIM_NODISCARD enum status event_replay_create(const struct replay_inputs *inputs, struct stepper **out, struct diag *diag);

#endif
