/* step_parts.c - what every step of the event replay adds up: the shape that prices it, and the tally for observers. Read time/step_shape.h
 * first. */
#include "vllm_v1_fast/step_parts.h"

#include "vllm_v1_fast/step_lists.h"

/* Two counters of the calendar are the whole sum: contexts include the token that this step computes, one more for each decoder. Only
 * the extremes need a walk over the running list, O(batch), so only models that price by them pay for it. */
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

/* What compute() in vllm_v1.c does for one request. Decoding slots of an ordinary step never come here; the calendar computes for them. */
void step_parts_compute(struct event_replay *replay, struct live *live)
{
    const uint32_t tokens = live->scheduled, before = live->computed;
    const bool samples = before + tokens == live->known, decodes = tokens == 1 && samples;
    step_shape_add(&replay->shape, before, tokens, decodes);
    replay->shape.sampled += samples;
    live->computed += tokens;
    if (replay->blocks.windowed)
        replay->turns[live - replay->calendar.live].tokens = tokens;
    replay->held_tokens += tokens;
    replay->helps += !decodes; /* a chunk may have registered what the waiting head can hit */
}

/* The back list is what vLLM calls cached: orphans count too, since vLLM keeps their entries although nobody will ask for them. */
void step_parts_state(const struct event_replay *replay, struct step_tally *tally)
{
    const struct event_blocks *blocks = &replay->blocks;
    tally->held_tokens = event_blocks_held_tokens(blocks, replay->held_tokens);
    tally->running = replay->calendar.running;
    tally->waiting = replay->waiting.count;
    tally->free_blocks = event_blocks_free(blocks);
    tally->cached_blocks = blocks->queue.back_blocks;
    tally->used_blocks = blocks->queue.usable - tally->free_blocks;
    tally->table_blocks = (uint32_t)blocks->table_blocks;
    tally->table_runs = (uint32_t)blocks->table_runs;
}

/* Counts are those after admission and before anything is given back, as a tally means (step.h). */
enum status step_parts_close(struct event_replay *replay, struct diag *diag)
{
    struct step_shape *shape = &replay->shape;
    struct step_tally *tally = &replay->step->tally;
    shape->step = replay->base.step_number;
    tally->step = replay->base.step_number;
    enum status status = stepper_time_step(&replay->base, shape, tally, diag);
    step_tally_set_work(tally, shape);
    step_parts_state(replay, tally);
    replay->step->end_ns = replay->base.device_ns;
    return status == SIM_OK && replay->lists ? step_lists_decided(replay, diag) : status;
}

/* Released blocks may let a refused head in, so it has to be looked at again. */
enum status step_parts_give_back(struct event_replay *replay, uint32_t slot, uint32_t computed, uint32_t settled, bool preempted,
                                 struct diag *diag)
{
    replay->helps++;
    return event_blocks_release(&replay->blocks, slot, computed, settled, preempted, diag);
}
