/* vllm_v0.c - the scheduler of vLLM 0.6.2, the last one with the PagedAttention paper's design: groups of sequences, watermark admission,
 * prefill-first or chunked, preemption by recompute or by swapping. Start reading at v0_schedule(). Who is in a step is decided in
 * vllm_v0_phases.c; blocks are vllm_v0_groups.c's, outputs vllm_v0_outputs.c's. Sections in comments are those of doc/vllm_v0.md.
 * Source: vLLM 0.6.2 core/scheduler.py. */
#include "vllm_v0/vllm_v0.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "vllm_v0/vllm_v0_phases.h"
#include "vllm_v0/vllm_v0_residents.h"

static enum status v0_arrive(struct scheduler *self, uint32_t position, int64_t arrival_ns, struct diag *diag)
{
    (void)arrival_ns;
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    enum status status = v0_group_open(&v0->manager, position, &v0->groups[position], diag);
    if (status == SIM_OK)
        request_queue_push(&v0->waiting, position, 0);
    return status;
}

/* --- a step ---------------------------------------------------------------------------------------------------------------------- */

/* Without chunked prefill, all running groups hold their sequence slots even in steps that they sit out. */
static void start_step(struct vllm_v0 *v0)
{
    struct phase *const phases[] = {&v0->new_prefills,    &v0->continued, &v0->decodes,   &v0->swapped_prefills,
                                    &v0->swapped_decodes, &v0->admitted,  &v0->scheduled, &v0->sampled};
    struct positions *const lists[] = {&v0->recomputed, &v0->swapped_out, &v0->resumed, &v0->ignored, &v0->ignored_swapped, &v0->finished};
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        phases[i]->count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        lists[i]->count = 0;
    v0->preempted_count = v0->running_first = v0->sequences = 0;
    v0->tokens = 0;
    v0->manager.copies.count = v0->manager.swap_in.count = v0->manager.swap_out.count = 0;
    v0->manager.forks = v0->manager.survivor_recomputes = 0;
    if (!v0->config.enable_chunked_prefill)
        for (uint32_t i = 0; i < v0->running.count; i++)
            v0->sequences += v0_group_reserve(&v0->groups[v0->running.items[i]]);
}

static enum status append_phase(struct positions *list, const struct phase *phase, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < phase->count && status == SIM_OK; i++)
        status = v0_push(list, phase->items[i].request, diag);
    return status;
}

/* Victims go back to their queues; then `running` in the order of the next step. */
static enum status requeue(struct vllm_v0 *v0, struct diag *diag)
{
    const struct phase *const chunked[] = {&v0->swapped_decodes, &v0->swapped_prefills, &v0->decodes, &v0->continued, &v0->new_prefills};
    const struct phase *const plain[] = {&v0->new_prefills, &v0->decodes, &v0->continued, &v0->swapped_decodes, &v0->swapped_prefills};
    for (uint32_t i = 0; i < v0->recomputed.count; i++)
        request_queue_push_preempted(&v0->waiting, v0->recomputed.items[i], 0);
    for (uint32_t i = 0; i < v0->swapped_out.count; i++)
        request_queue_push(&v0->swapped, v0->swapped_out.items[i], 0);
    enum status status = SIM_OK;
    v0->next_running.count = 0;
    for (uint32_t i = v0->running_first; i < v0->running.count && status == SIM_OK; i++)
        status = v0_push(&v0->next_running, v0->running.items[i], diag);
    for (size_t i = 0; i < 5 && status == SIM_OK; i++)
        status = append_phase(&v0->next_running, (v0->config.enable_chunked_prefill ? chunked : plain)[i], diag);
    struct positions old = v0->running;
    v0->running = v0->next_running;
    v0->next_running = old;
    return status;
}

/* The step's list: prefills of all kinds, then decodes. */
static enum status list_scheduled(struct vllm_v0 *v0, struct diag *diag)
{
    const struct phase *const phases[] = {&v0->new_prefills, &v0->continued, &v0->swapped_prefills, &v0->decodes, &v0->swapped_decodes};
    enum status status = SIM_OK;
    v0->prefill_groups = v0->new_prefills.count;
    if (v0->config.enable_chunked_prefill)
        v0->prefill_groups += v0->continued.count + v0->swapped_prefills.count;
    for (size_t phase = 0; phase < 5; phase++)
        for (uint32_t i = 0; i < phases[phase]->count && status == SIM_OK; i++)
            status = v0_push_scheduled(&v0->scheduled, phases[phase]->items[i].request, phases[phase]->items[i].tokens, diag);
    if (status == SIM_OK)
        status = array_reserve(&v0->chunks, &v0->chunks_capacity, v0->scheduled.count, sizeof *v0->chunks, "a scheduler list", diag);
    for (uint32_t i = 0; i < v0->scheduled.count && status == SIM_OK; i++) {
        v0->chunks[i] = v0->scheduled.items[i].tokens;
        if (i >= v0->prefill_groups) /* a decode is one token for each live sequence */
            v0->scheduled.items[i].tokens = (int32_t)v0_group_live(&v0->groups[v0->scheduled.items[i].request]);
    }
    return status;
}

/* Prefix caching: look at all scheduled groups before marking any. */
static void follow_caching(struct vllm_v0 *v0, int64_t now_ns)
{
    for (uint32_t i = 0; i < v0->scheduled.count; i++) {
        uint32_t cached, request = v0->scheduled.items[i].request;
        v0_touch(&v0->manager, &v0->groups[request], now_ns, &cached);
        for (uint32_t a = 0; a < v0->admitted.count; a++)
            if (v0->admitted.items[a].request == request)
                v0->admitted.items[a].tokens = (int32_t)cached;
    }
    for (uint32_t i = 0; i < v0->scheduled.count; i++)
        v0_mark_computed(&v0->manager, &v0->groups[v0->scheduled.items[i].request], v0->chunks[i]);
}

/* Compute the chunk of every live sequence; list the sequences and their sums. */
static enum status list_sequences(struct vllm_v0 *v0, struct step *step, struct diag *diag)
{
    enum status status = SIM_OK;
    uint32_t listed = 0;
    for (uint32_t i = 0; i < v0->scheduled.count; i++) {
        struct v0_group *group = &v0->groups[v0->scheduled.items[i].request];
        group->listed = v0->manager.want_lists;
        for (uint32_t s = 0; s < group->count && status == SIM_OK; s++) {
            struct v0_sequence *sequence = group->sequences[s];
            if (sequence->status == V0_FINISHED)
                continue;
            const uint64_t before = (uint64_t)(int64_t)sequence->computed, chunk = (uint64_t)(int64_t)v0->chunks[i];
            sequence->computed += v0->chunks[i];
            v0->manager.held_tokens += chunk;
            step_shape_add(&step->shape, before, chunk, chunk == 1 && (uint32_t)sequence->computed == sequence->length);
            if (!v0->manager.want_lists)
                continue;
            status = array_reserve(&v0->step_sequences, &v0->step_sequences_capacity, (size_t)listed + 1, sizeof *v0->step_sequences,
                                   "a scheduler list", diag);
            int32_t start = sequence->computed - v0->chunks[i], end = sequence->computed;
            if (status == SIM_OK)
                v0->step_sequences[listed++] = (struct step_sequence){.request = group->request,
                                                                      .sample = sequence->sample,
                                                                      .start = start > 0 ? (uint32_t)start : 0,
                                                                      .tokens = end > 0 ? (uint32_t)(end - (start > 0 ? start : 0)) : 0,
                                                                      .blocks = sequence->blocks,
                                                                      .num_blocks = sequence->count,
                                                                      .lineage = sequence->lineage};
        }
    }
    step->sequence_count = listed;
    if (status == SIM_OK && v0->manager.want_lists) {
        const struct v0_running running = {v0->groups, v0->running.items, v0->running.count};
        status = v0_list_residents(&running, &v0->step_sequences, &v0->step_sequences_capacity, &listed, diag);
    }
    step->sequences = v0->step_sequences;
    step->residents = v0->step_sequences ? v0->step_sequences + step->sequence_count : NULL;
    step->resident_count = listed - step->sequence_count;
    return status;
}

static void fill_tally(struct vllm_v0 *v0, struct step *step)
{
    struct v0_manager *manager = &v0->manager;
    const struct v0_running running = {v0->groups, v0->running.items, v0->running.count};
    uint32_t prefills = v0->prefill_groups, groups = v0->scheduled.count;
    step->tally = (struct step_tally){
        .held_tokens = manager->held_tokens,
        .running = v0->running.count,
        .waiting = v0->waiting.count,
        .swapped = v0->swapped.count,
        .free_blocks = v0_device_free(&manager->gpu),
        .cached_blocks = v0_device_cached(&manager->gpu),
        .used_blocks = kv_block_pool_used(&manager->gpu.pool),
        .table_blocks = (uint32_t)manager->table_blocks,
        .table_runs = (uint32_t)manager->table_runs,
        .shared_empty_slots = v0_shared_empty_slots(manager, &running),
        .free_cpu_blocks = v0_device_free(&manager->cpu),
        .copies = manager->copies.count,
        .swapped_in_blocks = manager->swap_in.count,
        .swapped_out_blocks = manager->swap_out.count,
        .preemptions = v0->preempted_count,
        .survivor_recomputes = manager->survivor_recomputes,
    };
    step_tally_set_work(&step->tally, &step->shape);
    /* V0 calls a step by its groups: a prompt chunk of one token is a prefill all the same. */
    step->tally.mode = groups == 0          ? STEP_MODE_IDLE
                       : prefills == groups ? STEP_MODE_PREFILL
                       : prefills           ? STEP_MODE_MIXED
                                            : STEP_MODE_DECODE;
}

static enum status fill_lists(struct vllm_v0 *v0, struct step *step, struct diag *diag)
{
    enum status status = list_sequences(v0, step, diag);
    for (uint32_t i = 0; i < v0->ignored_swapped.count && status == SIM_OK; i++)
        status = v0_push(&v0->ignored, v0->ignored_swapped.items[i], diag);
    step->scheduled = v0->scheduled.items;
    step->scheduled_count = v0->scheduled.count;
    /* A scheduled pair and an admitted one are both (request, tokens). */
    _Static_assert(sizeof(struct scheduled) == sizeof(struct admitted), "admitted is listed as scheduled");
    step->admitted = (struct admitted *)(void *)v0->admitted.items;
    step->admitted_count = v0->admitted.count;
    step->preempted = v0->preempted;
    step->preempted_count = v0->preempted_count;
    step->resumed = v0->resumed.items;
    step->resumed_count = v0->resumed.count;
    step->ignored = v0->ignored.items;
    step->ignored_count = v0->ignored.count;
    step->copies = v0->manager.copies.pairs;
    step->copy_count = v0->manager.copies.count;
    step->swap_in = v0->manager.swap_in.pairs;
    step->swap_in_count = v0->manager.swap_in.count;
    step->swap_out = v0->manager.swap_out.pairs;
    step->swap_out_count = v0->manager.swap_out.count;
    return status;
}

static enum status v0_schedule(struct scheduler *self, int64_t now_ns, struct step *step, struct diag *diag)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    *step = (struct step){0};
    start_step(v0);
    enum status status = v0->config.enable_chunked_prefill ? v0_schedule_chunked(v0, diag) : v0_schedule_prefill_first(v0, diag);
    step->abort = v0->abort;
    if (status != SIM_OK || v0->abort)
        return status;
    status = requeue(v0, diag);
    if (status == SIM_OK)
        status = list_scheduled(v0, diag);
    if (status == SIM_OK && v0->config.enable_prefix_caching)
        follow_caching(v0, now_ns);
    if (status == SIM_OK)
        status = fill_lists(v0, step, diag);
    if (status == SIM_OK)
        fill_tally(v0, step);
    return status;
}

/* --- section 8: after the model -------------------------------------------------------------------------------------------------- */

/* A group gets tokens when its prompt is complete, or when it was decoding already. Sequences of a group go through stages together, so the
 * first one that lives speaks for all. */
static enum status complete_group(struct vllm_v0 *v0, uint32_t request, struct diag *diag)
{
    struct v0_group *group = &v0->groups[request];
    struct v0_sequence *first_live = NULL;
    bool sampled = group->sequences[0]->decoding;
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
    enum status status = v0_feed(&v0->outputs, &v0->manager, group, diag);
    if (status == SIM_OK)
        status = v0_push_scheduled(&v0->sampled, request, tokens, diag);
    if (status == SIM_OK && v0_group_live(group) == 0)
        status = v0_push(&v0->finished, request, diag);
    return status;
}

static enum status v0_complete(struct scheduler *self, int64_t end_ns, struct step *step, struct diag *diag)
{
    (void)end_ns;
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    enum status status = SIM_OK;
    for (uint32_t i = 0; i < v0->scheduled.count && status == SIM_OK; i++)
        status = complete_group(v0, v0->scheduled.items[i].request, diag);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v0->running.count && v0->finished.count > 0; i++)
        if (v0_group_live(&v0->groups[v0->running.items[i]]) > 0)
            v0->running.items[kept++] = v0->running.items[i];
    if (v0->finished.count > 0)
        v0->running.count = kept;
    for (uint32_t i = 0; i < v0->finished.count; i++)
        v0_group_close(&v0->groups[v0->finished.items[i]]);
    for (uint32_t i = 0; i < v0->sampled.count; i++)
        step->tally.sampled_tokens += (uint32_t)v0->sampled.items[i].tokens;
    step->tally.forks = v0->manager.forks;
    step->sampled = v0->sampled.items;
    step->sampled_count = v0->sampled.count;
    step->finished = v0->finished.items;
    step->finished_count = v0->finished.count;
    return status;
}

/* --- before and after ------------------------------------------------------------------------------------------------------------ */

/* Counted at its largest: every sample or beam with blocks of its own after the full prompt blocks, and one more each for copy-on-write. */
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
    *why = DROP_POOL;
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
        snprintf(text, size, "raise num_cpu_blocks, raise num_gpu_blocks, or choose another preemption_mode");
    } else if (v0->swapped.count > 0) {
        uint32_t request = request_queue_peek(&v0->swapped), index = v0->trace->index[request];
        uint32_t rest = v0_group_wants(&v0->groups[request], V0_SWAPPED);
        if (rest > v0->config.max_num_batched_tokens)
            snprintf(text, size,
                     "request %u was swapped out with %u prompt tokens uncomputed, more than max_num_batched_tokens (%u), and can never be "
                     "swapped "
                     "in, nor can the %u groups behind it; raise max_num_batched_tokens or use preemption_mode recompute",
                     index, rest, v0->config.max_num_batched_tokens, v0->swapped.count - 1);
        else
            snprintf(
                text, size,
                "request %u waits to be swapped in for more blocks than the watermark (%u blocks) ever leaves free, and blocks everything "
                "behind it; raise num_gpu_blocks or lower watermark",
                index, v0->manager.watermark_blocks);
    } else if (v0->waiting.count > 0) {
        snprintf(text, size, "request %u waits for more blocks or sequences than are ever free; raise num_gpu_blocks or max_num_seqs",
                 v0->trace->index[request_queue_peek(&v0->waiting)]);
    } else {
        return NULL;
    }
    return text;
}

static void v0_pool_state(const struct scheduler *self, struct step_tally *tally)
{
    const struct v0_manager *manager = &((const struct vllm_v0 *)self)->manager;
    tally->free_blocks = v0_device_free(&manager->gpu);
    tally->cached_blocks = v0_device_cached(&manager->gpu);
    tally->used_blocks = kv_block_pool_used(&manager->gpu.pool);
    tally->table_blocks = (uint32_t)manager->table_blocks;
    tally->table_runs = (uint32_t)manager->table_runs;
    tally->held_tokens = manager->held_tokens;
    tally->free_cpu_blocks = v0_device_free(&manager->cpu);
}

static bool v0_check(const struct scheduler *self, struct diag *diag)
{
    const struct vllm_v0 *v0 = (const struct vllm_v0 *)self;
    struct v0_group **open;
    uint32_t count = 0;
    if (array_zeroed(&open, v0->trace->count, sizeof *open, "a check", diag) != SIM_OK)
        return false;
    for (uint32_t position = 0; position < v0->trace->count; position++)
        if (v0->groups[position].count > 0)
            open[count++] = &v0->groups[position];
    bool right = v0_manager_check(&v0->manager, open, count, diag);
    free(open);
    return right && request_queue_check(&v0->waiting) && request_queue_check(&v0->swapped);
}

static void v0_destroy(struct scheduler *self)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    struct phase *const phases[] = {&v0->new_prefills,    &v0->continued, &v0->decodes,   &v0->swapped_prefills,
                                    &v0->swapped_decodes, &v0->admitted,  &v0->scheduled, &v0->sampled};
    struct positions *const lists[] = {&v0->recomputed,      &v0->swapped_out, &v0->resumed, &v0->ignored,
                                       &v0->ignored_swapped, &v0->finished,    &v0->running, &v0->next_running};
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        free(phases[i]->items);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]->items);
    for (uint32_t position = 0; v0->groups && position < v0->trace->count; position++)
        v0_group_close(&v0->groups[position]);
    free(v0->groups);
    free(v0->preempted);
    free(v0->step_sequences);
    free(v0->chunks);
    request_queue_deinit(&v0->waiting);
    request_queue_deinit(&v0->swapped);
    v0_outputs_deinit(&v0->outputs);
    v0_manager_deinit(&v0->manager);
    free(v0);
}

static const struct scheduler_ops ops = {
    .never_runs = v0_never_runs,
    .arrive = v0_arrive,
    .schedule = v0_schedule,
    .complete = v0_complete,
    .diagnose = v0_diagnose,
    .pool_state = v0_pool_state,
    .check = v0_check,
    .destroy = v0_destroy,
};

enum status vllm_v0_create(const struct trace *trace, const struct config *config, bool want_lists, struct scheduler **out,
                           struct diag *diag)
{
    struct vllm_v0 *v0;
    enum status status = array_zeroed(&v0, 1, sizeof *v0, "the scheduler", diag);
    if (status != SIM_OK)
        return status;
    v0->base.ops = &ops;
    v0->trace = trace;
    v0->config = *config;
    status = v0_manager_init(&v0->manager, trace, config, want_lists, diag);
    if (status == SIM_OK)
        status = array_zeroed(&v0->groups, trace->count, sizeof *v0->groups, "groups", diag);
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
