/* step_parts.c - what every step of the event replay adds up: the shape that prices it, and the tally for observers; then its end: who gets
 * a token, who finishes, whose blocks go back. Read time/step_shape.h first. Most get their token without being looked at: the calendar
 * counts them, and only first tokens, finishes and irregular gaps are visited. Says what v1_complete() in vllm_v1.c says. */
#include "vllm_v1_fast/step_parts.h"

/* --- sums ---------------------------------------------------------------------------------------------------------------------------- */

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

/* --- delivery ------------------------------------------------------------------------------------------------------------------------ */

enum status delivery_give_back(struct event_replay *replay, uint32_t slot, uint32_t computed, bool preempted, struct diag *diag)
{
    replay->helps++;
    return event_blocks_release(&replay->blocks, slot, computed, preempted, diag);
}

static enum status finish_request(struct event_replay *replay, uint32_t slot, uint32_t computed, int64_t end_ns, struct diag *diag)
{
    uint32_t position = replay->calendar.live[slot].position;
    enum status status = delivery_give_back(replay, slot, computed, false, diag);
    replay->held_tokens -= computed;
    event_calendar_remove(&replay->calendar, slot);
    arrivals_end(&replay->base.arrivals, position, end_ns);
    if (status == SIM_OK)
        status = stepper_tell(&replay->base, EVENT_FINISH, position, end_ns, replay->base.trace->output_tokens[position], diag);
    return status;
}

enum status delivery_token(struct event_replay *replay, uint32_t slot, int64_t end_ns, bool *gone, struct diag *diag)
{
    struct live *live = &replay->calendar.live[slot];
    enum status status = SIM_OK;
    if (live->last_token_ns < 0) {
        status = stepper_tell(&replay->base, EVENT_FIRST_TOKEN, live->position, end_ns, 1, diag);
    } else if (live->last_token_ns == replay->base.now_ns) {
        replay->tally.regular_gaps++;
    } else {
        stepper_event(&replay->base, EVENT_GAP, live->position, end_ns, end_ns - live->last_token_ns)->extra = 1;
        status = step_stream_event_done(&replay->base.stream, diag);
    }
    live->last_token_ns = end_ns;
    live->got_token = true;
    live->known++;
    *gone = live->known - replay->base.trace->input_tokens[live->position] >= replay->base.trace->output_tokens[live->position];
    if (*gone && status == SIM_OK)
        status = finish_request(replay, slot, live->computed, end_ns, diag);
    return status;
}

void delivery_enter(struct event_replay *replay, uint32_t slot)
{
    const struct live *live = &replay->calendar.live[slot];
    uint32_t position = live->position;
    uint32_t remaining = replay->base.trace->input_tokens[position] + replay->base.trace->output_tokens[position] - live->known;
    event_calendar_enter(&replay->calendar, slot, remaining);
}

/* Put a slot into the list of those whose token is more than one of many, kept in running order. */
static void add_due(struct event_replay *replay, uint32_t slot)
{
    const struct live *live = replay->calendar.live;
    uint32_t at = replay->due_count++;
    for (; at > 0 && live[replay->due[at - 1]].order > live[slot].order; at--)
        replay->due[at] = replay->due[at - 1];
    replay->due[at] = slot;
}

static void collect_due(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    replay->due_count = 0;
    for (uint32_t slot = calendar->finish_first[calendar->tick % FINISH_RING]; slot != LIVE_NONE; slot = calendar->live[slot].next_finish)
        if (calendar->live[slot].finish_tick == calendar->tick)
            add_due(replay, slot);
    for (uint32_t i = 0; i < replay->prefill_count; i++)
        if (calendar->live[replay->prefill[i]].computed == calendar->live[replay->prefill[i]].known)
            add_due(replay, replay->prefill[i]);
}

enum status delivery_to_due(struct event_replay *replay, int64_t end_ns, struct diag *diag)
{
    struct event_calendar *calendar = &replay->calendar;
    enum status status = SIM_OK;
    uint32_t entering = 0, kept = 0;
    replay->tally.regular_gaps = calendar->decoders;
    collect_due(replay);
    for (uint32_t i = 0; i < replay->prefill_count; i++)
        if (calendar->live[replay->prefill[i]].computed < calendar->live[replay->prefill[i]].known)
            replay->prefill[kept++] = replay->prefill[i];
    replay->prefill_count = kept;
    for (uint32_t i = 0; i < replay->due_count && status == SIM_OK; i++) {
        uint32_t slot = replay->due[i];
        bool gone = true;
        if (calendar->live[slot].decoding)
            status = finish_request(replay, slot, event_calendar_computed(calendar, &calendar->live[slot]) + 1, end_ns, diag);
        else
            status = delivery_token(replay, slot, end_ns, &gone, diag);
        if (!gone)
            replay->due[entering++] = slot;
    }
    if (status != SIM_OK) /* some of those due have their token and some not: no way back, and the replay ends here */
        return status;
    event_calendar_advance(calendar);
    for (uint32_t i = 0; i < entering; i++)
        delivery_enter(replay, replay->due[i]);
    return status;
}
