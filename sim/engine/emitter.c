/* emitter.c - see emitter.h. */
#include "engine/emitter.h"

void emitter_init(struct emitter *emitter, const struct observer *observers, size_t count)
{
    emitter->observers = observers;
    emitter->observer_count = count;
    emitter->wants_tallies = emitter->wants_events = false;
    emitter->tally_count = emitter->event_count = 0;
    for (size_t i = 0; i < count; i++) {
        emitter->wants_tallies |= observers[i].tallies != NULL;
        emitter->wants_events |= observers[i].events != NULL;
    }
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
    for (size_t i = 0; i < emitter->observer_count && status == SIM_OK && emitter->tally_count > 0; i++)
        if (emitter->observers[i].tallies)
            status = emitter->observers[i].tallies(emitter->observers[i].self, emitter->tallies, emitter->tally_count, diag);
    emitter->tally_count = 0;
    return status;
}
