/* replay.h - one replay: trace, configuration and step-time model in, a stream of steps and events to the observers out.
 *
 * replay_run picks the fastest stepper that gives observers what they ask for: the event replay (vllm_v1_fast/event_replay.h) when it
 * covers the configuration and nobody needs single steps, else the readable scheduler, a step at a time. The stream is the same. The loop
 * that drives either is engine/replay_loop.h.
 */
#ifndef PAGESIM_REPLAY_H
#define PAGESIM_REPLAY_H

#include "engine/replay_loop.h"

struct replay_options {
    bool reference; /* always the readable scheduler, each step by itself */
    bool check;     /* walk all invariants after every step (readable scheduler) */
    /* NULL, or called now and then with requests finished so far and their total; true = stop with SIM_INTERRUPTED. */
    bool (*progress)(void *context, uint64_t finished, uint64_t total);
    void *progress_context;
    int64_t until_ns; /* a server that fails then: no step starts from there on. 0: to the end */
};

/* The stepper that a replay of these inputs goes by; facts->by_events and why_not are filled in. For who drives it himself: the caller ends it
 * with ops->destroy. */
SIM_NODISCARD enum status replay_stepper(const struct replay_inputs *inputs, const struct replay_options *options,
                                         struct replay_facts *facts, struct stepper **out, struct diag *diag);

/* Replay the whole trace. V1: samples n > 1 must have been expanded (workload.h does it). A stall is SIM_OK with facts->end.stalled; an
 * abort of the engine is SIM_OK with facts->end.abort. Borrows everything; *facts is always filled. */
SIM_NODISCARD enum status replay_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                     const struct observer *observers, size_t observer_count, const struct replay_options *options,
                                     struct replay_facts *facts, struct diag *diag);

/* Replay the whole trace for one observer alone, with a step-time model made for it. `reference`: by the readable scheduler. */
SIM_NODISCARD enum status replay_observed(const struct trace *trace, const struct config *config, const struct observer *observer,
                                          bool reference, struct diag *diag);

#endif
