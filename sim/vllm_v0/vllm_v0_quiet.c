/* vllm_v0_quiet.c - steps of V0 in which each running group of one sequence gets a token and nothing else happens: most steps of most
 * replays. Only those who need a block are looked at; all others are brought up to date when the steps are over.
 *
 * A quiet step is what v0_schedule() and v0_complete() would make of it, if
 *
 *     who runs      each running group has one sequence, is not going to fork, decodes, and is not done with this token
 *     who waits     nobody; or the step just made looked at the heads of both queues and refused them, and nothing was given back. Free
 *                   blocks only become fewer, and tokens and sequences are the same, so they would be refused again
 *     blocks        more are free than are needed, since everybody asks for one, needed or not (section 5)
 *
 * With prefix caching each step marks blocks as accessed: those steps are made one by one. */
#include <assert.h>

#include "vllm_v0/vllm_v0_state.h"

/* Bounds the time until an interrupt is noticed. */
enum { QUIET_MOST = 4096 };

/* Will the heads of the queues be refused again, as they were in this step? Then all who run decoded in it, which nobody does who came in
 * with it; and nobody gave anything back. */
static bool settled(const struct vllm_v0 *v0, const struct step *last)
{
    return v0->waiting.count + v0->swapped.count == 0 ||
           (last->finished_count + last->preempted_count + last->ignored_count == 0 && v0->phases[V0_DECODES].count == v0->running.count);
}

/* For how many steps the group is quiet: until the one that brings its last token. 0: not now. */
static uint32_t quiet_steps_of(struct v0_group *group)
{
    const struct v0_sequence *sequence = v0_group_single(group);
    if (!v0_group_is_single(group) || sequence->status != V0_RUNNING || !sequence->decoding)
        return 0;
    return group->output - sequence->generated - 1;
}

/* Put the group into the list of those that need a block in the same steps: the first is that in which its length exceeds its blocks.
 * Running groups are put from the last to the first, so lists are in running order. */
static void put(struct v0_quiet *quiet, const struct v0_sequence *sequence, uint32_t block_size, uint32_t at)
{
    const uint32_t in = sequence->count * block_size + 1 - sequence->length;
    assert(in < block_size);
    quiet->next[at] = quiet->due_count[in]++ == 0 ? UINT32_MAX : quiet->due[in];
    quiet->due[in] = at;
}

/* Everything that stays the same, and sums as they were before the first step. */
static void begin_sums(struct vllm_v0 *v0, struct step *step, uint64_t context, uint32_t min_context, uint32_t max_context)
{
    const uint32_t groups = v0->running.count;
    step->finished_count = 0;
    step->shape = step_shape_of_decodes(groups, context);
    step->shape.min_decode_context = min_context;
    step->shape.max_decode_context = max_context;
    step->shape.sampled = 0; /* as in other steps of V0 */
    step->tally = (struct step_tally){
        .running = groups, .waiting = v0->waiting.count, .swapped = v0->swapped.count, .sampled_tokens = groups, .mode = STEP_MODE_DECODE};
    step->tally.scheduled_tokens = step->tally.scheduled_sequences = groups;
}

uint32_t v0_quiet_begin(struct scheduler *self, struct step *step)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    struct v0_quiet *quiet = &v0->quiet;
    const uint32_t groups = v0->running.count;
    const bool chunked = v0->config.enable_chunked_prefill;
    uint64_t context = 0;
    uint32_t most = QUIET_MOST, min_context = UINT32_MAX, max_context = 0;
    if (groups == 0 || v0->manager.caching || v0->manager.want_lists || !settled(v0, step) ||
        (chunked && groups > v0->config.max_num_batched_tokens))
        return 0;
    for (uint32_t at = 0; at < groups && most > 0; at++)
        most = min_u32(most, quiet_steps_of(&v0->groups[v0->running.items[at]]));
    if (most == 0)
        return 0;
    for (uint32_t at = groups; at-- > 0;) {
        const uint32_t request = v0->running.items[at];
        const struct v0_sequence *sequence = v0_group_single(&v0->groups[request]);
        const uint32_t computed = (uint32_t)sequence->computed;
        step->sampled[at] = (struct scheduled){.request = request, .tokens = 1};
        context += computed;
        min_context = min_u32(min_context, computed);
        max_context = max_u32(max_context, computed);
        put(quiet, sequence, v0->config.block_size, at);
    }
    step->sampled_count = groups;
    begin_sums(v0, step, context, min_context, max_context);
    quiet->steps = quiet->phase = 0;
    return most;
}

/* Those who need a block take one, in running order. */
bool v0_quiet_next(struct scheduler *self, struct step *step)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    struct v0_quiet *quiet = &v0->quiet;
    struct v0_manager *manager = &v0->manager;
    const uint32_t groups = v0->running.count, needed = quiet->due_count[quiet->phase];
    if (v0_device_free(&manager->gpu) <= needed)
        return false;
    for (uint32_t i = 0, at = quiet->due[quiet->phase]; i < needed; i++, at = quiet->next[at])
        v0_append_fresh(manager, v0_group_single(&v0->groups[v0->running.items[at]]));
    quiet->phase = quiet->phase + 1 == v0->config.block_size ? 0 : quiet->phase + 1;
    quiet->steps++;
    manager->held_tokens += groups;
    step->shape.context_tokens += groups;
    step->shape.decode_context += groups;
    step->shape.min_decode_context++;
    step->shape.max_decode_context++;
    step->tally.context_tokens = step->shape.context_tokens;
    v0_pool_state(self, &step->tally);
    return true;
}

/* The newest token of each is known and not computed, as before. */
void v0_quiet_end(struct scheduler *self)
{
    struct vllm_v0 *v0 = (struct vllm_v0 *)self;
    const uint32_t steps = v0->quiet.steps, block_size = v0->config.block_size;
    for (uint32_t at = 0; at < v0->running.count; at++) {
        struct v0_sequence *sequence = v0_group_single(&v0->groups[v0->running.items[at]]);
        sequence->computed += (int32_t)steps;
        sequence->length += steps;
        sequence->generated += steps;
    }
    for (uint32_t in = 0; in < block_size; in++)
        v0->quiet.due_count[in] = 0;
}
