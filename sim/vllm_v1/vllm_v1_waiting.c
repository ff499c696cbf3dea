/* vllm_v1_waiting.c - section 6.2 of doc/vllm_v1.md, who enters; and section 15, what comes from elsewhere for those who wait. Start reading at
 * v1_schedule_waiting(). Sections in comments are those of that page. Source: vLLM v1/core/sched/scheduler.py.
 *
 *     the first who waits --look_at--> enters | is passed over, as its K and V are on their way | does not fit, and the loop ends */
#include "base/integers.h"
#include "vllm_v1/v1_rules.h"
#include "vllm_v1/vllm_v1_state.h"

/* What a prompt would hit now. */
static enum status hit_tokens(void *engine, uint32_t position, uint32_t *tokens, struct diag *diag)
{
    struct vllm_v1 *v1 = engine;
    return v1_blocks_lookup(&v1->blocks, position, v1->requests[position].known, tokens, diag);
}

/* Let the policy look at who waits, when somebody could be admitted: a request needs a block at least. A look at everybody's prefix is
 * the dearest thing a policy can do, so it is spared in steps that admit nobody anyway. */
static enum status reorder_waiting(struct vllm_v1 *v1, struct diag *diag)
{
    if (!v1->order.policy->before_admission || v1->waiting.count == 0 || v1->budget == 0 || v1->running_count >= v1_seats(&v1->config) ||
        v1->blocks.pool.num_free == 0)
        return SIM_OK;
    return scheduling_order_reorder(&v1->order, &v1->waiting, v1->now_ns, hit_tokens, v1, diag);
}

/* Section 14: with speculation a request of which one token is left to compute is given as many tokens as those who decode, so that the
 * step stays uniform. Its drafts are never right. */
static bool is_padded(const struct vllm_v1 *v1, uint32_t rest, uint32_t cached, bool others)
{
    return v1->drafts.most > 0 && rest == 1 && !v1->prefilling && (others || cached > 0) &&
           (uint64_t)cached + v1->drafts.most + 2 <= v1->config.max_model_len;
}

/* What is there when a waiting request is looked at. */
struct prospect {
    uint32_t cached, external; /* tokens found here; after them, tokens that came or could come from elsewhere */
    bool later;                /* it is passed over */
    bool loads;                /* its external tokens are still to come */
    bool has_table;            /* they have come: the request has its blocks */
};

/* Section 15.2: a load that is over is noticed when its request is looked at. If all tokens were loaded, the last one is computed again. */
static enum status take_load(struct vllm_v1 *v1, uint32_t position, struct diag *diag)
{
    struct v1_request *request = &v1->requests[position];
    enum status status = v1_blocks_register(&v1->blocks, position, request->computed, request->known, diag);
    offloading_set_load(&v1->offloading, position, LOAD_TAKEN);
    if (request->computed == request->known) {
        request->computed--;
        v1->held_tokens--;
    }
    return status;
}

/* The prefix is looked up again in every step, since blocks can be registered or evicted meanwhile; v1_blocks_lookup goes on from its last
 * result when it can. */
static enum status look_up(struct vllm_v1 *v1, uint32_t position, struct prospect *out, struct diag *diag)
{
    struct v1_request *request = &v1->requests[position];
    const enum load_state load = offloading_load(&v1->offloading, position);
    struct offload_match match = {0};
    *out = (struct prospect){.later = load == LOAD_RUNS, .has_table = load == LOAD_DONE || load == LOAD_TAKEN};
    if (out->later)
        return SIM_OK;
    if (out->has_table) {
        enum status status = load == LOAD_DONE ? take_load(v1, position, diag) : SIM_OK;
        out->cached = request->hits;
        out->external = request->computed - request->hits;
        return status;
    }
    enum status status = v1_blocks_lookup(&v1->blocks, position, request->known, &out->cached, diag);
    if (status == SIM_OK && v1->offloading.on)
        status = offloading_match(&v1->offloading, position, request->known, out->cached, &match, diag);
    out->external = match.tokens > 0 ? match.tokens : v1_received_tokens(&v1->config, !request->admitted, request->known, out->cached);
    out->later = match.later;
    out->loads = match.tokens > 0;
    return status;
}

static enum status allocate_waiting(struct vllm_v1 *v1, uint32_t position, const struct prospect *prospect, uint32_t tokens, bool *fits,
                                    struct diag *diag)
{
    const struct v1_request *request = &v1->requests[position];
    const bool admits = !prospect->has_table;
    const struct v1_demand demand = {.position = position,
                                     .known = request->known,
                                     .computed = request->computed,
                                     .new_tokens = tokens,
                                     .admits = admits,
                                     .cached = admits ? prospect->cached : 0,
                                     .external = admits ? prospect->external : 0,
                                     .loads = prospect->loads,
                                     .watermark = v1->running_count > 0 ? v1->watermark_blocks : 0,
                                     .whole = v1->config.scheduler_reserve_full_isl};
    return v1_blocks_allocate(&v1->blocks, &demand, fits, diag);
}

/* It has its blocks: tokens on the GPU and those from elsewhere count as computed from now on. */
static void take_external(struct vllm_v1 *v1, uint32_t position, const struct prospect *prospect)
{
    struct v1_request *request = &v1->requests[position];
    if (prospect->has_table)
        return;
    request->computed = prospect->cached + prospect->external;
    request->hits = prospect->cached;
    v1->held_tokens += request->computed;
}

static void enter(struct vllm_v1 *v1, uint32_t position, const struct prospect *prospect)
{
    struct v1_request *request = &v1->requests[position];
    take_external(v1, position, prospect);
    v1->running[v1->running_count++] = position;
    request->received = prospect->external;
    request->fresh = !request->admitted;
    request->admitted = true;
    if (prospect->has_table)
        offloading_set_load(&v1->offloading, position, LOAD_NONE);
    v1->step->admitted[v1->step->admitted_count++] =
        (struct admitted){.request = position, .cached_tokens = prospect->cached, .external_tokens = prospect->external};
    if (v1->tells)
        v1_tell(v1, position,
                (struct pagesim_policy_event){.kind = PAGESIM_POLICY_ADMITTED, .now_ns = v1->now_ns, .tokens = prospect->cached});
}

enum look { LOOK_ENTERS, LOOK_PASSES, LOOK_ENDS };

/* Section 15.2: blocks for what the request hits, and for what is loaded; it computes nothing meanwhile. */
static enum status ask_load(struct vllm_v1 *v1, uint32_t position, const struct prospect *prospect, enum look *look, struct diag *diag)
{
    bool fits;
    enum status status = allocate_waiting(v1, position, prospect, 0, &fits, diag);
    *look = status == SIM_OK && fits ? LOOK_PASSES : LOOK_ENDS;
    if (*look == LOOK_ENDS)
        return status;
    take_external(v1, position, prospect);
    offloading_ask(&v1->offloading, position, prospect->cached, prospect->external, v1->now_ns);
    return SIM_OK;
}

/* One waiting request: does it enter, is it passed over, or does the loop end with it? */
static enum status look_at(struct vllm_v1 *v1, uint32_t position, bool others, enum look *look, struct diag *diag)
{
    const struct v1_request *request = &v1->requests[position];
    struct prospect prospect;
    bool fits;
    enum status status = look_up(v1, position, &prospect, diag);
    *look = prospect.later ? LOOK_PASSES : LOOK_ENDS;
    if (status != SIM_OK || prospect.later)
        return status;
    if (prospect.loads)
        return ask_load(v1, position, &prospect, look, diag);
    uint32_t rest = request->known - prospect.cached - prospect.external;
    const bool padded = is_padded(v1, rest, prospect.cached, others);
    if (padded && v1->drafts.most + 1 > v1_room_left(v1))
        return SIM_OK;
    rest += padded ? v1->drafts.most : 0;
    if (!v1->config.enable_chunked_prefill && min_u32(rest, v1->threshold) > v1_room_left(v1))
        return SIM_OK; /* the threshold cuts before this test: with it, prompts are split even so */
    const uint32_t tokens = v1_tokens_now(v1, rest);
    status = allocate_waiting(v1, position, &prospect, tokens, &fits, diag);
    if (status != SIM_OK || !fits)
        return status;
    *look = LOOK_ENTERS;
    enter(v1, position, &prospect);
    v1_note_scheduled(v1, position, tokens, padded ? v1->drafts.most : 0, padded);
    return SIM_OK;
}

/* Section 6.2: no skipping over a head that does not fit. vLLM stops at the first that does not fit, although a smaller one after it
 * might: otherwise a large prompt could starve. Nobody enters after a preemption, because the newcomer would take the blocks for which
 * the victim had to go. The watermark counts only while others run, so an empty system always admits and cannot stall (section 8). */
enum status v1_schedule_waiting(struct vllm_v1 *v1, struct diag *diag)
{
    const bool others = v1->step->scheduled_count > 0;
    uint32_t position;
    bool skipped;
    enum status status = reorder_waiting(v1, diag);
    v1->skipped.at = 0;
    while (status == SIM_OK && v1_room_left(v1) > 0 && v1->running_count < v1_seats(&v1->config) &&
           skipped_requests_next(&v1->skipped, &v1->waiting, &position, &skipped)) {
        enum look look;
        status = look_at(v1, position, others, &look, diag);
        if (status != SIM_OK || look == LOOK_ENDS)
            break;
        if (look == LOOK_ENTERS)
            skipped_requests_leave(&v1->skipped, &v1->waiting, skipped);
        else
            skipped_requests_pass(&v1->skipped, &v1->waiting, position, skipped);
    }
    return status;
}

/* Nobody runs, nothing is on its way, and who is next does not fit: then others hold what they have loaded, and the last of them gives it back.
 * vLLM would stand still (section 15.2). false: there is nobody. */
static bool give_up_load(struct vllm_v1 *v1)
{
    uint32_t head, at = v1->skipped.count;
    bool skipped;
    v1->skipped.at = 0;
    if (v1->running_count > 0 || v1->step->scheduled_count + v1->step->preempted_count > 0 ||
        offloading_next_ns(&v1->offloading) != INT64_MAX || !skipped_requests_next(&v1->skipped, &v1->waiting, &head, &skipped))
        return false;
    while (at > 0 &&
           (v1->skipped.positions[at - 1] == head || offloading_load(&v1->offloading, v1->skipped.positions[at - 1]) == LOAD_NONE))
        at--;
    if (at == 0)
        return false;
    const uint32_t position = v1->skipped.positions[at - 1];
    v1_blocks_release(&v1->blocks, position);
    v1->held_tokens -= v1->requests[position].computed;
    v1->requests[position].computed = 0;
    offloading_set_load(&v1->offloading, position, LOAD_NONE);
    return true;
}

/* Loads begin with the step, or at once if there is none. */
enum status v1_schedule_loads(struct vllm_v1 *v1, struct diag *diag)
{
    enum status status = SIM_OK;
    for (;;) {
        if (v1->step->scheduled_count + v1->step->preempted_count == 0)
            offloading_begin(&v1->offloading, v1->now_ns);
        if (status != SIM_OK || !give_up_load(v1))
            return status;
        status = v1_schedule_waiting(v1, diag);
    }
}
