/* pool_look.c - says what preemption_story.c counts from the lists of a readable scheduler (observe/block_holders.h). There every block is
 * followed from step to step; here the tables are walked when somebody asks, which is before a step under pressure only. */
#include "vllm_v1_fast/pool_look.h"

#include "base/integers.h"

/* The phase in which it last had a turn. The token of that turn was not there yet, nor the one before it if that was on its way. */
static uint32_t phase_of(const struct event_replay *replay, const struct live *live)
{
    return live->known > event_replay_known(replay, live->position) + 1 + live->blind ? CLASS_DECODE : CLASS_PREFILL;
}

/* Prefill first: a block that both phases hold is charged to it. Only a table's last block can have empty slots, and nobody shares that. */
static void look_at_phase(struct event_replay *replay, uint32_t phase, struct pool_filling *filling)
{
    const struct event_calendar *calendar = &replay->calendar;
    const uint32_t size = calendar->block_size;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running) {
        const struct live *live = &calendar->live[slot];
        if (phase_of(replay, live) != phase)
            continue;
        const uint32_t held = event_blocks_held(&replay->blocks, slot, live->computed);
        const uint32_t charged = event_blocks_count(&replay->blocks, slot);
        filling->holders[phase]++;
        filling->blocks[phase] += charged;
        filling->used_blocks += charged;
        filling->saved_blocks += held - charged;
        filling->empty_slots += held * size - live->computed;
        pool_filling_note_table(filling, live->position, held);
    }
}

enum status pool_look(struct event_replay *replay, struct pool_filling *out, struct diag *diag)
{
    *out = (struct pool_filling){.known = true};
    enum status status = event_blocks_count_begin(&replay->blocks, diag);
    if (status != SIM_OK)
        return status;
    look_at_phase(replay, CLASS_PREFILL, out);
    look_at_phase(replay, CLASS_DECODE, out);
    out->unused_blocks = replay->blocks.queue.usable - out->used_blocks;
    return SIM_OK;
}
