/* step_parts.c - what every step of the event replay adds up: the shape that prices it, and the tally for observers; then its end: who gets
 * a token, who finishes, whose blocks go back. Read time/step_shape.h first. Most get their token without being looked at: the calendar
 * counts them, and only first tokens, finishes and irregular gaps are visited. Says what v1_complete() in vllm_v1.c says. */
#include "vllm_v1_fast/step_parts.h"

#include "vllm_v1_fast/event_policy.h"

/* --- sums ---------------------------------------------------------------------------------------------------------------------------- */

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
    replay->held_tokens += tokens;
    replay->helps += !decodes; /* a chunk may have registered what the waiting head can hit */
}

/* Counts are those after admission and before the step's releases, as a tally means (step.h). The back list is what vLLM calls cached:
 * orphans count too, since vLLM keeps their entries although nobody will ask for them. */
enum status step_parts_close(struct event_replay *replay, int64_t *end_ns, struct diag *diag)
{
    struct step_shape *shape = &replay->shape;
    const struct event_blocks *blocks = &replay->blocks;
    struct step_tally *tally = &replay->tally;
    shape->step = replay->base.step_number;
    tally->step = replay->base.step_number;
    tally->start_ns = replay->base.now_ns;
    tally->duration_ns = step_time_price(replay->base.model, shape);
    if (!step_time_fits(tally->start_ns, tally->duration_ns))
        return step_time_refuse(replay->base.model, shape, tally->start_ns, diag);
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
    return SIM_OK;
}

/* --- delivery ------------------------------------------------------------------------------------------------------------------------ */

/* Released blocks may let a refused head in, so it has to be looked at again. */
enum status delivery_give_back(struct event_replay *replay, uint32_t slot, uint32_t computed, bool preempted, struct diag *diag)
{
    replay->helps++;
    return event_blocks_release(&replay->blocks, slot, computed, preempted, diag);
}

/* The table goes back at once, before the next request due is looked at (section 7): the order of releases is the order of the free
 * queue. Whether a request finishes is settled by its output length alone, because those that could pass max_model_len were dropped. */
static enum status finish_request(struct event_replay *replay, uint32_t slot, uint32_t computed, int64_t end_ns, struct diag *diag)
{
    uint32_t position = replay->calendar.live[slot].position;
    if (event_policy_listens(replay) && replay->calendar.live[slot].decoding)
        event_policy_catch_up(replay, slot, end_ns);
    event_policy_tell(replay, position, computed + 1, computed,
                      (struct pagesim_policy_event){.kind = PAGESIM_POLICY_FINISHED, .now_ns = end_ns});
    enum status status = delivery_give_back(replay, slot, computed, false, diag);
    replay->held_tokens -= computed;
    event_calendar_remove(&replay->calendar, slot);
    arrivals_end(&replay->base.arrivals, position, end_ns);
    if (status == SIM_OK)
        status = stepper_tell(&replay->base, EVENT_FINISH, position, end_ns, replay->base.trace->output_tokens[position], diag);
    return status;
}

/* The same three cases as in scheduler_stepper.c: a first token, a gap that is the step's duration and only counted, any other gap.
 * last_token_ns is kept for slots outside the calendar only; of one that decodes it is known to be the end of the step before. */
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

/* Call it after the tick has moved: a slot that entered before would be given this step's token by the calendar as well. */
void delivery_enter(struct event_replay *replay, uint32_t slot)
{
    const struct live *live = &replay->calendar.live[slot];
    uint32_t position = live->position;
    uint32_t remaining = replay->base.trace->input_tokens[position] + replay->base.trace->output_tokens[position] - live->known;
    event_calendar_enter(&replay->calendar, slot, remaining);
}

/* Put a slot into the list of those whose token is more than one of many, kept in running order. Blocks go back in that order, and
 * finish lists are in none. Few are due in one step, so insertion is enough. */
static void add_due(struct event_replay *replay, uint32_t slot)
{
    const struct live *live = replay->calendar.live;
    uint32_t at = replay->due_count++;
    for (; at > 0 && live[replay->due[at - 1]].order > live[slot].order; at--)
        replay->due[at] = replay->due[at - 1];
    replay->due[at] = slot;
}

/* A finish list also holds those who finish whole turns of the ring later, so the tick is compared. */
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

/* In this order: every decoder counts as one regular gap, since nobody is late in a step of the calendar; slots whose prompt is complete
 * leave the prefill list; those due get their token or finish, in running order; the tick moves, by which all other decoders have got
 * theirs; then the new ones enter. A decoder that finishes has one token more than the calendar says, because the tick has not moved
 * yet. */
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
