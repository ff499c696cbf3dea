/* event_replay.c - the stepper of the event replay: which kind of step comes next, and what it covers. Read event_replay.h for the kinds of
 * step and replay_state.h for the layers below. */
#include "vllm_v1_fast/event_replay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/kv_groups.h"
#include "config/kv_offloading.h"
#include "config/speculation.h"
#include "vllm_v1/vllm_v1.h"
#include "vllm_v1_fast/drafting.h"
#include "vllm_v1_fast/event_policy.h"
#include "vllm_v1_fast/outputs.h"
#include "vllm_v1_fast/step_kinds.h"
#include "vllm_v1_fast/step_lists.h"
#include "vllm_v1_fast/step_parts.h"
#include "vllm_v1_fast/window_turns.h"

/* A walk over all invariants is O(batch + lists); at every step it would make debug builds useless for real traces. */
enum { CHECKED_STEPS = 16 };
#define BLOCK_SIZE_MAX 65536u /* of the calendar: it keeps a list for each token of a block */

/* What speaks against the groups of layers. Those that are covered differ in one number, the window. */
static const char *refuses_groups(const struct replay_inputs *inputs)
{
    const struct config *config = inputs->config;
    const struct pagesim_eviction_policy *eviction = policy_find_eviction(config->eviction_policy);
    struct kv_groups groups;
    struct diag ignored = {0};
    if (kv_groups_make(config, "", &groups, &ignored) != SIM_OK)
        return "groups of layers that vLLM refuses"; /* vllm_v1_create says what is wrong */
    for (uint32_t i = 0; i < groups.count; i++) {
        if (groups.list[i].kind == KV_KIND_CHUNKED_LOCAL)
            return "chunked local layers";
        if (groups.list[i].block_size != config->block_size)
            return "groups of layers with block sizes of their own";
    }
    if (config->enable_prefix_caching && eviction->key)
        return "groups of layers under another order of eviction than vLLM's";
    for (size_t i = 0; i < inputs->observer_count; i++)
        if (inputs->observers[i].contiguity || inputs->observers[i].pool || inputs->observers[i].preempting)
            return "reports that look at the blocks of several groups of layers";
    return NULL;
}

/* With drafts policies are not told of single steps, and the pool is not looked at in the middle of one. */
static const char *refuses_drafts(const struct replay_inputs *inputs)
{
    if (!kv_groups_one_full(inputs->config) && speculation_drops_block(inputs->config))
        return "groups of layers that do not take the last block of a match";
    if (policy_find_scheduling(inputs->config->scheduling_policy)->happened)
        return "speculation under scheduling policies that are told of every step";
    for (size_t i = 0; i < inputs->observer_count; i++)
        if (inputs->observers[i].preempting)
            return "reports that look at the pool when somebody is preempted, with speculation";
    return NULL;
}

/* Each reason is a thing that the calendar could not know: an order of eviction that depends on single blocks, bytes, lists of
 * single steps with more than decisions in them. The readable scheduler does all of these, so a refusal costs time and nothing else. Observers of
 * tallies and decisions are welcome: steps then come one by one. */
const char *event_replay_refuses(const struct replay_inputs *inputs)
{
    const struct config *config = inputs->config;
    if (config->scheduler != SCHEDULER_VLLM_V1)
        return "engines other than vllm-v1";
    const struct pagesim_eviction_policy *eviction = policy_find_eviction(config->eviction_policy);
    if (!policy_find_scheduling(config->scheduling_policy) || !policy_find_victim(config->preemption_victim) || !eviction)
        return "policies that nobody knows"; /* vllm_v1_create says what is wrong */
    if (config->enable_prefix_caching && eviction->key && !eviction->touches_only)
        return "orders of eviction that tell apart blocks which were touched together";
    if (config->speculative.method != SPECULATIVE_NONE && refuses_drafts(inputs))
        return refuses_drafts(inputs);
    if (!kv_groups_one_full(config) && refuses_groups(inputs))
        return refuses_groups(inputs);
    if (config_offloads(config))
        return "offloading to the host's memory";
    if (config->data_plane != DATA_PLANE_OFF)
        return "moving K/V bytes";
    if (config->block_size > BLOCK_SIZE_MAX)
        return "blocks of more than 65536 tokens";
    if (inputs->trace->previous)
        return "sessions, whose turns arrive when others end";
    if (inputs->trace->facts.ids_cover_answers)
        return "answers that prompts repeat";
    for (size_t i = 0; i < inputs->observer_count; i++)
        if (inputs->observers[i].scheduled || inputs->observers[i].completed) {
            if (!inputs->observers[i].decisions)
                return "reports that need every single step with all that belongs to it";
            if (config->speculative.method != SPECULATIVE_NONE || !kv_groups_one_full(config))
                return "decisions of single steps with speculation or several groups of layers";
        }
    return NULL;
}

static bool never_runs(const struct stepper *self, uint32_t position, enum drop_reason *why, uint64_t *smallest_pool)
{
    return vllm_v1_never_runs(self->trace, self->config, position, why, smallest_pool);
}

static enum status arrive(struct stepper *self, uint32_t position, int64_t arrival_ns, struct diag *diag)
{
    struct event_replay *replay = (struct event_replay *)self;
    enum status status = request_queue_expect(&replay->waiting, (uint64_t)replay->waiting.count + replay->calendar.running + 1, diag);
    if (status != SIM_OK)
        return status;
    event_policy_tell(replay, position, self->trace->input_tokens[position], 0,
                      (struct pagesim_policy_event){.kind = PAGESIM_POLICY_ARRIVED, .now_ns = arrival_ns});
    request_queue_push(&replay->waiting, position, scheduling_order_first_key(&replay->order, position, arrival_ns));
    return SIM_OK;
}

/* *idle: nothing could be scheduled, and nothing is in flight. An ordinary step is tried first: it finds out in O(prefills) that it is none,
 * before it moves a block. */
static enum status run_step(struct event_replay *replay, struct advance *out, struct diag *diag)
{
    bool ordinary = true;
    outputs_begin(replay);
    enum status status = replay->drafting ? draft_step_run(replay, diag) : calendar_step_run(replay, &ordinary, diag);
    if (status == SIM_OK && !replay->drafting && !ordinary)
        status = ordered_step_run(replay, diag);
    if (status != SIM_OK)
        return status;
    if (replay->shape.sequences + replay->step->tally.preemptions > 0) {
        replay->base.step_number++;
        return outputs_submit(replay, &out->tokens, diag);
    }
    out->idle = !replay->in_flight;
    return out->idle ? SIM_OK : outputs_wait_alone(replay, &out->tokens, diag);
}

/* In builds with assertions: walk all invariants now and then. */
#ifndef NDEBUG
static bool sound(const struct event_replay *replay)
{
    return replay->base.step_number % CHECKED_STEPS != 0 ||
           (event_calendar_check(&replay->calendar) && event_blocks_check(&replay->blocks));
}
#endif

/* As many steps as nothing but decoding happens in. A run of several steps has no tallies and shows no pool, so nobody may want those. */
static enum status run_stretch(struct event_replay *replay, uint32_t *steps, struct advance *out, struct diag *diag)
{
    *steps = 0;
    if (event_policy_wants_steps(replay))
        return SIM_OK;
    if (replay->drafting)
        return draft_stretch_run(replay, steps, &out->tokens, diag);
    if (replay->base.stream.singly || !decode_stretch_possible(replay))
        return SIM_OK;
    return decode_stretch_run(replay, steps, &out->tokens, diag);
}

/* A stretch; or a step, and the stretch that mostly follows it. The stretch after a step saves a turn of the loop for each. It may only
 * start if no arrival is due, since the loop takes arrivals in between calls. */
static enum status advance(struct stepper *self, struct advance *out, struct diag *diag)
{
    struct event_replay *replay = (struct event_replay *)self;
    uint32_t steps;
    assert(sound(replay));
    if (replay->calendar.running + replay->waiting.count == 0) {
        out->idle = !replay->in_flight;
        return out->idle ? SIM_OK : outputs_wait_alone(replay, &out->tokens, diag);
    }
    enum status status = run_stretch(replay, &steps, out, diag);
    if (status != SIM_OK || steps > 0)
        return status;
    status = run_step(replay, out, diag);
    if (status == SIM_OK && !out->idle && self->now_ns < self->arrivals.next_ns)
        status = run_stretch(replay, &steps, out, diag);
    return status;
}

static void pool_state(const struct stepper *self, struct step_tally *tally)
{
    step_parts_state((const struct event_replay *)self, tally);
}

/* Who decodes is in the calendar; who does not has at least its own tokens to come, one a step. A long queue is not walked: with many who wait
 * somebody is about to end anyway. Two steps are kept back for tokens on their way and for steps in vain. */
static uint32_t steps_to_end(const struct stepper *self)
{
    enum { WAITING_MOST = 64, KEPT_BACK = 2 };
    const struct event_replay *replay = (const struct event_replay *)self;
    const struct trace *trace = self->trace;
    uint32_t least = event_calendar_until_finish(&replay->calendar, FINISH_RING);
    if ((replay->in_flight && replay->in_flight->lasts > 0) || replay->waiting.count > WAITING_MOST)
        return 0;
    for (uint32_t i = 0; i < replay->prefill_count; i++) {
        const struct live *live = &replay->calendar.live[replay->prefill[i]];
        least = min_u32(least, trace->input_tokens[live->position] + trace->output_tokens[live->position] - live->known);
    }
    for (uint32_t i = 0; i < replay->waiting.count; i++) {
        const uint32_t position = request_queue_at(&replay->waiting, i);
        least = min_u32(least, trace->input_tokens[position] + trace->output_tokens[position] - event_replay_known(replay, position));
    }
    return least > KEPT_BACK ? least - KEPT_BACK : 0;
}

static void pool_states(const struct stepper *self, uint8_t *states)
{
    event_blocks_states(&((const struct event_replay *)self)->blocks, states);
}

static void destroy(struct stepper *self)
{
    struct event_replay *replay = (struct event_replay *)self;
    drafting_deinit(replay);
    step_lists_deinit(replay);
    event_blocks_deinit(&replay->blocks);
    request_queue_deinit(&replay->waiting);
    scheduling_order_deinit(&replay->order);
    event_calendar_deinit(&replay->calendar);
    free(replay->preempted);
    free(replay->prefill);
    free(replay->fresh);
    free(replay->turns);
    free(replay->due);
    free(replay->flights[0].due);
    free(replay->flights[1].due);
    free(replay->served);
    stepper_deinit(self);
    free(replay);
}

/* Nothing to diagnose: vLLM V1 stalls only where the loop says why. */
static const struct stepper_ops ops = {
    .never_runs = never_runs,
    .arrive = arrive,
    .advance = advance,
    .pool_state = pool_state,
    .steps_to_end = steps_to_end,
    .pool_states = pool_states,
    .destroy = destroy,
};

/* Slots are as many as can run at a time; what is kept by position (queue, preempted requests) has one entry a request. Ids are tracked
 * only if an observer looks at them. */
static enum status prepare(struct event_replay *replay, struct diag *diag)
{
    const struct trace *trace = replay->base.trace;
    const struct config *config = replay->base.config;
    uint32_t most = min_u32(config->max_num_seqs, trace->count);
    enum status status = scheduling_order_init(&replay->order, trace, config, replay->base.model, diag);
    if (status != SIM_OK)
        return status;
    replay->victim = policy_find_victim(config->preemption_victim);
    replay->watermark_blocks = config_watermark_blocks(config);
    replay->refused_position = UINT32_MAX;
    replay->due_ns = INT64_MAX;
    const bool track_ids = replay->base.stream.wants_contiguity || replay->base.stream.wants_steps;
    status = event_blocks_init(&replay->blocks, trace, config, most, track_ids, diag);
    if (status == SIM_OK)
        window_turns_init(replay);
    if (status == SIM_OK)
        status = request_queue_init(&replay->waiting, trace->count, replay->order.policy->order != PAGESIM_POLICY_ARRIVAL, diag);
    if (status == SIM_OK)
        status = event_calendar_init(&replay->calendar, config->block_size, most, diag);
    const struct array_request lists[] = {ARRAY_OF(replay->prefill, most),
                                          ARRAY_OF(replay->due, most),
                                          ARRAY_IF(replay->blocks.windowed, replay->fresh, most),
                                          ARRAY_IF(replay->blocks.windowed, replay->turns, most),
                                          ARRAY_OF(replay->flights[0].due, most),
                                          ARRAY_OF(replay->flights[1].due, most),
                                          ARRAY_IF(replay->order.policy->patience, replay->served, most)};
    if (status == SIM_OK)
        status = array_zeroed_all(lists, sizeof lists / sizeof *lists, "the replay's lists", diag);
    if (status == SIM_OK)
        status = step_lists_init(replay, most, diag);
    return status == SIM_OK ? drafting_init(replay, most, diag) : status;
}

enum status event_replay_create(const struct replay_inputs *inputs, struct stepper **out, struct diag *diag)
{
    struct event_replay *replay;
    enum status status = array_zeroed(&replay, 1, sizeof *replay, "the event replay", diag);
    if (status != SIM_OK)
        return status;
    status = stepper_init(&replay->base, &ops, inputs, diag);
    if (status == SIM_OK)
        status = prepare(replay, diag);
    if (status != SIM_OK) {
        destroy(&replay->base);
        return status;
    }
    *out = &replay->base;
    return SIM_OK;
}
