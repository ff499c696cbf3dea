/* step_stream.c - the batches of step_stream.h: filling and delivering them. Read observer.h first, for what observers are promised. */
#include "engine/step_stream.h"

/* What is wanted is the union over all observers, found once: the engines ask these flags in their inner loops. */
void step_stream_init(struct step_stream *stream, const struct observer *observers, size_t count, uint32_t block_size)
{
    stream->observers = observers;
    stream->observer_count = count;
    stream->block_size = block_size;
    stream->wants_tallies = stream->wants_runs = stream->wants_events = stream->wants_contiguity = stream->wants_fillings = false;
    stream->wants_pools = stream->wants_steps = false;
    stream->tally_count = stream->run_count = stream->event_count = 0;
    for (size_t i = 0; i < count; i++) {
        stream->wants_tallies |= observers[i].tallies != NULL;
        stream->wants_runs |= observers[i].runs != NULL;
        stream->wants_events |= observers[i].events != NULL;
        stream->wants_contiguity |= observers[i].contiguity || observers[i].pool;
        stream->wants_fillings |= observers[i].preempting != NULL;
        stream->wants_pools |= observers[i].pool != NULL;
        stream->wants_steps |= observers[i].scheduled || observers[i].completed;
    }
    stream->singly = stream->wants_tallies || stream->wants_pools || stream->wants_steps;
    stream->pool_ns = stream->wants_pools ? 0 : INT64_MAX;
}

/* Observers of runs see a single step, or a gap, as a run of one: sums are its values times its duration. Sums are in 128 bits: blocks
 * times nanoseconds of a long gap pass 64 bits. A caller of observers of runs thus has one path for steps, gaps and stretches. */
void step_run_begin(const struct step_stream *stream, const struct step_tally *tally, struct step_run *run)
{
    const step_sum ns = (step_sum)(uint64_t)tally->state_ns;
    run->first = *tally;
    run->steps = 1;
    run->duration_ns = tally->duration_ns;
    run->state_ns = tally->state_ns;
    run->change_ns = 0;
    run->used_blocks_ns = tally->used_blocks * ns;
    run->cached_blocks_ns = tally->cached_blocks * ns;
    run->table_blocks_ns = tally->table_blocks * ns;
    run->table_runs_ns = tally->table_runs * ns;
    run->held_tokens_ns = tally->held_tokens * ns;
    run->peak_used_blocks = tally->used_blocks;
    run->peak_held_tokens = tally->held_tokens;
    run->peak_empty_slots = (uint64_t)tally->table_blocks * stream->block_size - tally->held_tokens;
}

void step_run_extend(const struct step_stream *stream, const struct step_tally *tally, struct step_run *run)
{
    const step_sum ns = (step_sum)(uint64_t)tally->state_ns;
    const uint64_t empty_slots = (uint64_t)tally->table_blocks * stream->block_size - tally->held_tokens;
    run->steps++;
    run->duration_ns += tally->duration_ns;
    run->state_ns += tally->state_ns;
    run->used_blocks_ns += tally->used_blocks * ns;
    run->cached_blocks_ns += tally->cached_blocks * ns;
    run->table_blocks_ns += tally->table_blocks * ns;
    run->table_runs_ns += tally->table_runs * ns;
    run->held_tokens_ns += tally->held_tokens * ns;
    run->peak_used_blocks = tally->used_blocks > run->peak_used_blocks ? tally->used_blocks : run->peak_used_blocks;
    run->peak_held_tokens = tally->held_tokens > run->peak_held_tokens ? tally->held_tokens : run->peak_held_tokens;
    run->peak_empty_slots = empty_slots > run->peak_empty_slots ? empty_slots : run->peak_empty_slots;
}

enum status step_stream_step(struct step_stream *stream, const struct step *step, bool completed, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < stream->observer_count && status == SIM_OK; i++) {
        const struct observer *observer = &stream->observers[i];
        if (!completed && observer->scheduled)
            status = observer->scheduled(observer->self, step, diag);
        if (completed && observer->completed)
            status = observer->completed(observer->self, step, diag);
    }
    return status;
}

/* Both forms may be wanted at once by different observers. Then the event replay makes no runs of several steps, and runs and tallies
 * are in step with each other. */
enum status step_stream_tally(struct step_stream *stream, const struct step_tally *tally, struct diag *diag)
{
    enum status status = SIM_OK;
    if (stream->wants_runs) {
        step_run_begin(stream, tally, step_stream_run(stream));
        status = step_stream_run_done(stream, diag);
    }
    if (!stream->wants_tallies || status != SIM_OK)
        return status;
    stream->tallies[stream->tally_count++] = *tally;
    return stream->tally_count == STREAM_BATCH ? step_stream_flush(stream, diag) : SIM_OK;
}

/* The batch counts as delivered even if an observer failed: the replay ends with that status, and nothing must be told twice. */
enum status step_stream_flush_events(struct step_stream *stream, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < stream->observer_count && status == SIM_OK && stream->event_count > 0; i++)
        if (stream->observers[i].events)
            status = stream->observers[i].events(stream->observers[i].self, stream->events, stream->event_count, diag);
    stream->event_count = 0;
    return status;
}

enum status step_stream_preempting(struct step_stream *stream, const struct pool_filling *filling, struct diag *diag)
{
    enum status status = step_stream_flush_events(stream, diag);
    for (size_t i = 0; i < stream->observer_count && status == SIM_OK; i++)
        if (stream->observers[i].preempting)
            status = stream->observers[i].preempting(stream->observers[i].self, filling, diag);
    return status;
}

/* One clock for all: who looks less often than another is shown states that it has no use for. */
enum status step_stream_pool(struct step_stream *stream, const struct pool_states *pool, struct diag *diag)
{
    enum status status = SIM_OK;
    int64_t soonest_ns = INT64_MAX;
    for (size_t i = 0; i < stream->observer_count && status == SIM_OK; i++) {
        const struct observer *observer = &stream->observers[i];
        int64_t next_ns = pool->until_ns;
        if (!observer->pool)
            continue;
        status = observer->pool(observer->self, pool, &next_ns, diag);
        soonest_ns = next_ns < soonest_ns ? next_ns : soonest_ns;
    }
    stream->pool_ns = soonest_ns;
    return status;
}

/* Events first: this is what keeps the promise that they come no later than their step. */
enum status step_stream_flush(struct step_stream *stream, struct diag *diag)
{
    enum status status = step_stream_flush_events(stream, diag);
    for (size_t i = 0; i < stream->observer_count && status == SIM_OK; i++) {
        const struct observer *observer = &stream->observers[i];
        if (observer->tallies && stream->tally_count > 0)
            status = observer->tallies(observer->self, stream->tallies, stream->tally_count, diag);
        if (observer->runs && stream->run_count > 0 && status == SIM_OK)
            status = observer->runs(observer->self, stream->runs, stream->run_count, diag);
    }
    stream->tally_count = stream->run_count = 0;
    return status;
}
