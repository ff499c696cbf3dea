/* outputs.c - who gets a token in a step, who ends, whose blocks go back. Read outputs.h first. Most get their token without being looked at:
 * the calendar counts them, and only first tokens, last ones and irregular gaps are visited. Says what v1_complete() in vllm_v1.c says. */
#include "vllm_v1_fast/outputs.h"

#include "vllm_v1_fast/draft_outputs.h"
#include "vllm_v1_fast/event_policy.h"
#include "vllm_v1_fast/event_windows.h"
#include "vllm_v1_fast/step_lists.h"
#include "vllm_v1_fast/step_parts.h"

void outputs_begin(struct event_replay *replay)
{
    struct flight *step = replay->step = replay->in_flight == replay->flights ? replay->flights + 1 : replay->flights;
    step->tally.preemptions = step->tally.regular_gaps = step->tally.vain_tokens = 0;
    step->tally.draft_tokens = step->tally.accepted_draft_tokens = step->turn_count = 0;
    step->run = NULL;
    step->due_count = step->lasts = step->goes_on = 0;
    if (replay->lists)
        step_lists_begin(replay);
}

/* --- when a step is decided ---------------------------------------------------------------------------------------------------------- */

static void add_due(struct event_replay *replay, uint32_t slot, int64_t gap_ns, bool last)
{
    struct flight *step = replay->step;
    const uint32_t position = replay->calendar.live[slot].position;
    step->due[step->due_count++] = (struct due_token){.gap_ns = gap_ns, .slot = slot, .position = position, .last = last};
    step->lasts += last;
}

/* The same three cases as in scheduler_stepper.c: a first token, a gap that is the step's duration and only counted, any other gap.
 * last_token_ns is kept for slots outside the calendar only; of one that decodes it is known to be the end of the last step. Whether a request ends is settled by its output length alone, because those that
 * could pass max_model_len were dropped. */
void outputs_note(struct event_replay *replay, uint32_t slot)
{
    struct live *live = &replay->calendar.live[slot];
    struct flight *step = replay->step;
    const struct trace *trace = replay->base.trace;
    const uint32_t generated = ++live->known - trace->input_tokens[live->position], all = trace->output_tokens[live->position];
    live->got_token = true;
    if (generated > all) /* outputs_note_vain has dealt with it */
        return;
    const int64_t gap_ns = live->last_token_ns < 0                       ? GAP_IS_FIRST
                           : live->last_token_ns == step->tally.start_ns ? GAP_IS_REGULAR
                                                                         : step->end_ns - live->last_token_ns;
    step->tally.regular_gaps += gap_ns == GAP_IS_REGULAR;
    live->last_token_ns = step->end_ns;
    if (generated == all) {
        live->over = !event_replay_ends_unforeseen(replay, live->position);
        step->goes_on += !live->over;
    }
    if (generated == all || gap_ns != GAP_IS_REGULAR)
        add_due(replay, slot, gap_ns, generated == all);
}

/* They are those whose last token is in flight and was not foreseen, if they had a turn in this step. Preempted ones had none. */
void outputs_note_vain(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    const struct flight *before = replay->in_flight;
    struct step_tally *tally = &replay->step->tally;
    for (uint32_t i = 0; before && before->goes_on > 0 && i < before->due_count; i++) {
        const struct due_token *due = &before->due[i];
        struct live *live = &calendar->live[due->slot];
        if (!due->last || live->over || live->preempted || !(live->decoding || live->scheduled > 0))
            continue;
        add_due(replay, due->slot, TOKEN_IN_VAIN, false);
        tally->vain_tokens++;
        tally->sampled_tokens--;
        live->over = !live->decoding;
    }
}

/* Put a slot into a list that is kept in running order. Few are due in one step, so insertion is enough. */
static void collect(const struct event_replay *replay, uint32_t *list, uint32_t *count, uint32_t slot)
{
    const struct live *live = replay->calendar.live;
    uint32_t at = (*count)++;
    for (; at > 0 && live[list[at - 1]].order > live[slot].order; at--)
        list[at] = list[at - 1];
    list[at] = slot;
}

/* A prompt that was longer than a window leaves it behind in the first steps, all at once. */
static __attribute__((noinline)) void enter_windows(struct event_replay *replay, uint32_t slot)
{
    replay->turns[slot].enter_tick = replay->calendar.tick;
    if (event_windows_lag(&replay->blocks, slot, replay->calendar.live[slot].computed))
        collect(replay, replay->fresh, &replay->fresh_count, slot);
}

/* Call it after the tick has moved: a slot that entered before would be given this step's token by the calendar as well. */
void outputs_enter(struct event_replay *replay, uint32_t slot)
{
    const struct live *live = &replay->calendar.live[slot];
    if (replay->blocks.windowed)
        enter_windows(replay, slot);
    event_calendar_enter(&replay->calendar, slot, v1_all_tokens(replay->base.trace, live->position) - live->known);
}

/* Blocks go back in running order, and finish lists are in none. They also hold those who finish whole turns of the ring later, so the tick is compared. Slots whose prompt is complete leave the
 * prefill list. */
static void collect_due(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    uint32_t kept = 0;
    replay->due_count = 0;
    for (uint32_t slot = calendar->finish_first[calendar->tick % FINISH_RING]; slot != LIVE_NONE; slot = calendar->live[slot].next_finish)
        if (calendar->live[slot].finish_tick == calendar->tick)
            collect(replay, replay->due, &replay->due_count, slot);
    for (uint32_t i = 0; i < replay->prefill_count; i++) {
        const uint32_t slot = replay->prefill[i];
        if (calendar->live[slot].computed == calendar->live[slot].known)
            collect(replay, replay->due, &replay->due_count, slot);
        else
            replay->prefill[kept++] = slot;
    }
    replay->prefill_count = kept;
}

/* The last token of a decoding slot is on its way. If that was foreseen it computes nothing any more. The tick has moved. */
static void end_decoding(struct event_replay *replay, uint32_t slot)
{
    struct event_calendar *calendar = &replay->calendar;
    struct live *live = &calendar->live[slot];
    add_due(replay, slot, GAP_IS_REGULAR, true);
    if (event_replay_ends_unforeseen(replay, live->position)) {
        replay->step->goes_on++;
        return;
    }
    live->coming = replay->base.overlaps;
    live->blind = live->coming && calendar->tick != live->seen_tick;
    event_calendar_leave(calendar, slot);
    live->last_token_ns = replay->step->end_ns;
    live->scheduled = 0;
    live->over = true;
}

/* In this order: every decoder counts as one regular gap, since nobody is late in a step of the calendar, but for those who compute in vain;
 * those due are collected; the tick moves, by which all others in the calendar have their token; then who is over leaves, and the new ones
 * enter. */
void outputs_of_calendar(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    struct step_tally *tally = &replay->step->tally;
    outputs_note_vain(replay);
    tally->regular_gaps = calendar->decoders - tally->vain_tokens;
    collect_due(replay);
    for (uint32_t i = 0; event_policy_listens(replay) && i < replay->due_count; i++)
        if (calendar->live[replay->due[i]].decoding)
            event_policy_catch_up(replay, replay->due[i], replay->step->end_ns, true);
    event_calendar_advance(calendar);
    for (uint32_t i = 0; i < replay->due_count; i++) {
        const uint32_t slot = replay->due[i];
        struct live *live = &calendar->live[slot];
        if (live->decoding) {
            end_decoding(replay, slot);
            continue;
        }
        live->scheduled = 0;
        outputs_note(replay, slot);
        live->seen_tick = calendar->tick; /* the prompt's last token */
        live->coming = replay->base.overlaps;
        if (!live->over)
            outputs_enter(replay, slot);
    }
}

/* --- when its output is back --------------------------------------------------------------------------------------------------------- */

/* The table goes back at once, before the next request due is looked at (section 7): the order of releases is the order of the free queue. A
 * step in vain has computed one token more than has content. Who was preempted while its last token was on its way has no table and
 * waits; it ends there. */
static enum status finish_request(struct event_replay *replay, const struct flight *flight, const struct due_token *due, struct diag *diag)
{
    struct event_calendar *calendar = &replay->calendar;
    const struct live *live = &calendar->live[due->slot];
    const struct trace *trace = replay->base.trace;
    const uint32_t position = due->position, all = v1_all_tokens(trace, position);
    const bool waits = live->preempted;
    const uint32_t computed = waits ? 0 : event_calendar_computed(calendar, live);
    enum status status = SIM_OK;
    if (event_policy_listens(replay) && live->decoding)
        event_policy_catch_up(replay, due->slot, replay->base.device_ns, false);
    event_policy_tell(replay, position, waits ? all : computed + 1, computed,
                      (struct pagesim_policy_event){.kind = PAGESIM_POLICY_FINISHED, .now_ns = flight->end_ns});
    if (waits) {
        request_queue_remove(&replay->waiting, position);
    } else {
        status = step_parts_give_back(replay, due->slot, computed, min_u32(computed, all - 1), false, diag);
        replay->held_tokens -= computed;
        event_calendar_remove(calendar, due->slot);
    }
    arrivals_end(&replay->base.arrivals, position, flight->end_ns);
    struct event *event =
        stepper_event_of(&replay->base, flight->tally.step, EVENT_FINISH, position, flight->end_ns, trace->output_tokens[position]);
    event->extra = waits;
    return status == SIM_OK ? step_stream_event_done(&replay->base.stream, diag) : status;
}

/* Of those due, what no tally tells. */
static enum status tell_token(struct event_replay *replay, const struct flight *flight, const struct due_token *due, struct diag *diag)
{
    if (due->gap_ns == GAP_IS_REGULAR)
        return SIM_OK;
    if (due->gap_ns == GAP_IS_FIRST || due->gap_ns == TOKEN_IN_VAIN)
        return stepper_tell_of(&replay->base, flight->tally.step, due->gap_ns == GAP_IS_FIRST ? EVENT_FIRST_TOKEN : EVENT_VAIN,
                               due->position, flight->end_ns, 1, diag);
    stepper_event_of(&replay->base, flight->tally.step, EVENT_GAP, due->position, flight->end_ns, due->gap_ns)->extra = 1;
    return step_stream_event_done(&replay->base.stream, diag);
}

/* The events of the step's end, then its tally, or the run that it ends. */
static enum status land(struct event_replay *replay, struct flight *flight, uint32_t *tokens, struct diag *diag)
{
    struct step_stream *stream = &replay->base.stream;
    enum status status = SIM_OK;
    stepper_wait_until(&replay->base, flight->end_ns);
    if (replay->drafting)
        status = draft_outputs_land(replay, flight, diag);
    for (uint32_t i = 0; i < flight->due_count && status == SIM_OK; i++) {
        if (replay->lists)
            step_lists_token(replay, flight, &flight->due[i]);
        status = tell_token(replay, flight, &flight->due[i], diag);
        if (flight->due[i].last && status == SIM_OK)
            status = finish_request(replay, flight, &flight->due[i], diag);
    }
    if (status != SIM_OK)
        return status;
    *tokens += flight->tally.sampled_tokens;
    if (!flight->run) {
        status = step_stream_tally(stream, &flight->tally, diag);
        return status == SIM_OK && replay->lists ? step_lists_completed(replay, flight, diag) : status;
    }
    if (flight->run == &flight->own_run)
        *step_stream_run(stream) = flight->own_run;
    return step_stream_run_done(stream, diag);
}

enum status outputs_wait(struct event_replay *replay, uint32_t *tokens, struct diag *diag)
{
    struct flight *flight = replay->in_flight;
    replay->in_flight = NULL;
    return land(replay, flight, tokens, diag);
}

enum status outputs_wait_alone(struct event_replay *replay, uint32_t *tokens, struct diag *diag)
{
    struct step_tally wait;
    enum status status = stepper_wait(&replay->base, replay->in_flight->end_ns, &wait, diag);
    if (status == SIM_OK)
        status = outputs_wait(replay, tokens, diag);
    return status == SIM_OK && wait.state_ns > 0 ? step_stream_tally(&replay->base.stream, &wait, diag) : status;
}

enum status outputs_submit(struct event_replay *replay, uint32_t *tokens, struct diag *diag)
{
    struct flight *back = replay->base.overlaps ? replay->in_flight : replay->step;
    replay->in_flight = replay->base.overlaps ? replay->step : NULL;
    return back ? land(replay, back, tokens, diag) : SIM_OK;
}
