/* ordered_step.c - every running request is looked at in order, as vllm_v1.c does it; read schedule_running() there first. Happens when
 * blocks run out or the token budget does not reach everybody. Before it, everybody leaves the calendar; after it, they go back in.
 *
 * An ordered step also follows one in which the budget did not reach a decoder: such a request is late, its next gap is not the step's
 * duration, and the calendar can only count gaps that are. */
#include "vllm_v1_fast/step_kinds.h"

#include "base/array.h"
#include "base/integers.h"
#include "vllm_v1_fast/admission.h"
#include "vllm_v1_fast/event_policy.h"
#include "vllm_v1_fast/outputs.h"
#include "vllm_v1_fast/pool_look.h"
#include "vllm_v1_fast/step_lists.h"
#include "vllm_v1_fast/step_parts.h"

/* Everybody leaves the calendar, with numbers of their own. A decoder that is not late gets its newest token at the end of the last step: there
 * is no pause while somebody runs. With asynchronous scheduling that token is on its way. */
static void unfold(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running) {
        struct live *live = &calendar->live[slot];
        live->scheduled = 0;
        if (!live->decoding)
            continue;
        event_policy_catch_up(replay, slot, replay->base.device_ns, false);
        if (!live->late)
            live->last_token_ns = replay->base.device_ns;
        if (replay->blocks.windowed && !live->late && replay->turns[slot].enter_tick != calendar->tick)
            replay->turns[slot].tokens = 1;
        live->coming = replay->base.overlaps && !live->late;
        if (live->coming)
            live->blind = calendar->tick != live->seen_tick;
        live->late = false;
        event_calendar_leave(calendar, slot);
    }
    replay->late = 0;
    replay->prefill_count = 0;
    replay->fresh_count = 0;
}

/* Preempted requests are remembered by position, since slots go to others; the array is made with the first of them, because most
 * replays have none. What survives is what a readmission needs: known tokens and the time of the newest one. The table's private blocks
 * get a name now, so that the request can find them again (event_blocks_release). */
static enum status preempt(struct event_replay *replay, uint32_t victim, uint32_t requester, uint32_t *budget, struct diag *diag)
{
    struct live *live = &replay->calendar.live[victim];
    const struct array_request kept[] = {ARRAY_IF(!replay->preempted, replay->preempted, replay->base.trace->count)};
    enum status status = array_zeroed_all(kept, 1, "preempted requests", diag);
    if (status != SIM_OK)
        return status;
    *budget += live->scheduled; /* not under fcfs: it had its turn in this step already */
    struct event *event = stepper_event(&replay->base, EVENT_PREEMPT, live->position, replay->base.now_ns, live->computed);
    event->other = replay->calendar.live[requester].position;
    event->blocks = event_blocks_held(&replay->blocks, victim, live->computed);
    event->extra = PREEMPT_RECOMPUTE;
    if (replay->lists)
        step_lists_preempt(replay, live->position, event->other, live->computed, event->blocks);
    status = step_stream_event_done(&replay->base.stream, diag);
    if (status == SIM_OK)
        status = step_parts_give_back(replay, victim, live->computed, live->computed - (live->coming && live->blind), true, diag);
    replay->held_tokens -= live->computed;
    replay->preempted[live->position] = (struct preempted_request){.last_token_ns = live->last_token_ns, .known = live->known};
    replay->step->tally.preemptions++;
    event_policy_tell(
        replay, live->position, live->known, 0,
        (struct pagesim_policy_event){.kind = PAGESIM_POLICY_PREEMPTED, .now_ns = replay->base.now_ns, .tokens = live->computed});
    event_calendar_remove(&replay->calendar, victim);
    live->preempted = true;
    request_queue_push_preempted(&replay->waiting, live->position, event_policy_key_again(replay, live->position, live->known));
    return status;
}

/* Section 6.1. As in vLLM, `tokens` is cut by the budget before anybody is preempted and is not raised when a victim's tokens return;
 * those go to the requests that follow (case E12). Room is not tested against max_model_len: nobody has L known tokens here.
 * */
static enum status schedule_running(struct event_replay *replay, uint32_t threshold, uint32_t *budget, struct diag *diag)
{
    struct event_calendar *calendar = &replay->calendar;
    uint32_t slot = calendar->first_running;
    while (slot != LIVE_NONE && *budget > 0) {
        struct live *live = &calendar->live[slot];
        if (live->over) {
            slot = live->next_running;
            continue;
        }
        const uint32_t back = event_replay_back(replay, slot, live->computed), known = live->known - live->coming,
                       tokens = min_u32(min_u32(live->known - live->computed, threshold), *budget);
        bool fits = false, gone = false;
        enum status status = event_blocks_grow(&replay->blocks, slot, live->computed, back, known, tokens, &fits, diag);
        while (status == SIM_OK && !fits && !gone) {
            uint32_t victim = event_policy_victim(replay);
            gone = victim == slot;
            uint32_t after = live->next_running;
            status = preempt(replay, victim, slot, budget, diag);
            if (gone)
                slot = after; /* FCFS: nobody runs after it */
            else if (status == SIM_OK)
                status = event_blocks_grow(&replay->blocks, slot, live->computed, back, known, tokens, &fits, diag);
        }
        if (status != SIM_OK)
            return status;
        if (fits) {
            live->scheduled = tokens;
            *budget -= tokens;
            slot = live->next_running;
        }
    }
    return SIM_OK;
}

/* Everybody who is not over goes back into the calendar. A request that was given a token since its admission misses exactly one token, whether
 * it had a turn in this step or not, so it can decode; if it had none it is late, and the next step is an ordered one again. Others are in
 * prefill. Whose last token is on its way computes once more if nobody foresaw it, but not if it missed its turn to. */
static void fold(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    const struct trace *trace = replay->base.trace;
    replay->prefill_count = 0;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running) {
        struct live *live = &calendar->live[slot];
        if (live->scheduled == 0 && replay->blocks.windowed)
            replay->turns[slot].tokens = 0;
        if (!live->got_token) {
            replay->prefill[replay->prefill_count++] = slot;
            continue;
        }
        live->late = live->scheduled == 0;
        live->blind = live->late ? live->blind : live->coming;
        live->over |= live->late && live->known - trace->input_tokens[live->position] == trace->output_tokens[live->position];
        live->coming = replay->base.overlaps && !live->late;
        if (live->over)
            continue;
        replay->late += live->late;
        live->seen_tick = calendar->tick - (live->blind && !live->late);
        outputs_enter(replay, slot);
    }
}

/* What the step's tokens bring. Admitted requests are at the end of the running list, so its order is the step's order. */
static void hand_out_tokens(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    outputs_note_vain(replay);
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running) {
        const struct live *live = &calendar->live[slot];
        if (live->scheduled > 0 && live->computed == live->known)
            outputs_note(replay, slot);
    }
    event_calendar_advance(calendar);
    fold(replay);
}

/* The readable scheduler's step on slots: everybody out of the calendar, running loop, waiting loop unless somebody was preempted,
 * bookkeeping, tokens, everybody back. O(running), which only steps under pressure pay. */
enum status ordered_step_run(struct event_replay *replay, struct diag *diag)
{
    struct event_calendar *calendar = &replay->calendar;
    uint32_t budget = v1_budget(replay->base.config), threshold = event_replay_threshold(replay);
    struct pool_filling filling; /* of the step's beginning: who will be preempted is not known yet */
    const bool looks = replay->base.stream.wants_fillings;
    unfold(replay);
    replay->shape = (struct step_shape){0};
    enum status status = looks ? pool_look(replay, &filling, diag) : SIM_OK;
    if (status == SIM_OK)
        status = schedule_running(replay, threshold, &budget, diag);
    if (status == SIM_OK && looks && replay->step->tally.preemptions > 0)
        status = step_stream_preempting(&replay->base.stream, &filling, diag);
    if (status == SIM_OK && replay->step->tally.preemptions == 0)
        status = admission_run(replay, threshold, (struct step_room){.budget = budget, .inputs = UINT32_MAX}, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running)
        if (calendar->live[slot].scheduled > 0)
            step_parts_compute(replay, &calendar->live[slot]);
    if (replay->shape.sequences == 0 && replay->step->tally.preemptions == 0)
        return SIM_OK; /* nobody runs, or only who is over */
    status = step_parts_close(replay, diag);
    if (status != SIM_OK)
        return status;
    event_policy_tell_computed(replay);
    hand_out_tokens(replay);
    return SIM_OK;
}
