/* event_replay.c - see event_replay.h: the loop, arrivals, admissions, and the ordinary step. */
#include "vllm_v1_fast/event_replay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "engine/livelock.h"
#include "engine/scheduler.h"
#include "vllm_v1_fast/event_state.h"

enum { PROGRESS_STEPS = 1024, CHECKED_STEPS = 16 };
#define BLOCK_SIZE_MAX 65536u /* of the calendar: it keeps a list for each token of a block */

const char *event_replay_refuses(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                 const struct observer *observers, size_t observer_count)
{
    (void)trace;
    (void)model;
    if (config->scheduler != SCHEDULER_VLLM_V1)
        return "engines other than vllm-v1";
    const struct pagesim_scheduling_policy *policy = policy_find_scheduling(config->scheduling_policy);
    if (!policy || !scheduling_policy_is_static(policy))
        return "scheduling policies whose order is not settled when a request arrives";
    if (!policy_find_victim(config->preemption_victim))
        return "victims of unknown choice"; /* the plain scheduler says what is wrong */
    if (config->enable_prefix_caching && strcmp(config->eviction_policy, "vllm") != 0)
        return "other orders of eviction than vLLM's";
    if (config->data_plane != DATA_PLANE_OFF)
        return "moving K/V bytes";
    if (config->block_size > BLOCK_SIZE_MAX)
        return "blocks of more than 65536 tokens";
    for (size_t i = 0; i < observer_count; i++)
        if (observers[i].scheduled || observers[i].completed)
            return "reports that need every single step, such as the decision log";
    return NULL;
}

uint32_t event_threshold(const struct event_replay *replay)
{
    return replay->calendar.running + replay->waiting.count > 1 ? replay->config->long_prefill_token_threshold : 0;
}

enum status event_tell(struct event_replay *replay, enum event_kind kind, uint32_t position, int64_t time_ns, int64_t value,
                       struct diag *diag)
{
    *emitter_event(&replay->emitter) =
        (struct event){.time_ns = time_ns, .step = replay->step_number, .value = value, .request = position, .kind = (uint8_t)kind};
    return emitter_event_done(&replay->emitter, diag);
}

/* --- arrivals --------------------------------------------------------------------------------------------------------------------- */

static enum status drop_hopeless(struct event_replay *replay, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < replay->trace->count && status == SIM_OK; position++) {
        enum drop_reason why;
        uint64_t smallest_pool;
        if (!vllm_v1_ops.never_runs(replay->trace, replay->config, position, &why, &smallest_pool))
            continue;
        replay->is_dropped[position] = true;
        replay->dropped++;
        *emitter_event(&replay->emitter) = (struct event){.time_ns = replay->trace->arrival_ns[position],
                                                          .value = (int64_t)smallest_pool,
                                                          .request = position,
                                                          .kind = EVENT_DROP,
                                                          .extra = (uint8_t)why};
        status = emitter_event_done(&replay->emitter, diag);
    }
    return status;
}

int64_t event_find_arrival(struct event_replay *replay)
{
    replay->arrival_ns = INT64_MAX;
    while (replay->next < replay->trace->count && replay->is_dropped[replay->next])
        replay->next++;
    if (replay->next >= replay->trace->count)
        return INT64_MAX;
    replay->arrival_ns = closed_loop_arrival(&replay->loop, replay->next);
    replay->arrival_known = replay->loop.slots == 0; /* else it may change when somebody ends */
    return replay->arrival_ns;
}

static enum status take_in(struct event_replay *replay, struct diag *diag)
{
    enum status status = SIM_OK;
    for (int64_t arrival_ns; status == SIM_OK && (arrival_ns = event_next_arrival(replay)) <= replay->now_ns;) {
        uint32_t position = replay->next++;
        replay->arrival_known = false;
        closed_loop_take(&replay->loop, position, arrival_ns);
        status = event_tell(replay, EVENT_ARRIVE, position, arrival_ns, replay->now_ns, diag);
        request_queue_push(&replay->waiting, position, scheduling_order_first_key(&replay->order, position, arrival_ns));
    }
    return status;
}

/* --- admissions ------------------------------------------------------------------------------------------------------------------- */

/* Was this head refused before, and has nothing happened since that could help it? Without the gate a smaller budget, hence a smaller
 * first chunk, could. */
static bool still_refused(const struct event_replay *replay, uint32_t position, uint32_t budget)
{
    return replay->refused_position == position && replay->refused_helps == replay->helps &&
           (replay->config->scheduler_reserve_full_isl || budget >= replay->refused_budget);
}

bool event_head_may_enter(const struct event_replay *replay, uint32_t budget)
{
    return budget > 0 && replay->waiting.count > 0 && replay->calendar.running < replay->config->max_num_seqs &&
           !still_refused(replay, request_queue_peek(&replay->waiting), budget);
}

static enum status admit(struct event_replay *replay, uint32_t position, uint32_t cached, uint32_t tokens, struct diag *diag)
{
    const uint32_t known = event_waiting_known(replay, position);
    const bool again = replay->preempted && replay->preempted[position].known > 0;
    request_queue_pop(&replay->waiting);
    uint32_t slot = event_calendar_admit(&replay->calendar, position);
    struct live *live = &replay->calendar.live[slot];
    enum status status = event_blocks_admit(&replay->blocks, slot, position, known, tokens, diag);
    live->known = known;
    live->computed = cached;
    live->last_token_ns = again ? replay->preempted[position].last_token_ns : -1;
    live->scheduled = tokens;
    replay->held_tokens += cached;
    replay->prefill[replay->prefill_count++] = slot;
    replay->refused_position = UINT32_MAX;
    *emitter_event(&replay->emitter) = (struct event){.time_ns = replay->now_ns,
                                                      .step = replay->step_number,
                                                      .value = cached,
                                                      .request = position,
                                                      .other = known,
                                                      .kind = again ? EVENT_READMIT : EVENT_ADMIT};
    return status != SIM_OK ? status : emitter_event_done(&replay->emitter, diag);
}

enum status event_admit_waiting(struct event_replay *replay, uint32_t threshold, uint32_t budget, struct diag *diag)
{
    const struct config *config = replay->config;
    enum status status = SIM_OK;
    while (status == SIM_OK && budget > 0 && replay->waiting.count > 0 && replay->calendar.running < config->max_num_seqs) {
        uint32_t position = request_queue_peek(&replay->waiting), known = event_waiting_known(replay, position), hits;
        if (still_refused(replay, position, budget))
            break;
        status = event_blocks_lookup(&replay->blocks, position, known, &hits, diag);
        if (status != SIM_OK)
            break;
        uint32_t cached = hits * config->block_size, wanted = known - cached;
        if (threshold > 0)
            wanted = min_u32(wanted, threshold);
        if (!config->enable_chunked_prefill && wanted > budget)
            break;
        uint32_t tokens = min_u32(wanted, budget);
        uint32_t watermark = replay->calendar.running > 0 ? replay->watermark_blocks : 0;
        bool fits = event_blocks_fits(&replay->blocks, known, tokens, watermark, config->scheduler_reserve_full_isl);
        if (!fits) {
            replay->refused_position = position;
            replay->refused_budget = budget;
            replay->refused_helps = replay->helps;
            break;
        }
        status = admit(replay, position, cached, tokens, diag);
        budget -= tokens;
    }
    return status;
}

/* --- parts of a step -------------------------------------------------------------------------------------------------------------- */

void event_compute(struct event_replay *replay, struct live *live)
{
    struct step_shape *shape = &replay->shape;
    uint32_t tokens = live->scheduled, before = live->computed;
    live->computed += tokens;
    replay->held_tokens += tokens;
    bool completes = live->computed == live->known;
    shape->scheduled_tokens += tokens;
    shape->context_tokens += live->computed;
    shape->sequences++;
    shape->sampled += completes;
    if (tokens == 1 && completes) {
        if (shape->decodes++ == 0)
            shape->min_decode_context = shape->max_decode_context = live->computed;
        if (live->computed > shape->max_decode_context)
            shape->max_decode_context = live->computed;
        if (live->computed < shape->min_decode_context)
            shape->min_decode_context = live->computed;
        shape->decode_context += live->computed;
        return;
    }
    shape->prefill_chunks++;
    shape->prefill_tokens += tokens;
    shape->prefill_context += before;
    shape->prefill_context_product += (uint64_t)tokens * before;
    replay->helps++; /* it may have registered what the waiting head can hit */
}

void event_close_step(struct event_replay *replay, int64_t *end_ns)
{
    struct step_shape *shape = &replay->shape;
    const struct event_blocks *blocks = &replay->blocks;
    struct step_tally *tally = &replay->tally;
    shape->step = replay->step_number;
    tally->step = replay->step_number;
    tally->start_ns = replay->now_ns;
    tally->duration_ns = step_time_price(replay->model, shape);
    tally->context_tokens = shape->context_tokens;
    tally->held_tokens = replay->held_tokens;
    tally->scheduled_tokens = (uint32_t)shape->scheduled_tokens;
    tally->scheduled_sequences = shape->sequences;
    tally->prefill_tokens = (uint32_t)shape->prefill_tokens;
    tally->sampled_tokens = shape->sampled;
    tally->running = replay->calendar.running;
    tally->waiting = replay->waiting.count;
    tally->free_blocks = event_blocks_free(blocks);
    tally->cached_blocks = blocks->back_blocks;
    tally->used_blocks = blocks->usable - tally->free_blocks;
    tally->table_blocks = (uint32_t)blocks->table_blocks;
    tally->table_runs = (uint32_t)blocks->table_runs;
    tally->mode = shape->prefill_chunks == 0 ? STEP_MODE_DECODE : shape->decodes == 0 ? STEP_MODE_PREFILL : STEP_MODE_MIXED;
    *end_ns = replay->now_ns + tally->duration_ns;
}

enum status event_release(struct event_replay *replay, uint32_t slot, uint32_t computed, bool preempted, struct diag *diag)
{
    replay->helps++;
    return event_blocks_release(&replay->blocks, slot, computed, preempted, diag);
}

static enum status finish_request(struct event_replay *replay, uint32_t slot, uint32_t computed, int64_t end_ns, struct diag *diag)
{
    uint32_t position = replay->calendar.live[slot].position;
    enum status status = event_release(replay, slot, computed, false, diag);
    replay->held_tokens -= computed;
    event_calendar_remove(&replay->calendar, slot);
    replay->finished++;
    closed_loop_end(&replay->loop, position, end_ns);
    if (status == SIM_OK)
        status = event_tell(replay, EVENT_FINISH, position, end_ns, replay->trace->output_tokens[position], diag);
    return status;
}

enum status event_give_token(struct event_replay *replay, uint32_t slot, int64_t end_ns, bool *gone, struct diag *diag)
{
    struct live *live = &replay->calendar.live[slot];
    enum status status = SIM_OK;
    if (live->last_token_ns < 0) {
        status = event_tell(replay, EVENT_FIRST_TOKEN, live->position, end_ns, 1, diag);
    } else if (live->last_token_ns == replay->now_ns) {
        replay->tally.regular_gaps++;
    } else {
        *emitter_event(&replay->emitter) = (struct event){.time_ns = end_ns,
                                                          .step = replay->step_number,
                                                          .value = end_ns - live->last_token_ns,
                                                          .request = live->position,
                                                          .kind = EVENT_GAP,
                                                          .extra = 1};
        status = emitter_event_done(&replay->emitter, diag);
    }
    live->last_token_ns = end_ns;
    live->got_token = true;
    live->known++;
    *gone = live->known - replay->trace->input_tokens[live->position] >= replay->trace->output_tokens[live->position];
    if (*gone && status == SIM_OK)
        status = finish_request(replay, slot, live->computed, end_ns, diag);
    return status;
}

void event_enter(struct event_replay *replay, uint32_t slot)
{
    const struct live *live = &replay->calendar.live[slot];
    uint32_t position = live->position;
    uint32_t remaining = replay->trace->input_tokens[position] + replay->trace->output_tokens[position] - live->known;
    event_calendar_enter(&replay->calendar, slot, remaining);
}

/* --- the ordinary step ------------------------------------------------------------------------------------------------------------ */

/* Does everybody who runs get all that it wants, so that order does not matter but for who takes which block? Sets live->scheduled of
 * those in prefill and *budget to what is left for admissions. */
static bool plan(struct event_replay *replay, uint32_t threshold, uint32_t *budget)
{
    struct event_calendar *calendar = &replay->calendar;
    const uint32_t size = calendar->block_size;
    uint64_t needed = calendar->phase_count[calendar->tick_phase];
    uint32_t left = replay->config->max_num_batched_tokens - calendar->decoders;
    if (replay->late > 0)
        return false;
    for (uint32_t i = 0; i < replay->prefill_count; i++) {
        struct live *live = &calendar->live[replay->prefill[i]];
        uint32_t tokens = live->known - live->computed;
        if (threshold > 0)
            tokens = min_u32(tokens, threshold);
        if (tokens > left && replay->prefill_count == 1 && calendar->last_running == replay->prefill[i])
            tokens = left; /* the last of all takes what is left */
        if (tokens > left || tokens == 0)
            return false;
        left -= tokens;
        live->scheduled = tokens;
        needed += ceil_div(live->computed + tokens, size) - ceil_div(live->computed, size);
    }
    *budget = left;
    return needed <= event_blocks_free(&replay->blocks);
}

/* Blocks for those that are due, in running order: decoding ones that cross a boundary, and prefill chunks. */
static enum status take_blocks(struct event_replay *replay, struct diag *diag)
{
    struct event_calendar *calendar = &replay->calendar;
    uint32_t crossing = calendar->phase_first[calendar->tick_phase] - 1, i = 0;
    enum status status = SIM_OK;
    bool fits = true;
    while (status == SIM_OK && (crossing != LIVE_NONE || i < replay->prefill_count)) {
        bool chunk = crossing == LIVE_NONE ||
                     (i < replay->prefill_count && calendar->live[replay->prefill[i]].order < calendar->live[crossing].order);
        if (chunk) {
            const struct live *live = &calendar->live[replay->prefill[i]];
            status = event_blocks_grow(&replay->blocks, replay->prefill[i++], live->computed, live->known, live->scheduled, &fits, diag);
        } else {
            uint32_t computed = event_calendar_computed(calendar, &calendar->live[crossing]);
            status = event_blocks_grow(&replay->blocks, crossing, computed, computed + 1, 1, &fits, diag);
            crossing = calendar->live[crossing].next_phase;
        }
    }
    if (status == SIM_OK && !fits)
        status = diag_set(diag, SIM_FAILED, "internal error: the event replay ran out of blocks that it had counted");
    return status;
}

void event_shape_decodes(const struct event_replay *replay, struct step_shape *shape)
{
    const struct event_calendar *calendar = &replay->calendar;
    *shape = (struct step_shape){.scheduled_tokens = calendar->decoders,
                                 .context_tokens = calendar->decoder_tokens + calendar->decoders,
                                 .decode_context = calendar->decoder_tokens + calendar->decoders,
                                 .decodes = calendar->decoders,
                                 .sequences = calendar->decoders,
                                 .sampled = calendar->decoders};
    if (!replay->model->wants_extremes || calendar->decoders == 0)
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

/* Put a slot into the list of those whose token is more than one of many, kept in running order. */
static void add_due(struct event_replay *replay, uint32_t slot)
{
    const struct live *live = replay->calendar.live;
    uint32_t at = replay->due_count++;
    for (; at > 0 && live[replay->due[at - 1]].order > live[slot].order; at--)
        replay->due[at] = replay->due[at - 1];
    replay->due[at] = slot;
}

static void collect_due(struct event_replay *replay)
{
    struct event_calendar *calendar = &replay->calendar;
    replay->due_count = 0;
    for (uint32_t slot = calendar->finish_first[calendar->tick % FINISH_RING] - 1; slot != LIVE_NONE;
         slot = calendar->live[slot].next_finish)
        if (calendar->live[slot].finish_tick == calendar->tick)
            add_due(replay, slot);
    for (uint32_t i = 0; i < replay->prefill_count; i++)
        if (calendar->live[replay->prefill[i]].computed == calendar->live[replay->prefill[i]].known)
            add_due(replay, replay->prefill[i]);
}

enum status event_hand_out_tokens(struct event_replay *replay, int64_t end_ns, struct diag *diag)
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
            status = event_give_token(replay, slot, end_ns, &gone, diag);
        if (!gone)
            replay->due[entering++] = slot;
    }
    if (status != SIM_OK) /* who is left of those due cannot be told from the others any more */
        return status;
    event_calendar_advance(calendar);
    for (uint32_t i = 0; i < entering; i++)
        event_enter(replay, replay->due[i]);
    return status;
}

static enum status ordinary_step(struct event_replay *replay, uint32_t threshold, uint32_t budget, int64_t *end_ns, struct diag *diag)
{
    enum status status = take_blocks(replay, diag);
    if (status == SIM_OK)
        status = event_admit_waiting(replay, threshold, budget, diag);
    if (status != SIM_OK)
        return status;
    event_shape_decodes(replay, &replay->shape);
    replay->held_tokens += replay->calendar.decoders;
    for (uint32_t i = 0; i < replay->prefill_count; i++)
        event_compute(replay, &replay->calendar.live[replay->prefill[i]]);
    if (replay->shape.sequences == 0)
        return SIM_OK;
    event_close_step(replay, end_ns);
    return event_hand_out_tokens(replay, *end_ns, diag);
}

/* --- the loop --------------------------------------------------------------------------------------------------------------------- */

/* *idle: nothing could be scheduled. */
static enum status run_step(struct event_replay *replay, bool *idle, struct diag *diag)
{
    int64_t end_ns = replay->now_ns;
    uint32_t threshold = event_threshold(replay), budget;
    replay->shape = (struct step_shape){0};
    replay->tally.preemptions = 0;
    replay->tally.regular_gaps = 0;
    enum status status;
    if (plan(replay, threshold, &budget))
        status = ordinary_step(replay, threshold, budget, &end_ns, diag);
    else
        status = event_walk_step(replay, &end_ns, diag);
    *idle = replay->shape.sequences == 0 && replay->tally.preemptions == 0;
    if (status != SIM_OK || *idle)
        return status;
    status = emitter_tally(&replay->emitter, &replay->tally, diag);
    replay->now_ns = end_ns;
    replay->step_number++;
    return status;
}

static enum status skip_to(struct event_replay *replay, int64_t when_ns, struct diag *diag)
{
    enum status status = SIM_OK;
    if (replay->step_number > 0 && when_ns > replay->now_ns) {
        struct step_tally gap = {.step = TALLY_GAP,
                                 .start_ns = replay->now_ns,
                                 .duration_ns = when_ns - replay->now_ns,
                                 .free_blocks = event_blocks_free(&replay->blocks),
                                 .cached_blocks = replay->blocks.back_blocks,
                                 .mode = STEP_MODE_IDLE};
        status = emitter_tally(&replay->emitter, &gap, diag);
    }
    replay->now_ns = when_ns;
    return status;
}

static bool interrupted(struct event_replay *replay)
{
    if (!replay->options->progress || replay->step_number < replay->next_progress)
        return false;
    replay->next_progress = replay->step_number + PROGRESS_STEPS;
    return replay->options->progress(replay->options->progress_context, replay->finished, replay->trace->count - replay->dropped);
}

/* In builds with assertions: walk all invariants now and then. */
#ifndef NDEBUG
static bool sound(const struct event_replay *replay)
{
    return replay->step_number % CHECKED_STEPS != 0 || (event_calendar_check(&replay->calendar) && event_blocks_check(&replay->blocks));
}
#endif

static enum status run_loop(struct event_replay *replay, struct replay_facts *facts, struct diag *diag)
{
    for (;;) {
        enum status status = take_in(replay, diag);
        if (status != SIM_OK)
            return status;
        if (interrupted(replay))
            return diag_set(diag, SIM_INTERRUPTED, "interrupted");
        assert(sound(replay));
        bool nothing = replay->calendar.running + replay->waiting.count == 0, idle = nothing;
        uint32_t stretch = 0;
        if (!nothing && !replay->emitter.wants_tallies)
            status = event_stretch(replay, &stretch, diag);
        if (stretch > 0 && status == SIM_OK) {
            replay->steps_without_token = 0;
            continue;
        }
        if (!nothing && status == SIM_OK)
            status = run_step(replay, &idle, diag);
        if (status == SIM_OK && !idle && livelocked(&replay->steps_without_token, replay->tally.sampled_tokens, facts))
            return SIM_OK;
        if (idle && status == SIM_OK) {
            int64_t arrival_ns = event_next_arrival(replay);
            if (arrival_ns == INT64_MAX) {
                facts->end.stalled = !nothing;
                return SIM_OK;
            }
            status = skip_to(replay, arrival_ns, diag);
        }
        if (status != SIM_OK)
            return status;
    }
}

static enum status finish(struct event_replay *replay, struct replay_facts *facts, struct diag *diag)
{
    facts->end.steps = replay->step_number;
    facts->end.end_ns = replay->now_ns;
    facts->end.unfinished = replay->trace->count - replay->dropped - replay->finished;
    enum status status = emitter_flush(&replay->emitter, diag);
    const struct emitter *emitter = &replay->emitter;
    for (size_t i = 0; i < emitter->observer_count && status == SIM_OK; i++)
        if (emitter->observers[i].finish)
            status = emitter->observers[i].finish(emitter->observers[i].self, &facts->end, diag);
    return status;
}

static enum status prepare(struct event_replay *replay, struct diag *diag)
{
    const struct trace *trace = replay->trace;
    uint32_t most = min_u32(replay->config->max_num_seqs, trace->count);
    enum status status = scheduling_order_init(&replay->order, trace, replay->config, replay->model, diag);
    if (status != SIM_OK)
        return status;
    replay->victim = policy_find_victim(replay->config->preemption_victim);
    replay->by_priority = replay->order.policy->order != PAGESIM_POLICY_ARRIVAL;
    status = closed_loop_init(&replay->loop, trace, replay->config->max_concurrency, diag);
    if (status == SIM_OK)
        status = event_blocks_init(&replay->blocks, trace, replay->config, most, replay->emitter.wants_contiguity, diag);
    if (status == SIM_OK)
        status = request_queue_init(&replay->waiting, trace->count, replay->by_priority, diag);
    if (status == SIM_OK)
        status = event_calendar_init(&replay->calendar, replay->config->block_size, most, diag);
    if (status == SIM_OK)
        status = array_zeroed(&replay->is_dropped, trace->count, sizeof *replay->is_dropped, "the replay's requests", diag);
    if (status == SIM_OK)
        status = array_zeroed(&replay->prefill, most, sizeof *replay->prefill, "the replay's lists", diag);
    if (status == SIM_OK)
        status = array_zeroed(&replay->due, most, sizeof *replay->due, "the replay's lists", diag);
    return status;
}

enum status event_replay_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                             const struct observer *observers, size_t observer_count, const struct replay_options *options,
                             struct replay_facts *facts, struct diag *diag)
{
    struct event_replay *replay;
    enum status status = array_zeroed(&replay, 1, sizeof *replay, "the event replay", diag);
    if (status != SIM_OK)
        return status;
    replay->trace = trace;
    replay->config = config;
    replay->model = model;
    replay->options = options;
    replay->watermark_blocks = config_watermark_blocks(config);
    replay->refused_position = UINT32_MAX;
    emitter_init(&replay->emitter, observers, observer_count, config->block_size);
    status = prepare(replay, diag);
    if (status == SIM_OK)
        status = drop_hopeless(replay, diag);
    if (status == SIM_OK)
        status = run_loop(replay, facts, diag);
    if (status == SIM_OK)
        status = finish(replay, facts, diag);
    closed_loop_deinit(&replay->loop);
    event_blocks_deinit(&replay->blocks);
    request_queue_deinit(&replay->waiting);
    scheduling_order_deinit(&replay->order);
    event_calendar_deinit(&replay->calendar);
    free(replay->is_dropped);
    free(replay->preempted);
    free(replay->prefill);
    free(replay->due);
    free(replay);
    return status;
}
