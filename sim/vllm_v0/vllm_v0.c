/* vllm_v0.c - the scheduler of vLLM 0.6.2, the last one with the PagedAttention paper's design: groups of sequences, watermark
 * admission, prefill-first or chunked, preemption by recompute or by swapping. Start reading at v0_schedule(). Who is in a step is
 * decided in vllm_v0_phases.c; blocks are vllm_v0_groups.c's, outputs vllm_v0_outputs.c's. Sections in comments are those of
 * doc/vllm_v0.md. Source: vLLM 0.6.2 core/scheduler.py.
 *
 * One step, from top to bottom of this file:
 *
 *     start_step        empty lists, budgets
 *     phases            who runs, comes back, is admitted, is preempted (vllm_v0_phases.c); tables change here
 *     requeue           victims to their queues, `running` in the order of the next step
 *     list_scheduled    the step's own order, which logs see
 *     compute           chunks count as present; the shape for the price
 *     v0_complete       outputs, forks, finishes */
#include "vllm_v0/vllm_v0.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "vllm_v0/vllm_v0_state.h"

/* The group is made now and not at the start of the replay, because sequence ids come from one counter in order of arrival. Keys are 0:
 * nothing in V0 sorts a queue. */
static enum status v0_arrive(struct scheduler *self, uint32_t position, int64_t arrival_ns, struct diag *diag)
{
    (void)arrival_ns;
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    const uint64_t present = (uint64_t)v0->waiting.count + v0->swapped.count + v0->running.count + 1;
    enum status status = request_queue_expect(&v0->waiting, present, diag);
    if (status == SIM_OK)
        status = request_queue_expect(&v0->swapped, present, diag);
    if (status == SIM_OK)
        status = v0_group_open(&v0->manager, position, &v0->groups[position], diag);
    if (status == SIM_OK)
        request_queue_push(&v0->waiting, position, 0);
    return status;
}

/* --- a step ---------------------------------------------------------------------------------------------------------------------- */

static void start_step(struct vllm_v0 *v0, struct step *step)
{
    *step = v0->lists;
    v0->step = step;
    for (size_t i = 0; i < V0_PHASES; i++)
        v0->phases[i].count = 0;
    v0->ignored_swapped.count = v0->running_first = v0->sequences = 0;
    v0->sequences_counted = v0->config.enable_chunked_prefill;
    v0->tokens = 0;
    v0->manager.copies.count = v0->manager.swap_in.count = v0->manager.swap_out.count = 0;
    v0->manager.unwritten.count = 0;
    v0->manager.forks = v0->manager.survivor_recomputes = 0;
}

/* Victims go back to their queues; then `running` in the order of the next step. The two orders are vLLM's (sections 4 and 7.3) and
 * decide who is preempted next: the last. Each victim of a recomputation is put at the very front, so the last of them stands first.
 * Groups that had no turn stay in front of all who had. */
static void requeue(struct vllm_v0 *v0)
{
    static const enum v0_phase chunked[] = {V0_SWAPPED_DECODES, V0_SWAPPED_PREFILLS, V0_DECODES, V0_CONTINUED, V0_NEW_PREFILLS};
    static const enum v0_phase plain[] = {V0_NEW_PREFILLS, V0_DECODES, V0_CONTINUED, V0_SWAPPED_DECODES, V0_SWAPPED_PREFILLS};
    const struct step *step = v0->step;
    struct positions *running = &v0->running;
    for (uint32_t i = 0; i < step->preempted_count; i++)
        if (step->preempted[i].kind == PREEMPT_RECOMPUTE)
            request_queue_push_preempted(&v0->waiting, step->preempted[i].request, 0);
        else
            request_queue_push(&v0->swapped, step->preempted[i].request, 0);
    running->count -= v0->running_first;
    memmove(running->items, running->items + v0->running_first, running->count * sizeof *running->items);
    for (size_t i = 0; i < V0_PHASES; i++) {
        const struct phase *phase = &v0->phases[(v0->config.enable_chunked_prefill ? chunked : plain)[i]];
        for (uint32_t k = 0; k < phase->count; k++)
            running->items[running->count++] = phase->items[k].request;
    }
}

/* Of a running group. */
static uint32_t live_of(const struct v0_group *group)
{
    return v0_group_is_single(group) ? 1 : v0_group_live(group);
}

/* The step's list: prefills of all kinds, then decodes. Without chunked prefill vLLM counts only the groups just admitted as prefills.
 * `chunks` keeps what each sequence of a group computes, while the list tells what the group as a whole does. */
static void list_scheduled(struct vllm_v0 *v0, struct step *step)
{
    static const enum v0_phase order[] = {V0_NEW_PREFILLS, V0_CONTINUED, V0_SWAPPED_PREFILLS, V0_DECODES, V0_SWAPPED_DECODES};
    v0->prefill_groups = v0->phases[V0_NEW_PREFILLS].count;
    if (v0->config.enable_chunked_prefill)
        v0->prefill_groups += v0->phases[V0_CONTINUED].count + v0->phases[V0_SWAPPED_PREFILLS].count;
    for (size_t i = 0; i < V0_PHASES; i++) {
        const struct phase *phase = &v0->phases[order[i]];
        for (uint32_t k = 0; k < phase->count; k++) {
            const bool prefill = step->scheduled_count < v0->prefill_groups;
            struct scheduled *scheduled = &step->scheduled[step->scheduled_count];
            v0->chunks[step->scheduled_count++] = phase->items[k].tokens;
            *scheduled = phase->items[k];
            if (!prefill) /* a decode is one token for each live sequence */
                scheduled->tokens = (int32_t)live_of(&v0->groups[scheduled->request]);
        }
    }
}

/* Prefix caching: look at all scheduled groups before marking any. Otherwise a prompt would count as cached what its neighbour computes
 * in this very step. */
static void follow_caching(struct vllm_v0 *v0, const struct step *step, int64_t now_ns)
{
    for (uint32_t i = 0; i < step->scheduled_count; i++) {
        const uint32_t request = step->scheduled[i].request, cached = v0_touch(&v0->manager, &v0->groups[request], now_ns);
        for (uint32_t a = 0; a < step->admitted_count; a++)
            if (step->admitted[a].request == request)
                step->admitted[a].cached_tokens = cached;
    }
    for (uint32_t i = 0; i < step->scheduled_count; i++)
        v0_mark_computed(&v0->manager, &v0->groups[step->scheduled[i].request], v0->chunks[i]);
}

/* Append a sequence to the step's list: it computes from `start` to where it is now. Numbers can be negative, and a chunk of negative length
 * goes back, see struct scheduled: then the sequence computes nothing, and has what is left. */
static enum status list_sequence(struct vllm_v0 *v0, const struct v0_group *group, const struct v0_sequence *sequence, int32_t start,
                                 uint32_t *listed, struct diag *diag)
{
    const uint32_t from = start > 0 ? (uint32_t)start : 0, to = sequence->computed > 0 ? (uint32_t)sequence->computed : 0;
    enum status status = array_reserve(&v0->lists.sequences, &v0->sequences_capacity, (size_t)*listed + 1, sizeof *v0->lists.sequences,
                                       "a scheduler list", diag);
    if (status == SIM_OK)
        v0->lists.sequences[(*listed)++] = (struct step_sequence){.request = group->request,
                                                                  .sample = sequence->sample,
                                                                  .start = min_u32(from, to),
                                                                  .tokens = to > from ? to - from : 0,
                                                                  .blocks = sequence->blocks,
                                                                  .num_blocks = sequence->count,
                                                                  .lineage = sequence->lineage};
    return status;
}

/* Running groups that stand still in this step keep their blocks. */
static enum status list_residents(struct vllm_v0 *v0, uint32_t *listed, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t g = 0; g < v0->running.count; g++) {
        struct v0_group *group = &v0->groups[v0->running.items[g]];
        for (uint32_t s = 0; !group->listed && s < group->count && status == SIM_OK; s++)
            if (group->sequences[s]->status != V0_FINISHED)
                status = list_sequence(v0, group, group->sequences[s], group->sequences[s]->computed, listed, diag);
        group->listed = false;
    }
    return status;
}

/* Compute the chunk of every live sequence; list the sequences and their sums. A negative chunk goes through all sums modulo 2^64, where
 * subtracting is adding. Finished samples hold no blocks and compute nothing. */
static enum status compute(struct vllm_v0 *v0, struct step *step, struct diag *diag)
{
    const bool want_lists = v0->manager.want_lists;
    enum status status = SIM_OK;
    uint32_t listed = 0;
    for (uint32_t i = 0; i < step->scheduled_count; i++) {
        struct v0_group *group = &v0->groups[step->scheduled[i].request];
        group->listed = want_lists;
        for (uint32_t s = 0; s < group->count && status == SIM_OK; s++) {
            struct v0_sequence *sequence = group->sequences[s];
            if (sequence->status == V0_FINISHED)
                continue;
            const int32_t start = sequence->computed;
            const uint64_t chunk = (uint64_t)(int64_t)v0->chunks[i];
            sequence->computed += v0->chunks[i];
            v0->manager.held_tokens += chunk;
            step_shape_add(&step->shape, (uint64_t)(int64_t)start, chunk, chunk == 1 && (uint32_t)sequence->computed == sequence->length);
            if (want_lists)
                status = list_sequence(v0, group, sequence, start, &listed, diag);
        }
    }
    step->sequence_count = listed;
    if (status == SIM_OK && want_lists)
        status = list_residents(v0, &listed, diag);
    step->sequences = v0->lists.sequences;
    step->residents = step->sequences ? step->sequences + step->sequence_count : NULL;
    step->resident_count = listed - step->sequence_count;
    return status;
}

/* What step_tally.shared_empty_slots counts. Samples of one prompt share even a last block that is not full, until one of them writes to
 * it. Looks at nothing when no block is shared; else O(blocks in tables). */
static uint32_t shared_empty_slots(const struct vllm_v0 *v0)
{
    const struct v0_manager *manager = &v0->manager;
    const struct v0_device *gpu = &manager->gpu;
    uint32_t *fullest = manager->moved_to; /* borrowed: 1 + tokens in the fullest view of a shared block; all zero before and after */
    uint64_t empty = 0;
    if (manager->table_blocks == v0_device_used(gpu))
        return 0;
    for (int pass = 0; pass < 2; pass++) /* once over all views, once over the distinct blocks */
        for (uint32_t g = 0; g < v0->running.count; g++) {
            const struct v0_group *group = &v0->groups[v0->running.items[g]];
            for (uint32_t s = 0; s < group->count; s++)
                for (uint32_t i = 0; i < group->sequences[s]->count; i++) {
                    const uint32_t block = group->sequences[s]->blocks[i];
                    const uint32_t tokens = v0_tokens_in_block(manager, group->sequences[s], i);
                    if (gpu->refs[block] < 2)
                        continue;
                    if (pass == 0) {
                        empty += manager->block_size - tokens;
                        fullest[block] = max_u32(fullest[block], tokens + 1);
                    } else if (fullest[block] > 0) {
                        empty -= manager->block_size - (fullest[block] - 1);
                        fullest[block] = 0;
                    }
                }
        }
    return (uint32_t)empty;
}

void v0_pool_state(const struct scheduler *self, struct step_tally *tally)
{
    const struct v0_manager *manager = &((const struct vllm_v0 *)self)->manager;
    tally->free_blocks = v0_device_free(&manager->gpu);
    tally->cached_blocks = v0_device_cached(&manager->gpu);
    tally->used_blocks = v0_device_used(&manager->gpu);
    tally->table_blocks = (uint32_t)manager->table_blocks;
    tally->table_runs = (uint32_t)manager->table_runs;
    tally->held_tokens = manager->held_tokens;
    tally->free_cpu_blocks = v0_device_free(&manager->cpu);
}

static void v0_pool_states(const struct scheduler *self, uint8_t *states)
{
    v0_device_states(&((const struct vllm_v0 *)self)->manager.gpu, states);
}

static void fill_tally(struct vllm_v0 *v0, struct step *step)
{
    const struct v0_manager *manager = &v0->manager;
    const uint32_t prefills = v0->prefill_groups, groups = step->scheduled_count;
    step->tally = (struct step_tally){
        .running = v0->running.count,
        .waiting = v0->waiting.count,
        .swapped = v0->swapped.count,
        .shared_empty_slots = shared_empty_slots(v0),
        .copies = manager->copies.count,
        .swapped_in_blocks = manager->swap_in.count,
        .swapped_out_blocks = manager->swap_out.count,
        .preemptions = step->preempted_count,
        .survivor_recomputes = manager->survivor_recomputes,
    };
    v0_pool_state(&v0->base, &step->tally);
    step_tally_set_work(&step->tally, &step->shape);
    /* V0 calls a step by its groups: a prompt chunk of one token is a prefill all the same. */
    step->tally.mode = groups == 0          ? STEP_MODE_IDLE
                       : prefills == groups ? STEP_MODE_PREFILL
                       : prefills           ? STEP_MODE_MIXED
                                            : STEP_MODE_DECODE;
}

/* Lists that are made while the step is decided, but in places of their own. */
static void add_lists(const struct vllm_v0 *v0, struct step *step)
{
    const struct v0_manager *manager = &v0->manager;
    for (uint32_t i = 0; i < v0->ignored_swapped.count; i++)
        step->ignored[step->ignored_count++] = v0->ignored_swapped.items[i];
    step->copies = manager->copies.pairs;
    step->copy_count = manager->copies.count;
    step->swap_in = manager->swap_in.pairs;
    step->swap_in_count = manager->swap_in.count;
    step->swap_out = manager->swap_out.pairs;
    step->swap_out_count = manager->swap_out.count;
    step->unwritten = manager->unwritten.list;
    step->unwritten_count = (uint32_t)manager->unwritten.count;
}

/* If vLLM would die, the lists are half made and no step runs: the loop reads step->abort first. Access times are set before computing,
 * as they are those of the step's start. */
static enum status v0_schedule(struct scheduler *self, int64_t now_ns, struct step *step, struct diag *diag)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    start_step(v0, step);
    enum status status = v0->config.enable_chunked_prefill ? v0_schedule_chunked(v0, diag) : v0_schedule_prefill_first(v0, diag);
    step->abort = v0->abort;
    if (status != SIM_OK || v0->abort)
        return status;
    requeue(v0);
    list_scheduled(v0, step);
    if (v0->config.enable_prefix_caching)
        follow_caching(v0, step, now_ns);
    status = compute(v0, step, diag);
    add_lists(v0, step);
    fill_tally(v0, step);
    return status;
}

/* --- section 8: after the model -------------------------------------------------------------------------------------------------- */

static void note_sampled(struct step *step, uint32_t request, uint32_t tokens)
{
    step->sampled[step->sampled_count++] = (struct scheduled){.request = request, .tokens = (int32_t)tokens};
    step->tally.sampled_tokens += tokens;
}

/* A group gets tokens when its prompt is complete, or when it was decoding already. Sequences of a group go through stages together, so
 * the first one that lives speaks for all. How many tokens it gets is counted before they are handed out, since that forks and finishes
 * sequences. A group that has not forked gets its samples' or beams' first tokens in one go. */
static enum status complete_group(struct vllm_v0 *v0, uint32_t request, struct step *step, struct diag *diag)
{
    struct v0_group *group = &v0->groups[request];
    struct v0_sequence *first_live = NULL;
    if (v0_group_is_single(group) && v0_group_single(group)->decoding) { /* as nearly always: what follows comes to this */
        note_sampled(step, request, 1);
        enum status fed = v0_feed(&v0->manager, group, diag);
        if (v0_group_single(group)->status == V0_FINISHED)
            step->finished[step->finished_count++] = request;
        return fed;
    }
    const bool sampled = group->sequences[0]->decoding;
    for (uint32_t s = 0; s < group->count; s++) {
        struct v0_sequence *sequence = group->sequences[s];
        if (sequence->status == V0_FINISHED)
            continue;
        first_live = first_live ? first_live : sequence;
        if ((uint32_t)sequence->computed == sequence->length)
            sequence->decoding = true;
    }
    if (!first_live || (!sampled && (uint32_t)first_live->computed != first_live->length))
        return SIM_OK;
    bool first = group->count == 1 && group->sequences[0]->generated == 0;
    uint32_t tokens = !first ? v0_group_count(group, V0_RUNNING) : group->beam ? group->beam : group->samples;
    enum status status = v0_feed(&v0->manager, group, diag);
    note_sampled(step, request, tokens);
    if (v0_group_live(group) == 0)
        step->finished[step->finished_count++] = request;
    return status;
}

/* In the step's order, as releases decide which block is next on the stack. Groups leave the running list once all have had their
 * tokens, and their memory goes last. */
static enum status v0_complete(struct scheduler *self, int64_t end_ns, struct step *step, struct diag *diag)
{
    (void)end_ns;
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < step->scheduled_count && status == SIM_OK; i++)
        status = complete_group(v0, step->scheduled[i].request, step, diag);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v0->running.count && step->finished_count > 0; i++)
        if (v0_group_live(&v0->groups[v0->running.items[i]]) > 0)
            v0->running.items[kept++] = v0->running.items[i];
    if (step->finished_count > 0)
        v0->running.count = kept;
    for (uint32_t i = 0; i < step->finished_count; i++)
        v0_group_close(&v0->groups[step->finished[i]]);
    step->tally.forks = v0->manager.forks;
    return status;
}

/* --- before and after ------------------------------------------------------------------------------------------------------------ */

/* Counted at its largest: every sample or beam with blocks of its own after the full prompt blocks, and one more each for copy-on-write.
 * A group that needs more than the pool would get stuck in one of the ways of section 9. The smallest pool is found by going up: each
 * larger pool has a larger watermark, but grows faster than it.
 * */
static bool v0_never_runs(const struct trace *trace, const struct config *config, uint32_t position, enum drop_reason *why,
                          uint64_t *smallest_pool)
{
    uint64_t input = trace->input_tokens[position], total = input + trace->output_tokens[position];
    uint64_t copies = trace->samples ? trace->samples[position] : 1;
    if (trace->beam_width && trace->beam_width[position] > copies)
        copies = trace->beam_width[position];
    uint64_t full = input / config->block_size, blocks = (total + config->block_size - 1) / config->block_size;
    uint64_t need = full + copies * (blocks - full) + copies;
    *smallest_pool = 0;
    if (total > config->max_model_len) {
        *why = DROP_MAX_MODEL_LEN;
        return true;
    }
    *why = need <= config->num_gpu_blocks || config->watermark >= 1 ? DROP_WATERMARK : DROP_POOL;
    uint64_t pool = need; /* the watermark is a share of the pool: go up until both fit */
    while (config->watermark < 1 && need + (uint64_t)(config->watermark * (double)pool) > pool)
        pool = need + (uint64_t)(config->watermark * (double)pool);
    *smallest_pool = config->watermark < 1 ? pool : 0;
    return need + config_watermark_blocks(config) > config->num_gpu_blocks;
}

/* Section 9: the ways to get stuck, each with the request at the head that nothing can move. */
static const char *v0_diagnose(struct scheduler *self)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    char *text = v0->diagnosis;
    const size_t size = sizeof v0->diagnosis;
    if (v0->abort) {
        snprintf(text, size, "%s", v0->advice);
    } else if (v0->swapped.count > 0) {
        uint32_t request = request_queue_peek(&v0->swapped), index = trace_index(v0->trace, request);
        uint32_t rest = v0_group_wants(&v0->groups[request], V0_SWAPPED);
        if (rest > v0->config.max_num_batched_tokens)
            snprintf(text, size,
                     "request %u was swapped out with %u prompt tokens uncomputed, more than max_num_batched_tokens (%u), and can never be "
                     "swapped "
                     "in, nor can the %u groups after it; raise max_num_batched_tokens or use preemption_mode recompute",
                     index, rest, v0->config.max_num_batched_tokens, v0->swapped.count - 1);
        else
            snprintf(
                text, size,
                "request %u waits to be swapped in for more blocks than the watermark (%u blocks) ever leaves free, and blocks everything "
                "after it; raise num_gpu_blocks or lower watermark",
                index, v0->manager.watermark_blocks);
    } else if (v0->waiting.count > 0) {
        snprintf(text, size, "request %u waits for more blocks or sequences than are ever free; raise num_gpu_blocks or max_num_seqs",
                 trace_index(v0->trace, request_queue_peek(&v0->waiting)));
    } else {
        return NULL;
    }
    return text;
}

static bool v0_check(const struct scheduler *self, struct diag *diag)
{
    const struct vllm_v0 *v0 = (const struct vllm_v0 *)self;
    return v0_manager_check(&v0->manager, v0->groups, v0->trace->count, diag) && request_queue_check(&v0->waiting) &&
           request_queue_check(&v0->swapped);
}

static void v0_destroy(struct scheduler *self)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    for (size_t i = 0; i < V0_PHASES; i++)
        free(v0->phases[i].items);
    for (uint32_t position = 0; v0->groups && position < v0->trace->count; position++)
        v0_group_close(&v0->groups[position]);
    free(v0->groups);
    free(v0->running.items);
    free(v0->ignored_swapped.items);
    free(v0->chunks);
    free(v0->quiet.due);
    free(v0->quiet.due_count);
    free(v0->quiet.next);
    step_free_lists(&v0->lists);
    request_queue_deinit(&v0->waiting);
    request_queue_deinit(&v0->swapped);
    v0_manager_deinit(&v0->manager);
    free(v0);
}

static const struct scheduler_ops ops = {
    .never_runs = v0_never_runs,
    .arrive = v0_arrive,
    .schedule = v0_schedule,
    .complete = v0_complete,
    .quiet_begin = v0_quiet_begin,
    .quiet_next = v0_quiet_next,
    .quiet_end = v0_quiet_end,
    .diagnose = v0_diagnose,
    .pool_state = v0_pool_state,
    .pool_states = v0_pool_states,
    .check = v0_check,
    .destroy = v0_destroy,
};

/* A group is in each list once at the most, so lists with room for all requests never grow, and adding to them cannot fail. */
static enum status make_lists(struct vllm_v0 *v0, struct diag *diag)
{
    const size_t most = v0->trace->count;
    const struct array_request arrays[] = {ARRAY_OF(v0->groups, most),
                                           ARRAY_OF(v0->running.items, most),
                                           ARRAY_OF(v0->ignored_swapped.items, most),
                                           ARRAY_OF(v0->chunks, most),
                                           ARRAY_OF(v0->quiet.next, most),
                                           ARRAY_OF(v0->quiet.due, v0->config.block_size),
                                           ARRAY_OF(v0->quiet.due_count, v0->config.block_size)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the scheduler's lists", diag);
    for (size_t i = 0; i < V0_PHASES && status == SIM_OK; i++)
        status = array_zeroed(&v0->phases[i].items, most, sizeof *v0->phases[i].items, "the scheduler's lists", diag);
    return status == SIM_OK ? step_make_lists(&v0->lists, most, diag) : status;
}

enum status vllm_v0_create(const struct trace *trace, const struct config *config, enum v0_detail detail, struct scheduler **out,
                           struct diag *diag)
{
    struct vllm_v0 *v0;
    enum status status = array_zeroed(&v0, 1, sizeof *v0, "the scheduler", diag);
    if (status != SIM_OK)
        return status;
    v0->base.ops = &ops;
    v0->trace = trace;
    v0->config = *config;
    status = v0_manager_init(&v0->manager, trace, config, detail, diag);
    if (status == SIM_OK)
        status = make_lists(v0, diag);
    if (status == SIM_OK)
        status = request_queue_init(&v0->waiting, trace->count, false, diag);
    if (status == SIM_OK)
        status = request_queue_init(&v0->swapped, trace->count, false, diag);
    if (status != SIM_OK) {
        v0_destroy(&v0->base);
        return status;
    }
    *out = &v0->base;
    return SIM_OK;
}
