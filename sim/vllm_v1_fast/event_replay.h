/* event_replay.h - vLLM V1 replayed at the speed of events: the same stream of tallies and events as the plain scheduler, at a fraction
 * of its cost.
 *
 * The plain scheduler (vllm_v1.c) looks at every running request in every step. Here a step costs what changes in it: a request that
 * decodes is looked at when it needs a block or finishes (event_calendar.h), a waiting head that did not fit is looked at again only
 * after something that could help it. Steps in which order matters in other ways (somebody is preempted, or the token budget does not
 * reach everybody) are walked request by request, exactly as the plain scheduler does, and the calendar is filled anew.
 *
 * Exactness: tests/sim/vllm_v1_fast/test_event_replay.c compares every field of every tally and event with the plain scheduler's.
 */
#ifndef PAGESIM_EVENT_REPLAY_H
#define PAGESIM_EVENT_REPLAY_H

#include "replay/engine.h"

/* NULL: covered. Else why not, in words that fit "the event replay does not do ...". */
const char *event_replay_refuses(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                 const struct observer *observers, size_t observer_count);

/* Replay the whole trace; call only what event_replay_refuses accepts. Same contract as replay_run (engine.h): fills facts->end and
 * calls the observers' finish. SIM_INTERRUPTED when the progress hook says so. */
SIM_NODISCARD enum status event_replay_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                           const struct observer *observers, size_t observer_count, const struct replay_options *options,
                                           struct replay_facts *facts, struct diag *diag);

#endif
