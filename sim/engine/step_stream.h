/* step_stream.h - events, tallies and runs of a replay on their way to the observers, in batches, so that watching costs one indirect call
 * per some hundred records instead of one per record.
 *
 * Promised to observers: the events of a step arrive no later than the batch that holds the step's tally. What nobody listens to is not
 * collected. Belongs to one replay and one thread.
 */
#ifndef PAGESIM_STEP_STREAM_H
#define PAGESIM_STEP_STREAM_H

#include "base/diag.h"
#include "engine/observer.h"

enum { STREAM_BATCH = 256, STREAM_RUNS = 64 };

struct step_stream {
    const struct observer *observers;
    size_t observer_count;
    uint32_t block_size;
    bool wants_tallies, wants_runs, wants_events, wants_contiguity, wants_fillings, wants_pools, wants_steps; /* does any observer? */
    bool singly; /* tallies, pools or steps: somebody looks at each step, so that no two may be told as one */
    size_t tally_count, run_count, event_count;
    struct step_tally tallies[STREAM_BATCH];
    struct step_run runs[STREAM_RUNS];
    struct event events[STREAM_BATCH];
    int64_t pool_ns; /* a state of the pool that ends after it is to be shown; INT64_MAX: none ever */
};

/* Borrows the observers. There is nothing to release. */
void step_stream_init(struct step_stream *stream, const struct observer *observers, size_t count, uint32_t block_size);

/* Deliver what is collected, events first; what the first observer that fails returns. */
SIM_NODISCARD enum status step_stream_flush(struct step_stream *stream, struct diag *diag);
SIM_NODISCARD enum status step_stream_flush_events(struct step_stream *stream, struct diag *diag);

/* A step has preempted somebody: its events, then what filled the pool when it began. */
SIM_NODISCARD enum status step_stream_preempting(struct step_stream *stream, const struct pool_filling *filling, struct diag *diag);

/* Show a step to who wants to see it when it is decided, or when it is completed. */
SIM_NODISCARD enum status step_stream_step(struct step_stream *stream, const struct step *step, bool completed, struct diag *diag);

/* Show a state of the pool, which is due. */
SIM_NODISCARD enum status step_stream_pool(struct step_stream *stream, const struct pool_states *pool, struct diag *diag);

/* To add an event, assign it to what this points to, then call step_stream_event_done. (An event that is built elsewhere and copied makes
 * the processor wait, because the copy reads it in wider pieces than it was just written in. That cost 4 % of a replay's time.) */
static inline struct event *step_stream_event(struct step_stream *stream)
{
    return &stream->events[stream->event_count];
}
SIM_NODISCARD static inline enum status step_stream_event_done(struct step_stream *stream, struct diag *diag)
{
    stream->event_count += stream->wants_events;
    return stream->event_count == STREAM_BATCH ? step_stream_flush_events(stream, diag) : SIM_OK;
}

/* Add a step or a gap, for observers of tallies and of runs. */
SIM_NODISCARD enum status step_stream_tally(struct step_stream *stream, const struct step_tally *tally, struct diag *diag);

/* What a run is made of, step by step: a run of one step, and the next step of the same run. For those who do not know the sums beforehand. */
void step_run_begin(const struct step_stream *stream, const struct step_tally *tally, struct step_run *run);
void step_run_extend(const struct step_stream *stream, const struct step_tally *tally, struct step_run *run);

/* To add a run of several steps, fill in what this returns, then call step_stream_run_done. Only when nobody wants tallies. */
static inline struct step_run *step_stream_run(struct step_stream *stream)
{
    return &stream->runs[stream->run_count];
}
SIM_NODISCARD static inline enum status step_stream_run_done(struct step_stream *stream, struct diag *diag)
{
    return ++stream->run_count == STREAM_RUNS ? step_stream_flush(stream, diag) : SIM_OK;
}

#endif
