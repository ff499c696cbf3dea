/* admission.c - section 6.2 of doc/vllm_v1.md for the event replay: the waiting head enters while it fits. Says what schedule_waiting() in
 * vllm_v1.c says; read that first. New here is only that a head which was refused is not asked again in vain. */
#include "vllm_v1_fast/admission.h"

#include "base/integers.h"
#include "vllm_v1_fast/drafting.h"
#include "vllm_v1_fast/event_policy.h"
#include "vllm_v1_fast/event_windows.h"
#include "vllm_v1_fast/step_lists.h"

/* Sliding windows give blocks back all the time, so there free ones are counted. */
static __attribute__((noinline)) bool windows_refuse(const struct event_replay *replay, uint32_t chunk)
{
    const struct event_blocks *blocks = &replay->blocks;
    return event_blocks_free(blocks) < event_windows_least(blocks, blocks->queue.evictions - blocks->refusal.evictions) &&
           (blocks->refusal.gated || chunk >= replay->refused_chunk);
}

/* Was this head refused before, and has nothing happened since that could help it? With the gate all known tokens have to fit, whatever the
 * chunk. Without it a smaller first chunk could help: the budget has shrunk, or the threshold, as more wait. So could an eviction in another order than vLLM's: it can
 * take a block from the middle of what the head would hit, and then the rest need not be revived. A head that was held up by the budget
 * alone is not noted as refused, since the next step has another budget. With drafts the first chunk has room for the drafter's places too, and so
 * can need more than all known tokens. */
static inline bool still_refused(const struct event_replay *replay, uint32_t position, uint32_t chunk)
{
    if (replay->refused_position != position || replay->refused_helps != replay->helps)
        return false;
    if (replay->blocks.windowed)
        return windows_refuse(replay, chunk);
    return (replay->base.config->scheduler_reserve_full_isl && !replay->drafting) ||
           (chunk >= replay->refused_chunk && !replay->blocks.queue.order.policy);
}

/* May, not will: no lookup is made. A stretch is given up for a true answer, and an ordinary step finds out. */
bool admission_head_may_enter(const struct event_replay *replay, uint32_t budget)
{
    return budget > 0 && replay->waiting.count > 0 && replay->calendar.running < v1_seats(replay->base.config) &&
           !still_refused(replay, request_queue_peek(&replay->waiting), min_u32(budget, event_replay_threshold(replay)));
}

/* A readmitted request brings its generated tokens as known ones and the time of its newest token, from which its next gap is counted.
 * Everybody starts in prefill, even if a single token is missing: whether it decodes is clear when it has got a token. The next head has
 * not been refused yet. */
static enum status admit(struct event_replay *replay, uint32_t position, uint32_t cached, uint32_t received, uint32_t tokens, bool padded,
                         struct diag *diag)
{
    const uint32_t known = event_replay_known(replay, position);
    const bool again = replay->preempted && replay->preempted[position].known > 0;
    request_queue_pop(&replay->waiting);
    uint32_t slot = event_calendar_admit(&replay->calendar, position);
    struct live *live = &replay->calendar.live[slot];
    enum status status = event_blocks_admit(&replay->blocks, slot, position, known, received + tokens, diag);
    live->known = known;
    live->computed = cached + received;
    live->last_token_ns = again ? replay->preempted[position].last_token_ns : -1;
    live->scheduled = tokens;
    replay->held_tokens += live->computed;
    if (replay->drafting)
        drafting_admit(replay, slot, padded);
    else
        replay->prefill[replay->prefill_count++] = slot;
    replay->refused_position = UINT32_MAX;
    event_policy_tell(replay, position, known, cached,
                      (struct pagesim_policy_event){.kind = PAGESIM_POLICY_ADMITTED, .now_ns = replay->base.now_ns, .tokens = cached});
    struct event *event = stepper_event(&replay->base, again ? EVENT_READMIT : EVENT_ADMIT, position, replay->base.now_ns, cached);
    event->other = known;
    event->external = received;
    if (replay->lists)
        step_lists_admit(replay, position, cached, received);
    return status != SIM_OK ? status : step_stream_event_done(&replay->base.stream, diag);
}

/* The budget falls with each admission. Without the gate a smaller one can even help, as it makes the first chunk smaller; hence a
 * refusal is noted together with its chunk. The watermark is asked again each time, as the first admission to an empty system makes it
 * count for the second. */
enum status admission_run(struct event_replay *replay, uint32_t threshold, struct step_room room, struct diag *diag)
{
    const struct config *config = replay->base.config;
    enum status status = event_policy_reorder(replay, room.budget, diag);
    uint32_t left;
    while (status == SIM_OK && (left = step_room_left(&room)) > 0 && replay->waiting.count > 0 &&
           replay->calendar.running < v1_seats(config)) {
        uint32_t position = request_queue_peek(&replay->waiting), known = event_replay_known(replay, position), hits;
        if (still_refused(replay, position, min_u32(left, threshold)))
            break;
        status = event_blocks_lookup(&replay->blocks, position, known, &hits, diag);
        if (status != SIM_OK)
            break;
        const bool first = !replay->preempted || replay->preempted[position].known == 0;
        const uint32_t cached = hits * config->block_size, received = v1_received_tokens(config, first, known, cached);
        const uint32_t rest = known - cached - received;
        const bool padded = replay->drafting && drafting_pads(replay, rest, cached);
        const uint32_t drafts = padded ? replay->drafting->drafts.most : 0, wanted = min_u32(rest + drafts, threshold);
        if ((padded || !config->enable_chunked_prefill) && wanted > left)
            break;
        uint32_t tokens = min_u32(wanted, left);
        uint32_t watermark = replay->calendar.running > 0 ? replay->watermark_blocks : 0;
        bool fits = event_blocks_fits(&replay->blocks, known, received + tokens, watermark, config->scheduler_reserve_full_isl);
        if (!fits) {
            replay->refused_position = replay->drafting && rest == 1 ? UINT32_MAX : position; /* it may not be padded in the next step */
            replay->refused_chunk = min_u32(left, threshold);
            replay->refused_helps = replay->helps;
            break;
        }
        status = admit(replay, position, cached, received, tokens, padded, diag);
        step_room_take(&room, tokens);
    }
    return status;
}
