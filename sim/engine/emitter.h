/* emitter.h - collects events and tallies of a replay and hands them to observers in batches, so that watching costs one indirect call
 * per some hundred records instead of one per record.
 *
 * Rule kept for observers: events of a step are delivered no later than the batch that holds the step's tally. A stream that nobody
 * listens to is not collected.
 */
#ifndef PAGESIM_EMITTER_H
#define PAGESIM_EMITTER_H

#include "base/diag.h"
#include "engine/observer.h"

enum { EMITTER_BATCH = 256, EMITTER_RUNS = 64 };

struct emitter {
    const struct observer *observers;
    size_t observer_count;
    uint32_t block_size;
    bool wants_tallies, wants_runs, wants_events, wants_contiguity;
    size_t tally_count, run_count, event_count;
    struct step_tally tallies[EMITTER_BATCH];
    struct step_run runs[EMITTER_RUNS];
    struct event events[EMITTER_BATCH];
};

void emitter_init(struct emitter *emitter, const struct observer *observers, size_t count, uint32_t block_size);
/* Deliver what is collected: events first. */
SIM_NODISCARD enum status emitter_flush(struct emitter *emitter, struct diag *diag);
SIM_NODISCARD enum status emitter_flush_events(struct emitter *emitter, struct diag *diag);

/* Assign an event to what this points to, then call emitter_event_done. One that is built elsewhere and copied makes the processor wait, as
 * the copy reads it in wider pieces than it was just written in; that was 4 % of a replay's time. */
static inline struct event *emitter_event(struct emitter *emitter)
{
    return &emitter->events[emitter->event_count];
}
SIM_NODISCARD static inline enum status emitter_event_done(struct emitter *emitter, struct diag *diag)
{
    emitter->event_count += emitter->wants_events;
    return emitter->event_count == EMITTER_BATCH ? emitter_flush_events(emitter, diag) : SIM_OK;
}

/* A step or a gap, for observers of tallies and of runs. */
SIM_NODISCARD enum status emitter_tally(struct emitter *emitter, const struct step_tally *tally, struct diag *diag);

/* A run of several steps can be told only when nobody wants tallies: fill in what this returns, then call emitter_run_done. */
static inline struct step_run *emitter_run(struct emitter *emitter)
{
    return &emitter->runs[emitter->run_count];
}
SIM_NODISCARD static inline enum status emitter_run_done(struct emitter *emitter, struct diag *diag)
{
    return ++emitter->run_count == EMITTER_RUNS ? emitter_flush(emitter, diag) : SIM_OK;
}

#endif
