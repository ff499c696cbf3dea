/* draft_step.c - a step with drafts, request by request: says what v1_schedule() in vllm_v1.c says; read schedule_running() there first. Blocks
 * are those of the event replay. Who admits is admission.c. */
#include "vllm_v1_fast/step_kinds.h"

#include "base/array.h"
#include "base/integers.h"
#include "vllm_v1_fast/admission.h"
#include "vllm_v1_fast/drafting.h"
#include "vllm_v1_fast/event_policy.h"
#include "vllm_v1_fast/outputs.h"
#include "vllm_v1_fast/step_parts.h"

/* Policies look at requests with the numbers of slots that are not in the calendar. Tokens on their way count as known, but for drafts. */
static void show_requests(struct event_replay *replay)
{
    struct live *live = replay->calendar.live;
    for (uint32_t slot = replay->calendar.first_running; slot != LIVE_NONE; slot = live[slot].next_running) {
        const struct draft_request *request = &replay->drafting->requests[slot];
        live[slot].known = request->known + request->coming - request->unsure;
        live[slot].computed = request->computed;
    }
}

/* What survives is what a readmission needs. Output that is on its way may still add to it (draft_outputs.c). */
static enum status preempt(struct event_replay *replay, uint32_t victim, uint32_t requester, struct step_room *room, struct diag *diag)
{
    struct live *live = &replay->calendar.live[victim];
    struct draft_request *request = &replay->drafting->requests[victim];
    const struct array_request kept[] = {ARRAY_IF(!replay->preempted, replay->preempted, replay->base.trace->count)};
    enum status status = array_zeroed_all(kept, 1, "preempted requests", diag);
    if (status != SIM_OK)
        return status;
    if (live->scheduled > 0) { /* not under fcfs: it had its turn in this step already */
        room->budget += live->scheduled;
        room->inputs += live->scheduled + room->slots;
    }
    struct event *event = stepper_event(&replay->base, EVENT_PREEMPT, live->position, replay->base.now_ns, request->computed);
    event->other = replay->calendar.live[requester].position;
    event->blocks = event_blocks_held(&replay->blocks, victim, request->computed);
    event->extra = PREEMPT_RECOMPUTE;
    status = step_stream_event_done(&replay->base.stream, diag);
    if (status == SIM_OK)
        status = step_parts_give_back(replay, victim, request->computed, request->settled, true, diag);
    replay->held_tokens -= request->computed;
    request->computed = request->proposed = 0;
    request->stale = request->in_flight > 0;
    replay->preempted[live->position] = (struct preempted_request){.last_token_ns = live->last_token_ns, .known = request->known};
    replay->step->tally.preemptions++;
    const uint32_t known = request->known + request->coming - request->unsure;
    event_calendar_remove(&replay->calendar, victim);
    live->preempted = true;
    live->scheduled = 0;
    request_queue_push_preempted(&replay->waiting, live->position, event_policy_key_again(replay, live->position, known));
    return status;
}

/* Does the table have room for `tokens` more, and does nothing that others look for become full by them? Windows have to be asked what leaves them. */
static inline bool has_room(const struct event_replay *replay, const struct draft_request *request, uint32_t tokens)
{
    const uint32_t end = min_u32(request->computed + tokens + replay->drafting->lookahead, replay->base.config->max_model_len);
    return end <= request->covered && request->computed >= request->prompt && !replay->blocks.windowed;
}

/* Blocks for `tokens` more of a slot, and who has to go for them. *granted = false: it had to go itself; *next: who follows it. */
static enum status grow(struct event_replay *replay, uint32_t slot, uint32_t tokens, struct step_room *room, bool *granted, uint32_t *next,
                        struct diag *diag)
{
    struct draft_request *request = &replay->drafting->requests[slot];
    const struct live *live = &replay->calendar.live[slot];
    enum status status = SIM_OK;
    for (;;) {
        status = event_blocks_grow(&replay->blocks, slot, request->computed, request->computed - request->in_flight, request->known, tokens,
                                   granted, diag);
        if (status != SIM_OK || *granted)
            break;
        show_requests(replay);
        const uint32_t victim = event_policy_victim(replay);
        *next = live->next_running;
        status = preempt(replay, victim, slot, room, diag);
        if (status != SIM_OK || victim == slot)
            return status;
    }
    drafting_note_table(replay, slot);
    *next = live->next_running;
    return status;
}

/* Section 6.1, with section 14: drafts are verified with the newest token, as far as there is room for them. */
static enum status schedule_running(struct event_replay *replay, uint32_t threshold, struct step_room *room, struct diag *diag)
{
    struct event_calendar *calendar = &replay->calendar;
    struct drafting *drafting = replay->drafting;
    const uint32_t longest = replay->base.config->max_model_len;
    uint32_t left;
    for (uint32_t slot = calendar->first_running, next; slot != LIVE_NONE && (left = step_room_left(room)) > 0; slot = next) {
        struct draft_request *request = &drafting->requests[slot];
        const uint32_t sure = request->known + request->coming, wanted = sure + request->proposed - request->computed;
        const uint32_t tokens = min_u32(min_u32(min_u32(wanted, threshold), left), longest - request->computed - 1);
        bool granted = true;
        next = calendar->live[slot].next_running;
        if (tokens == 0 || drafting_is_over(request))
            continue;
        if (!has_room(replay, request, tokens)) {
            enum status status = grow(replay, slot, tokens, room, &granted, &next, diag);
            if (status != SIM_OK)
                return status;
        }
        if (!granted)
            continue;
        request->settled = max_u32(request->settled, drafting_settles(replay, request, request->computed + tokens));
        const uint32_t end = request->computed + tokens;
        calendar->live[slot].scheduled = tokens;
        request->drafts = (uint8_t)(request->proposed > 0 && end > sure ? end - sure : 0);
        request->padded = false;
        request->proposed = 0; /* drafts that found no room are lost */
        step_room_take(room, tokens);
        drafting->prefilling |= request->mid_prefill;
        drafting->others = true;
    }
    return SIM_OK;
}

/* Says what compute() in vllm_v1.c says of one request. */
static void compute(struct event_replay *replay, uint32_t slot)
{
    struct draft_request *request = &replay->drafting->requests[slot];
    struct live *live = &replay->calendar.live[slot];
    struct flight *step = replay->step;
    const uint32_t tokens = live->scheduled, drafts = request->drafts, most = replay->drafting->drafts.most;
    const bool samples = request->computed + tokens >= request->known + request->coming, decodes = tokens == 1 + drafts && samples;
    step_shape_add(&replay->shape, request->computed, tokens, decodes);
    replay->shape.sampled += samples;
    step->turns[step->turn_count++] = (struct draft_turn){.order = live->order,
                                                          .slot = slot,
                                                          .position = live->position,
                                                          .tokens = tokens,
                                                          .drafts = (uint8_t)drafts,
                                                          .samples = samples,
                                                          .padded = request->padded};
    replay->helps += request->computed < request->prompt; /* a chunk may have registered what the waiting head can hit */
    request->mid_prefill = !samples;
    request->computed += tokens;
    request->in_flight += tokens;
    request->coming += samples ? 1 + drafts : 0;
    request->unsure += samples ? drafts : 0;
    request->proposed = samples && replay->base.overlaps ? most : 0;
    replay->held_tokens += tokens;
    live->scheduled = 0;
}

enum status draft_step_run(struct event_replay *replay, struct diag *diag)
{
    const struct config *config = replay->base.config;
    struct event_calendar *calendar = &replay->calendar;
    struct drafting *drafting = replay->drafting;
    struct step_room room = {.budget = v1_budget(config), .inputs = UINT32_MAX, .slots = speculation_slots(config)};
    const uint32_t threshold = event_replay_threshold(replay);
    if (room.slots > 0)
        room.inputs = config->max_num_batched_tokens;
    drafting->prefilling = drafting->others = false;
    replay->shape = (struct step_shape){0};
    enum status status = schedule_running(replay, threshold, &room, diag);
    if (status == SIM_OK && replay->step->tally.preemptions == 0)
        status = admission_run(replay, threshold, room, diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running)
        if (calendar->live[slot].scheduled > 0)
            compute(replay, slot);
    if (replay->shape.sequences + replay->step->tally.preemptions == 0)
        return SIM_OK;
    return step_parts_close(replay, diag);
}
