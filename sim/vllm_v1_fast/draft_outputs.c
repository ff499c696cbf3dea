/* draft_outputs.c - says what v1_complete() in vllm_v1.c and the scheduler's stepper say of a step that is back. */
#include "vllm_v1_fast/draft_outputs.h"

#include "base/integers.h"
#include "vllm_v1_fast/drafting.h"
#include "vllm_v1_fast/step_parts.h"

/* Has its request ended before? Somebody else may have the slot by now. */
static bool is_vain(const struct event_replay *replay, const struct draft_turn *turn)
{
    const struct live *live = &replay->calendar.live[turn->slot];
    const struct draft_request *request = &replay->drafting->requests[turn->slot];
    return live->order != turn->order || request->known == request->limit;
}

/* They come before all others. There can be some only if the output before ended somebody. */
enum status draft_outputs_tell_vain(struct event_replay *replay, struct flight *flight, struct diag *diag)
{
    enum status status = SIM_OK;
    const bool some = replay->drafting->ended;
    replay->drafting->ended = false;
    for (uint32_t i = 0; some && i < flight->turn_count && status == SIM_OK; i++) {
        struct draft_turn *turn = &flight->turns[i];
        if (!is_vain(replay, turn))
            continue;
        flight->tally.vain_tokens += turn->tokens;
        status = stepper_tell_of(&replay->base, flight->tally.step, EVENT_VAIN, turn->position, flight->end_ns, turn->tokens, diag);
        turn->slot = LIVE_NONE;
    }
    return status;
}

/* An answer's drafts are counted as vLLM counts them: right ones even if the request ended before it took them. */
static void count_drafts(struct event_replay *replay, struct flight *flight, uint32_t drafts, uint32_t right)
{
    struct draft_sums *sums = &replay->base.drafts;
    if (drafts == 0)
        return;
    flight->tally.draft_tokens += drafts;
    flight->tally.accepted_draft_tokens += right;
    sums->verified++;
    for (uint32_t at = 0; at < right; at++)
        sums->accepted_at[at]++;
}

/* A first token, a gap that is the step's duration and only counted, any other gap. */
enum status draft_outputs_tell(struct event_replay *replay, struct flight *flight, uint32_t slot, uint32_t got, struct diag *diag)
{
    struct live *live = &replay->calendar.live[slot];
    const int64_t last_ns = live->last_token_ns;
    live->last_token_ns = flight->end_ns;
    flight->tally.sampled_tokens += got;
    if (last_ns == flight->tally.start_ns) {
        flight->tally.regular_gaps++;
        return SIM_OK;
    }
    if (last_ns < 0)
        return stepper_tell_of(&replay->base, flight->tally.step, EVENT_FIRST_TOKEN, live->position, flight->end_ns, got, diag);
    stepper_event_of(&replay->base, flight->tally.step, EVENT_GAP, live->position, flight->end_ns, flight->end_ns - last_ns)->extra = 1;
    return step_stream_event_done(&replay->base.stream, diag);
}

/* Its blocks go back before the next request of the step is looked at. Who was preempted meanwhile has none, and ends in the queue. */
enum status draft_outputs_finish(struct event_replay *replay, const struct flight *flight, uint32_t slot, struct diag *diag)
{
    const struct live *live = &replay->calendar.live[slot];
    const struct draft_request *request = &replay->drafting->requests[slot];
    const uint32_t position = live->position;
    const bool waits = live->preempted;
    enum status status = SIM_OK;
    if (waits) {
        request_queue_remove(&replay->waiting, position);
    } else {
        status = step_parts_give_back(replay, slot, request->computed, request->settled, false, diag);
        replay->held_tokens -= request->computed;
        event_calendar_remove(&replay->calendar, slot);
    }
    replay->drafting->ended = true;
    arrivals_end(&replay->base.arrivals, position, flight->end_ns);
    stepper_event_of(&replay->base, flight->tally.step, EVENT_FINISH, position, flight->end_ns, request->known - request->prompt)->extra =
        waits;
    return status == SIM_OK ? step_stream_event_done(&replay->base.stream, diag) : status;
}

/* What was computed for wrong drafts is not there. What was decided before a preemption brings tokens all the same, and leaves the rest alone. */
static uint32_t take_tokens(struct event_replay *replay, struct flight *flight, const struct draft_turn *turn)
{
    struct draft_request *request = &replay->drafting->requests[turn->slot];
    const uint32_t output = request->known - request->prompt;
    const uint32_t right = turn->padded ? 0 : drafts_accepted(&replay->drafting->drafts, request->luck, output, turn->drafts);
    const uint32_t got = min_u32(1 + right, request->limit - request->known), wrong = 1 + turn->drafts - got;
    count_drafts(replay, flight, turn->drafts, right);
    request->known += got;
    request->coming -= 1 + turn->drafts;
    request->unsure -= turn->drafts;
    if (request->stale)
        return got;
    request->computed -= wrong;
    replay->held_tokens -= wrong;
    request->settled = max_u32(request->settled, drafting_settles(replay, request, request->computed - request->in_flight));
    return got;
}

static enum status take_output(struct event_replay *replay, struct flight *flight, const struct draft_turn *turn, struct diag *diag)
{
    const struct live *live = &replay->calendar.live[turn->slot];
    struct draft_request *request = &replay->drafting->requests[turn->slot];
    const struct drafts *drafts = &replay->drafting->drafts;
    enum status status = SIM_OK;
    request->in_flight -= turn->tokens;
    if (turn->samples)
        status = draft_outputs_tell(replay, flight, turn->slot, take_tokens(replay, flight, turn), diag);
    if (!replay->base.overlaps)
        request->proposed = request->mid_prefill ? 0 : drafts_proposed(drafts, request->luck, request->known - request->prompt);
    request->stale = false;
    if (live->preempted)
        replay->preempted[live->position] = (struct preempted_request){.last_token_ns = live->last_token_ns, .known = request->known};
    return status == SIM_OK && request->known == request->limit ? draft_outputs_finish(replay, flight, turn->slot, diag) : status;
}

enum status draft_outputs_land(struct event_replay *replay, struct flight *flight, struct diag *diag)
{
    flight->tally.sampled_tokens = 0;
    enum status status = draft_outputs_tell_vain(replay, flight, diag);
    for (uint32_t i = 0; i < flight->turn_count && status == SIM_OK; i++)
        if (flight->turns[i].slot != LIVE_NONE)
            status = take_output(replay, flight, &flight->turns[i], diag);
    return status;
}
