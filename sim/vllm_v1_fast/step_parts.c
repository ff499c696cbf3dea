/* step_parts.c - what every step of the event replay adds up: the shape that prices it, and the tally for observers. Read
 * time/step_shape.h first. */
#include "vllm_v1_fast/step_parts.h"

void step_parts_decodes(const struct event_replay *replay, struct step_shape *shape)
{
    const struct event_calendar *calendar = &replay->calendar;
    *shape = step_shape_of_decodes(calendar->decoders, calendar->decoder_tokens + calendar->decoders);
    if (!replay->base.model->wants_extremes || calendar->decoders == 0)
        return;
    shape->min_decode_context = UINT32_MAX;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running) {
        const struct live *live = &calendar->live[slot];
        uint32_t context = event_calendar_computed(calendar, live) + 1;
        if (live->decoding && context > shape->max_decode_context)
            shape->max_decode_context = context;
        if (live->decoding && context < shape->min_decode_context)
            shape->min_decode_context = context;
    }
}

void step_parts_compute(struct event_replay *replay, struct live *live)
{
    const uint32_t tokens = live->scheduled, before = live->computed;
    const bool samples = before + tokens == live->known, decodes = tokens == 1 && samples;
    step_shape_add(&replay->shape, before, tokens, decodes);
    replay->shape.sampled += samples;
    live->computed += tokens;
    replay->held_tokens += tokens;
    replay->helps += !decodes; /* a chunk may have registered what the waiting head can hit */
}

void step_parts_close(struct event_replay *replay, int64_t *end_ns)
{
    struct step_shape *shape = &replay->shape;
    const struct event_blocks *blocks = &replay->blocks;
    struct step_tally *tally = &replay->tally;
    shape->step = replay->base.step_number;
    tally->step = replay->base.step_number;
    tally->start_ns = replay->base.now_ns;
    tally->duration_ns = step_time_price(replay->base.model, shape);
    step_tally_set_work(tally, shape);
    tally->held_tokens = replay->held_tokens;
    tally->running = replay->calendar.running;
    tally->waiting = replay->waiting.count;
    tally->free_blocks = event_blocks_free(blocks);
    tally->cached_blocks = blocks->queue.back_blocks;
    tally->used_blocks = blocks->queue.usable - tally->free_blocks;
    tally->table_blocks = (uint32_t)blocks->table_blocks;
    tally->table_runs = (uint32_t)blocks->table_runs;
    *end_ns = replay->base.now_ns + tally->duration_ns;
}
