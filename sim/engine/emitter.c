/* emitter.c - see emitter.h. */
#include "engine/emitter.h"

void emitter_init(struct emitter *emitter, const struct observer *observers, size_t count, uint32_t block_size)
{
    emitter->observers = observers;
    emitter->observer_count = count;
    emitter->block_size = block_size;
    emitter->wants_tallies = emitter->wants_runs = emitter->wants_events = emitter->wants_contiguity = false;
    emitter->tally_count = emitter->run_count = emitter->event_count = 0;
    for (size_t i = 0; i < count; i++) {
        emitter->wants_tallies |= observers[i].tallies != NULL;
        emitter->wants_runs |= observers[i].runs != NULL;
        emitter->wants_events |= observers[i].events != NULL;
        emitter->wants_contiguity |= observers[i].contiguity;
    }
}

static void run_of_one(const struct emitter *emitter, const struct step_tally *tally, struct step_run *run)
{
    const step_sum ns = (step_sum)(uint64_t)tally->duration_ns;
    run->first = *tally;
    run->steps = 1;
    run->duration_ns = tally->duration_ns;
    run->change_ns = 0;
    run->used_blocks_ns = tally->used_blocks * ns;
    run->cached_blocks_ns = tally->cached_blocks * ns;
    run->table_blocks_ns = tally->table_blocks * ns;
    run->table_runs_ns = tally->table_runs * ns;
    run->held_tokens_ns = tally->held_tokens * ns;
    run->peak_used_blocks = tally->used_blocks;
    run->peak_held_tokens = tally->held_tokens;
    run->peak_empty_slots = (uint64_t)tally->table_blocks * emitter->block_size - tally->held_tokens;
}

enum status emitter_tally(struct emitter *emitter, const struct step_tally *tally, struct diag *diag)
{
    enum status status = SIM_OK;
    if (emitter->wants_runs) {
        run_of_one(emitter, tally, emitter_run(emitter));
        status = emitter_run_done(emitter, diag);
    }
    if (!emitter->wants_tallies || status != SIM_OK)
        return status;
    emitter->tallies[emitter->tally_count++] = *tally;
    return emitter->tally_count == EMITTER_BATCH ? emitter_flush(emitter, diag) : SIM_OK;
}

enum status emitter_flush_events(struct emitter *emitter, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < emitter->observer_count && status == SIM_OK && emitter->event_count > 0; i++)
        if (emitter->observers[i].events)
            status = emitter->observers[i].events(emitter->observers[i].self, emitter->events, emitter->event_count, diag);
    emitter->event_count = 0;
    return status;
}

enum status emitter_flush(struct emitter *emitter, struct diag *diag)
{
    enum status status = emitter_flush_events(emitter, diag);
    for (size_t i = 0; i < emitter->observer_count && status == SIM_OK; i++) {
        const struct observer *observer = &emitter->observers[i];
        if (observer->tallies && emitter->tally_count > 0)
            status = observer->tallies(observer->self, emitter->tallies, emitter->tally_count, diag);
        if (observer->runs && emitter->run_count > 0 && status == SIM_OK)
            status = observer->runs(observer->self, emitter->runs, emitter->run_count, diag);
    }
    emitter->tally_count = emitter->run_count = 0;
    return status;
}
