/* event_victim.c - the event replay's running requests as preemption_victim policies see them (policy.h). Says what choose_victim() in
 * vllm_v1.c says. Asked in ordered steps only, when everybody is out of the calendar and has numbers of its own. */
#include "vllm_v1_fast/event_victim.h"

#include <assert.h>

#include "base/integers.h"
#include "policy/policies.h"

struct running_view {
    struct pagesim_policy_running running;
    const struct event_replay *replay;
};

static uint32_t slot_at(const struct pagesim_policy_running *running, uint32_t at)
{
    return ((const struct running_view *)running)->replay->due[at];
}

static struct pagesim_policy_request running_request(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct event_replay *replay = ((const struct running_view *)running)->replay;
    const struct live *live = &replay->calendar.live[slot_at(running, at)];
    return scheduling_order_request(&replay->order, live->position, arrivals_time_of(&replay->base.arrivals, live->position), live->known,
                                    live->computed);
}

static int64_t running_key(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct event_replay *replay = ((const struct running_view *)running)->replay;
    return event_replay_key(replay, replay->calendar.live[slot_at(running, at)].position);
}

static uint32_t running_shared_tokens(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct event_replay *replay = ((const struct running_view *)running)->replay;
    uint32_t slot = slot_at(running, at);
    uint32_t shared = event_blocks_shared(&replay->blocks, slot) * replay->base.config->block_size;
    return min_u32(shared, replay->calendar.live[slot].computed);
}

uint32_t event_victim_choose(struct event_replay *replay)
{
    const struct event_calendar *calendar = &replay->calendar;
    if (!replay->by_priority && replay->victim == &victim_vllm)
        return calendar->last_running;
    struct running_view all = {.running = {.ordered = replay->by_priority,
                                           .first_of_ties = replay->order.policy->first_of_ties,
                                           .request = running_request,
                                           .key = running_key,
                                           .shared_tokens = running_shared_tokens},
                               .replay = replay};
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running)
        replay->due[all.running.count++] = slot;
    uint32_t at = replay->victim->choose(&all.running);
    assert(at < all.running.count);
    return replay->due[at];
}
