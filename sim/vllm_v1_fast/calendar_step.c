/* calendar_step.c - the ordinary step: everybody who runs gets what it wants, so only those the calendar names are looked at, and those
 * who do not decode yet. Read event_calendar.h first.
 *
 * The idea: if blocks and tokens reach everybody, the outcome for a request does not depend on who came before it, only the ids of its
 * blocks do. Then a decoder between two block boundaries needs no look at all. */
#include "vllm_v1_fast/step_kinds.h"

#include "base/integers.h"
#include "vllm_v1_fast/admission.h"
#include "vllm_v1_fast/event_policy.h"
#include "vllm_v1_fast/outputs.h"
#include "vllm_v1_fast/step_parts.h"
#include "vllm_v1_fast/window_turns.h"

/* Does everybody who runs get what it wants? Then order matters for one thing only: who takes which block. Sets `scheduled` of those in
 * prefill, and *budget to the tokens left for admissions. The budget covers all decoders, unless it was set
 * below max_num_batched_tokens: that is refused below max_num_seqs (section 8). A chunk that the budget would cut changes what later requests get, which
 * is an ordered step, with one exception that long prompts make common: the only prefill, last in the running list, has nobody after it.
 * Blocks needed are exact, not a bound: one for each decoder whose phase it is and what each chunk adds, in each group of layers (what windows give
 * back meanwhile is not counted on). `scheduled` of a plan that is
 * given up is cleared by the ordered step. */
static bool plan(struct event_replay *replay, uint32_t threshold, uint32_t *budget)
{
    struct event_calendar *calendar = &replay->calendar;
    const uint32_t size = calendar->block_size;
    uint64_t needed = calendar->phase_count[calendar->tick_phase];
    const uint32_t all = v1_budget(replay->base.config);
    if (replay->late > 0 || calendar->decoders > all)
        return false;
    uint32_t left = all - calendar->decoders;
    for (uint32_t i = 0; i < replay->prefill_count; i++) {
        struct live *live = &calendar->live[replay->prefill[i]];
        uint32_t tokens = min_u32(live->known - live->computed, threshold);
        if (tokens > left && replay->prefill_count == 1 && calendar->last_running == replay->prefill[i])
            tokens = left; /* the last of all takes what is left */
        if (tokens > left || tokens == 0)
            return false;
        left -= tokens;
        live->scheduled = tokens;
        needed += ceil_div(live->computed + tokens, size) - ceil_div(live->computed, size);
    }
    *budget = left;
    return needed * replay->blocks.groups <= event_blocks_free(&replay->blocks);
}

/* `back`: of its computed tokens, those whose steps are back; only windows want to know. */
static inline enum status grow(struct event_replay *replay, uint32_t slot, uint32_t computed, uint32_t back, bool *fits, struct diag *diag)
{
    const struct live *live = &replay->calendar.live[slot];
    if (!live->decoding)
        return event_blocks_grow(&replay->blocks, slot, computed, back, live->known, live->scheduled, fits, diag);
    /* With asynchronous scheduling the newest token is not known yet. */
    return event_blocks_grow(&replay->blocks, slot, computed, back, computed + !replay->base.overlaps, 1, fits, diag);
}

/* With windows, for those too who give blocks back. Who has left the calendar meanwhile is not fresh any more. */
static enum status take_turns(struct event_replay *replay, bool *fits, struct diag *diag)
{
    struct event_calendar *calendar = &replay->calendar;
    struct window_turns turns;
    enum status status = SIM_OK;
    uint32_t slot, fresh = 0;
    for (uint32_t i = 0; i < replay->fresh_count; i++)
        if (calendar->live[replay->fresh[i]].decoding)
            replay->fresh[fresh++] = replay->fresh[i];
    replay->fresh_count = fresh;
    window_turns_begin(replay, calendar->tick_phase, &turns);
    window_turns_add(&turns, replay->fresh, replay->fresh_count);
    window_turns_add(&turns, replay->prefill, replay->prefill_count);
    while (status == SIM_OK && *fits && (slot = window_turns_next(replay, &turns)) != LIVE_NONE) {
        const uint32_t computed = event_calendar_computed(calendar, &calendar->live[slot]);
        status = grow(replay, slot, computed, event_replay_back(replay, slot, computed), fits, diag);
    }
    window_turns_settle(replay);
    return status;
}

/* With ids, for those that are due, in running order: decoding ones that cross a boundary, and prefill chunks. A merge of two lists that
 * are both in running order. vLLM takes blocks in that order, so ids come out the same. */
static enum status take_in_order(struct event_replay *replay, bool *fits, struct diag *diag)
{
    const struct event_calendar *calendar = &replay->calendar;
    uint32_t crossing = calendar->phase_first[calendar->tick_phase], i = 0;
    enum status status = SIM_OK;
    while (status == SIM_OK && *fits && (crossing != LIVE_NONE || i < replay->prefill_count)) {
        const bool chunk = crossing == LIVE_NONE ||
                           (i < replay->prefill_count && calendar->live[replay->prefill[i]].order < calendar->live[crossing].order);
        const uint32_t slot = chunk ? replay->prefill[i++] : crossing;
        status = grow(replay, slot, event_calendar_computed(calendar, &calendar->live[slot]), 0, fits, diag);
        if (!chunk)
            crossing = calendar->live[crossing].next_phase;
    }
    return status;
}

/* Blocks for those that are due. Without ids it does not matter who takes which, and decoding requests are only counted, as in a stretch: the
 * same blocks leave the head of the queue, whose content is evicted. */
static enum status take_blocks(struct event_replay *replay, struct diag *diag)
{
    const struct event_calendar *calendar = &replay->calendar;
    struct event_blocks *blocks = &replay->blocks;
    bool fits = true;
    enum status status = SIM_OK;
    if (blocks->windowed) {
        status = take_turns(replay, &fits, diag);
    } else if (blocks->queue.track_ids) {
        status = take_in_order(replay, &fits, diag);
    } else {
        event_blocks_appended(blocks, calendar->phase_count[calendar->tick_phase]);
        for (uint32_t i = 0; i < replay->prefill_count && status == SIM_OK && fits; i++)
            status = grow(replay, replay->prefill[i], calendar->live[replay->prefill[i]].computed, 0, &fits, diag);
    }
    if (status == SIM_OK && !fits)
        status = diag_set(diag, SIM_FAILED, "internal error: the event replay ran out of blocks that it had counted");
    return status;
}

/* Nobody is preempted in an ordinary step, so admission always has its turn. The shape starts with the decoders; chunks, those just
 * admitted included, are added one by one. Nothing to compute means that nobody runs and the head does not fit. */
enum status calendar_step_run(struct event_replay *replay, bool *ordinary, struct diag *diag)
{
    const uint32_t threshold = event_replay_threshold(replay);
    uint32_t budget;
    *ordinary = plan(replay, threshold, &budget);
    if (!*ordinary)
        return SIM_OK;
    enum status status = take_blocks(replay, diag);
    if (status == SIM_OK)
        status = admission_run(replay, threshold, (struct step_room){.budget = budget, .inputs = UINT32_MAX}, diag);
    if (status != SIM_OK)
        return status;
    step_parts_decodes(replay, &replay->shape);
    replay->held_tokens += replay->calendar.decoders;
    for (uint32_t i = 0; i < replay->prefill_count; i++)
        step_parts_compute(replay, &replay->calendar.live[replay->prefill[i]]);
    if (replay->shape.sequences == 0)
        return SIM_OK;
    status = step_parts_close(replay, diag);
    if (status != SIM_OK)
        return status;
    if (event_policy_listens(replay))
        event_policy_tell_computed(replay);
    outputs_of_calendar(replay);
    return SIM_OK;
}
