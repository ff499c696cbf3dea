/* engine.h - one replay: the loop that joins trace, scheduler, step time and observers on a virtual clock (formats.md section 3).
 *
 *     requests -> scheduler.schedule(now) -> step -> price -> observers -> scheduler.complete(step) -> observers -> now += dt
 *
 * replay_run picks the fastest engine that gives observers what they ask for: the event replay (event_replay.h) when it covers the
 * configuration and nobody needs single steps, else the plain schedulers, a step at a time. The stream is the same.
 */
#ifndef PAGESIM_ENGINE_H
#define PAGESIM_ENGINE_H

#include "base/diag.h"
#include "config/config.h"
#include "engine/observer.h"
#include "time/step_time.h"
#include "trace/trace.h"

struct replay_options {
    bool reference; /* always the plain scheduler */
    bool check;     /* walk all invariants after every step (plain scheduler) */
    /* NULL, or called now and then with requests finished so far and their total; true = stop with SIM_INTERRUPTED. */
    bool (*progress)(void *context, uint64_t finished, uint64_t total);
    void *progress_context;
};

struct replay_facts {
    struct run_end end;
    bool by_events;      /* the event replay ran */
    char why_not[128];   /* else: why it did not */
    char diagnosis[512]; /* after a stall or abort: what happened and the remedy */
    char abort[256];     /* what end.abort points to */
};

/* Replay the whole trace. V1: samples n > 1 must have been expanded (trace_expand_samples). A stall is SIM_OK with facts->end.stalled; an
 * abort of the engine is SIM_OK with facts->end.abort. Borrows everything; *facts is always filled. */
SIM_NODISCARD enum status replay_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                     const struct observer *observers, size_t observer_count, const struct replay_options *options,
                                     struct replay_facts *facts, struct diag *diag);

#endif
