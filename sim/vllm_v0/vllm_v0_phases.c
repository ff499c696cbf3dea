/* vllm_v0_phases.c - the three phases of a V0 step: running groups go on, swapped ones come back, waiting ones are admitted; and the
 * preemption that the first may need. Start reading at the end: the two orders in which vLLM runs them. Sections in comments are those
 * of doc/vllm_v0.md. Source: vLLM 0.6.2 core/scheduler.py.
 *
 *     prefill first   waiting (if nothing is swapped); nobody admitted? running; nobody preempted? swapped
 *     chunked         running; nobody preempted? swapped; waiting
 *
 * The first keeps time to first token short at the price of decoders that stand still; the second lets both share a step. */
#include "vllm_v0/vllm_v0_state.h"

#include <stdio.h>

static void push(struct vllm_v0 *v0, enum v0_phase phase, uint32_t request, int64_t tokens)
{
    struct phase *list = &v0->phases[phase];
    list->items[list->count++] = (struct scheduled){.request = request, .tokens = (int32_t)tokens};
}

/* The first reason counts. The step goes no further, and the replay ends. A death of vLLM is a result and not an error of this program:
 * the replay ends, and the report says why. */
static void die(struct vllm_v0 *v0, const char *why, uint32_t request, const char *advice)
{
    if (v0->abort)
        return;
    v0->advice = advice;
    snprintf(v0->abort_text, sizeof v0->abort_text, "%s (request %u)", why, trace_index(v0->trace, request));
    v0->abort = v0->abort_text;
}

/* Tokens that a running sequence wants: 1 when decoding, the uncomputed rest of its prompt otherwise. */
static uint32_t wanted_tokens(const struct v0_sequence *sequence)
{
    return sequence->decoding ? 1 : sequence->length - (uint32_t)sequence->computed;
}

uint32_t v0_group_wants(const struct v0_group *group, enum v0_status status)
{
    uint32_t tokens = 0;
    for (uint32_t i = 0; i < group->count; i++)
        if (group->sequences[i]->status == status)
            tokens += wanted_tokens(group->sequences[i]);
    return tokens;
}

/* Chunked prefill: what the budget leaves of `wanted`; whole blocks only with prefix caching. A group with several sequences may have
 * gone over the budget; then what is left is negative, and vLLM goes on with that number: a decode is scheduled all the same and gives
 * budget back, a prompt gets a chunk of negative length. Division rounds down, as in Python. `left` can thus be 0, which ends the phase,
 * or negative, which does not. */
static int64_t clip(struct vllm_v0 *v0, uint32_t wanted, uint32_t request)
{
    const int64_t budget = v0->config.max_num_batched_tokens, size = v0->config.block_size, left = budget - v0->tokens;
    if (left >= wanted)
        return wanted;
    if (!v0->config.enable_prefix_caching)
        return left;
    if (budget % size != 0)
        die(v0, "chunked prefill with prefix caching needs max_num_batched_tokens to be a multiple of block_size", request,
            "make it one, or switch one of the two off");
    return (left >= 0 ? left / size : -((size - 1 - left) / size)) * size;
}

/* Is there a slot for each sequence of the group? Without chunked prefill, all running groups hold their slots even in steps that they sit
 * out. So max_num_seqs bounds what exists, and an admission cannot push decoders out of the steps to come. With chunked prefill only those
 * that get a turn count, group by group. Mostly blocks do not reach, and nobody asks. */
static bool slots_reach(struct vllm_v0 *v0, const struct v0_group *group)
{
    for (uint32_t i = 0; i < v0->running.count && !v0->sequences_counted; i++)
        v0->sequences += v0_group_reserve(&v0->groups[v0->running.items[i]]);
    v0->sequences_counted = true;
    return v0->sequences + v0_group_reserve(group) <= v0->config.max_num_seqs;
}

/* --- section 5: preemption ------------------------------------------------------------------------------------------------------- */

/* vLLM recomputes a group of one sequence, whose blocks one prefill brings back, and swaps a larger one, whose sequences share blocks
 * that a recomputation would not share again. `auto` looks at the reserve, so a group that is going to fork is swapped though it is a
 * single sequence still. The entry is filled in before blocks move, but does not count if the engine dies of it. */
static enum status preempt(struct vllm_v0 *v0, uint32_t victim, uint32_t requester, struct diag *diag)
{
    struct v0_group *group = &v0->groups[victim];
    enum preemption_mode mode = v0->config.preemption_mode;
    if (mode == PREEMPTION_AUTO)
        mode = v0_group_reserve(group) == 1 ? PREEMPTION_RECOMPUTE : PREEMPTION_SWAP;
    enum status status = SIM_OK;
    struct preempted *entry = &v0->step->preempted[v0->step->preempted_count];
    *entry = (struct preempted){.request = victim, .requester = requester, .kind = PREEMPT_SWAP};
    for (uint32_t i = 0; i < group->count; i++)
        entry->blocks += group->sequences[i]->status == V0_RUNNING ? group->sequences[i]->count : 0;
    if (mode == PREEMPTION_RECOMPUTE) {
        if (v0_group_count(group, V0_RUNNING) != 1) {
            die(v0, "a group with several running sequences cannot be preempted by recompute", victim,
                "raise num_gpu_blocks, or take preemption_mode swap");
            return SIM_OK;
        }
        struct v0_sequence *sequence = v0_group_only(group, V0_RUNNING);
        entry->kind = PREEMPT_RECOMPUTE;
        entry->tokens_lost = sequence->computed > 0 ? (uint32_t)sequence->computed : 0;
        v0_release(&v0->manager, sequence);
        sequence->status = V0_WAITING;
        sequence->computed = 0;
        sequence->decoding = false;
    } else {
        if (!v0_can_swap_out(&v0->manager, group)) {
            die(v0, "no CPU blocks left to swap to", victim, "raise num_cpu_blocks or num_gpu_blocks");
            return SIM_OK;
        }
        status = v0_swap_out(&v0->manager, group, diag);
    }
    v0->step->preempted_count++;
    return status;
}

/* Make room for the group, taking victims from the back of those not reached. *granted = false: it went itself, or the engine died. The
 * last goes first, so that the earliest requests are served (SOSP'23, section 4.5). A group that has had its turn is never taken, since
 * its blocks are part of the step already. */
static enum status make_room(struct vllm_v0 *v0, uint32_t request, bool *granted, struct diag *diag)
{
    *granted = false;
    while (!v0_can_append(&v0->manager, &v0->groups[request])) {
        bool others = v0->running.count > v0->running_first;
        uint32_t victim = others ? v0->running.items[--v0->running.count] : request;
        enum status status = preempt(v0, victim, request, diag);
        if (status != SIM_OK || v0->abort || !others)
            return status;
    }
    *granted = true;
    return SIM_OK;
}

/* Of a single group that decodes, and finds a block: what phase_running comes to, as nearly always. Nobody shares its blocks, and without
 * prefix caching a full block is like any other. */
static inline bool decode_single(struct vllm_v0 *v0, uint32_t request)
{
    struct v0_group *group = &v0->groups[request];
    struct v0_sequence *sequence = v0_group_single(group);
    if (!v0_group_is_single(group) || !sequence->decoding || v0_device_free(&v0->manager.gpu) == 0)
        return false;
    v0->running_first++;
    if ((uint64_t)sequence->count * v0->config.block_size < sequence->length)
        v0_append_fresh(&v0->manager, sequence);
    push(v0, V0_DECODES, request, 1);
    v0->tokens++;
    return true;
}

/* Sections 5 and 7.1: running groups in order. What is left of `running` afterwards stands at [running_first, count). A decode is pushed
 * as 1, for each of its sequences, but uses up budget for all of them. With a group of several sequences the cut is left out, as in vLLM
 * (section 7.1), and the budget can be overdrawn. Zero tokens mean that the budget is used up: the walk ends, and those not reached keep
 * places and blocks. */
static enum status phase_running(struct vllm_v0 *v0, struct diag *diag)
{
    const bool chunked = v0->config.enable_chunked_prefill, plain = !chunked && !v0->manager.caching;
    while (v0->running_first < v0->running.count && !v0->abort) {
        uint32_t request = v0->running.items[v0->running_first];
        if (plain && decode_single(v0, request))
            continue;
        struct v0_group *group = &v0->groups[request];
        int64_t tokens = v0_group_wants(group, V0_RUNNING);
        bool granted, decoding = group->sequences[0]->decoding; /* vLLM asks the first of the list */
        if (chunked && v0_group_count(group, V0_RUNNING) == 1)
            tokens = clip(v0, (uint32_t)tokens, request);
        if (tokens == 0 || v0->abort)
            break;
        v0->running_first++;
        enum status status = make_room(v0, request, &granted, diag);
        if (status == SIM_OK && granted) {
            status = v0_append(&v0->manager, group, diag);
            push(v0, decoding ? V0_DECODES : V0_CONTINUED, request, decoding ? 1 : tokens);
            v0->tokens += tokens;
            if (chunked)
                v0->sequences += v0_group_reserve(group);
        }
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

/* --- section 6: swapping in ------------------------------------------------------------------------------------------------------ */

/* Swapping in and appending belong to one step: its room was counted in v0_can_swap_in(). Its copies stand after those of running
 * groups. */
static enum status swap_in_head(struct vllm_v0 *v0, uint32_t request, int64_t tokens, struct diag *diag)
{
    struct v0_group *group = &v0->groups[request];
    request_queue_pop(&v0->swapped);
    enum status status = v0_swap_in(&v0->manager, group, diag);
    if (status == SIM_OK)
        status = v0_append(&v0->manager, group, diag);
    v0->step->resumed[v0->step->resumed_count++] = request;
    bool decoding = group->sequences[0]->decoding;
    push(v0, decoding ? V0_SWAPPED_DECODES : V0_SWAPPED_PREFILLS, request, decoding ? 1 : tokens);
    v0->tokens += tokens;
    v0->sequences += v0_group_reserve(group);
    return status;
}

/* Swapped groups come back in order; one that does not fit holds up all after it. No chunks here, even with chunked prefill: a group
 * that was swapped out in the middle of its prompt needs all the rest at once, and if that exceeds the budget it never comes back
 * (section 9). */
static enum status phase_swapped(struct vllm_v0 *v0, struct diag *diag)
{
    enum status status = SIM_OK;
    while (v0->swapped.count > 0 && status == SIM_OK) {
        uint32_t request = request_queue_peek(&v0->swapped);
        struct v0_group *group = &v0->groups[request];
        enum v0_fit fit = v0_can_swap_in(&v0->manager, group);
        if (fit == V0_NEVER) { /* it needs more blocks than the pool has, so vLLM gives it up */
            request_queue_pop(&v0->swapped);
            v0_lose_swapped(group);
            v0->ignored_swapped.items[v0->ignored_swapped.count++] = request;
            continue;
        }
        int64_t tokens = v0_group_wants(group, V0_SWAPPED);
        if (fit == V0_LATER || tokens == 0 || v0->tokens + tokens > v0->config.max_num_batched_tokens || !slots_reach(v0, group))
            break;
        status = swap_in_head(v0, request, tokens, diag);
    }
    return status;
}

/* --- sections 4.1 and 7.3: admission --------------------------------------------------------------------------------------------- */

/* Cached tokens are filled in later, when all groups of the step are known (follow_caching). */
static enum status admit_head(struct vllm_v0 *v0, uint32_t request, int64_t tokens, struct diag *diag)
{
    struct v0_group *group = &v0->groups[request];
    request_queue_pop(&v0->waiting);
    enum status status = v0_allocate(&v0->manager, group, diag);
    push(v0, V0_NEW_PREFILLS, request, tokens);
    v0->step->admitted[v0->step->admitted_count++] = (struct admitted){.request = request};
    v0->tokens += tokens;
    v0->sequences += v0_group_reserve(group);
    return status;
}

/* Waiting groups are admitted in order until one does not fit. The tests come in vLLM's order: length, blocks, budget. A head that no
 * pool would do for is ignored even when the budget is used up. V0 has no gate for chunks: the first one takes the blocks of the whole
 * sequence. */
static enum status phase_waiting(struct vllm_v0 *v0, struct diag *diag)
{
    const bool chunked = v0->config.enable_chunked_prefill;
    const uint32_t budget = v0->config.max_num_batched_tokens, longest = v0->config.max_model_len;
    const uint32_t limit = chunked || longest < budget ? longest : budget;
    enum status status = SIM_OK;
    while (v0->waiting.count > 0 && status == SIM_OK) {
        uint32_t request = request_queue_peek(&v0->waiting);
        struct v0_group *group = &v0->groups[request];
        int64_t tokens = v0_group_only(group, V0_WAITING)->length;
        if (chunked)
            tokens = clip(v0, (uint32_t)tokens, request);
        if (v0->abort)
            break;
        enum v0_fit fit = tokens > limit ? V0_NEVER : v0_can_allocate(&v0->manager, group);
        if (fit == V0_NEVER) { /* the prompt can never be scheduled: vLLM answers it with an empty output */
            v0_group_only(group, V0_WAITING)->status = V0_FINISHED;
            request_queue_pop(&v0->waiting);
            v0->step->ignored[v0->step->ignored_count++] = request;
            continue;
        }
        if (fit == V0_LATER || tokens == 0 || v0->tokens + tokens > budget || !slots_reach(v0, group))
            break;
        status = admit_head(v0, request, tokens, diag);
    }
    return status;
}

/* --- the order of phases ----------------------------------------------------------------------------------------------------------- */

/* Section 4. Who was swapped out came before all who wait, so nobody is admitted until they are back. After a preemption nobody is
 * swapped in: the blocks just freed would go at once. */
enum status v0_schedule_prefill_first(struct vllm_v0 *v0, struct diag *diag)
{
    enum status status = v0->swapped.count == 0 ? phase_waiting(v0, diag) : SIM_OK;
    if (status != SIM_OK || v0->phases[V0_NEW_PREFILLS].count > 0)
        return status;
    status = phase_running(v0, diag);
    if (status == SIM_OK && v0->step->preempted_count == 0 && !v0->abort)
        status = phase_swapped(v0, diag);
    return status;
}

/* Section 7. Admission has its turn even after a preemption. The assertion at the end is vLLM's own, about the step as a whole: a step
 * that went over in between and back again passes. */
enum status v0_schedule_chunked(struct vllm_v0 *v0, struct diag *diag)
{
    enum status status = phase_running(v0, diag);
    if (status == SIM_OK && v0->step->preempted_count == 0 && !v0->abort)
        status = phase_swapped(v0, diag);
    if (status == SIM_OK && !v0->abort)
        status = phase_waiting(v0, diag);
    if (status == SIM_OK && !v0->abort && v0->tokens > v0->config.max_num_batched_tokens)
        die(v0, "several sequences of one group went over max_num_batched_tokens",
            v0->phases[V0_DECODES].items[v0->phases[V0_DECODES].count - 1].request, "raise max_num_batched_tokens");
    return status;
}
