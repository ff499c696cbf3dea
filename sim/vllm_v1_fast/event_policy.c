/* event_policy.c - requests of the event replay as policies see them (policy.h). Policies read plain numbers and never reach the replay:
 * whoever decodes is shown with the tokens that the calendar has for it. */
#include "vllm_v1_fast/event_policy.h"

#include <assert.h>

#include "policy/policies.h"

static struct pagesim_policy_request view(const struct event_replay *replay, uint32_t position, uint32_t known, uint32_t computed)
{
    return scheduling_order_request(&replay->order, position, arrivals_time_of(&replay->base.arrivals, position), known, computed);
}

/* --- what they are told ---------------------------------------------------------------------------------------------------------------- */

/* The slot's policy knows all until end_ns, the end of the step that runs, whose tick is over then. */
static void note_told(struct event_replay *replay, uint32_t slot, const struct pagesim_policy_request *request, int64_t end_ns)
{
    const struct pagesim_scheduling_policy *policy = replay->order.policy;
    int64_t due_ns;
    if (!policy->patience)
        return;
    if (__builtin_add_overflow(end_ns, policy->patience(replay->order.self, request), &due_ns))
        due_ns = INT64_MAX;
    replay->served[slot] = (struct served){.told_ns = end_ns, .told_tick = replay->calendar.tick + 1, .due_ns = due_ns};
    replay->due_ns = due_ns < replay->due_ns ? due_ns : replay->due_ns;
}

/* The step that runs. A request is shown with the token that it is about to get. A decoder has one token more than the calendar says,
 * because the tick has not moved yet. Who had no turn is not told of the step, and was not served in it. */
static void tell_step(struct event_replay *replay, uint32_t slot, int64_t end_ns)
{
    const struct live *live = &replay->calendar.live[slot];
    const uint32_t computed = live->decoding ? event_calendar_computed(&replay->calendar, live) + 1 : live->computed;
    const struct pagesim_policy_event event = {.kind = PAGESIM_POLICY_COMPUTED,
                                               .now_ns = end_ns,
                                               .step_ns = replay->step->tally.duration_ns,
                                               .tokens = live->decoding ? 1
                                                         : live->over   ? 0
                                                                        : live->scheduled,
                                               .generated = live->decoding || computed == live->known};
    const uint32_t known = event.generated && event.tokens > 0 ? computed + 1 : live->known;
    const struct pagesim_policy_request request = view(replay, live->position, known, computed);
    if (event.tokens > 0)
        replay->order.policy->happened(replay->order.self, &request, &event);
    note_told(replay, slot, &request, end_ns);
}

/* There is no pause while somebody runs, and a decoder has its turn in each step of the calendar: so its steps took all the time since. */
void event_policy_catch_up(struct event_replay *replay, uint32_t slot, int64_t end_ns, bool coming)
{
    if (!replay->order.policy->patience)
        return;
    const struct live *live = &replay->calendar.live[slot];
    struct served *served = &replay->served[slot];
    const uint32_t computed = event_calendar_computed(&replay->calendar, live) + coming;
    const uint64_t tick = replay->calendar.tick + coming;
    if (served->told_ns >= end_ns || served->told_tick == tick)
        return;
    const struct pagesim_policy_event event = {.kind = PAGESIM_POLICY_COMPUTED,
                                               .now_ns = end_ns,
                                               .step_ns = end_ns - served->told_ns,
                                               .tokens = (uint32_t)(tick - served->told_tick),
                                               .generated = true};
    const struct pagesim_policy_request request = view(replay, live->position, computed + 1, computed);
    replay->order.policy->happened(replay->order.self, &request, &event);
    served->told_ns = end_ns;
    served->told_tick = tick;
}

/* With patience, only those who do not decode yet, until somebody who does is due. Then, and in an ordered step, all are looked at. */
void event_policy_tell_computed(struct event_replay *replay)
{
    const struct event_calendar *calendar = &replay->calendar;
    const int64_t end_ns = replay->step->end_ns;
    const struct pagesim_scheduling_policy *policy = replay->order.policy;
    if (!policy->happened)
        return;
    if (policy->patience && calendar->decoders > 0 && end_ns <= replay->due_ns) {
        for (uint32_t i = 0; i < replay->prefill_count; i++)
            tell_step(replay, replay->prefill[i], end_ns);
        return;
    }
    replay->due_ns = INT64_MAX;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running) {
        const bool patient = policy->patience && calendar->live[slot].decoding;
        if (patient && end_ns <= replay->served[slot].due_ns) {
            replay->due_ns = replay->served[slot].due_ns < replay->due_ns ? replay->served[slot].due_ns : replay->due_ns;
            continue;
        }
        if (patient)
            event_policy_catch_up(replay, slot, replay->step->tally.start_ns, false);
        tell_step(replay, slot, end_ns);
    }
}

int64_t event_policy_key_again(const struct event_replay *replay, uint32_t position, uint32_t known)
{
    if (replay->order.policy->order != PAGESIM_POLICY_CHANGING_KEY)
        return request_queue_key(&replay->waiting, position);
    const struct pagesim_policy_request request = view(replay, position, known, 0);
    return scheduling_order_key(&replay->order, &request);
}

/* --- who waits ------------------------------------------------------------------------------------------------------------------------- */

static enum status hit_tokens(void *engine, uint32_t position, uint32_t *tokens, struct diag *diag)
{
    struct event_replay *replay = engine;
    uint32_t hits = 0;
    enum status status = event_blocks_lookup(&replay->blocks, position, event_replay_known(replay, position), &hits, diag);
    *tokens = hits * replay->base.config->block_size;
    return status;
}

/* Asked in the very steps in which reorder_waiting() in vllm_v1.c asks. */
enum status event_policy_reorder(struct event_replay *replay, uint32_t budget, struct diag *diag)
{
    if (!replay->order.policy->before_admission || replay->waiting.count == 0 || budget == 0 ||
        replay->calendar.running >= v1_seats(replay->base.config) || event_blocks_free(&replay->blocks) == 0)
        return SIM_OK;
    return scheduling_order_reorder(&replay->order, &replay->waiting, replay->base.now_ns, hit_tokens, replay, diag);
}

/* --- who runs -------------------------------------------------------------------------------------------------------------------------- */

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
    return view(replay, live->position, live->known, live->computed);
}

/* What stands in the queue is the key of some time ago; one that changes has to be asked for. */
static int64_t running_key(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct event_replay *replay = ((const struct running_view *)running)->replay;
    if (replay->order.policy->order != PAGESIM_POLICY_CHANGING_KEY)
        return request_queue_key(&replay->waiting, replay->calendar.live[slot_at(running, at)].position);
    const struct pagesim_policy_request request = running_request(running, at);
    return scheduling_order_key(&replay->order, &request);
}

static uint32_t running_shared_tokens(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct event_replay *replay = ((const struct running_view *)running)->replay;
    uint32_t slot = slot_at(running, at);
    uint32_t shared = event_blocks_shared(&replay->blocks, slot) * replay->base.config->block_size;
    return min_u32(shared, replay->calendar.live[slot].computed);
}

/* Says what choose_victim() in vllm_v1.c says. vLLM's own choice under fcfs is the end of a list and needs no view; it is nearly every
 * preemption. Others get an array over the running list, for which `due` has room and is not in use before tokens are handed out. */
uint32_t event_policy_victim(struct event_replay *replay)
{
    const struct event_calendar *calendar = &replay->calendar;
    const struct pagesim_scheduling_policy *policy = replay->order.policy;
    const bool ordered = policy->key && !policy->waiting_only;
    if (!ordered && replay->victim == &victim_vllm)
        return calendar->last_running;
    struct running_view all = {.running = {.ordered = ordered,
                                           .first_of_ties = policy->first_of_ties,
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
