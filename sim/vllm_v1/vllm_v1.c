/* vllm_v1.c - the scheduler of vLLM V1 0.33.0, decision for decision, written to be read: the reference that faster engines are held to.
 *
 * Each step looks at every running request. Running requests come first, in order. One that finds no block takes it from a victim, which
 * loses everything and waits again. Then, if nobody was preempted, waiting requests are admitted until one does not fit. Policies
 * (policy.h) say who is the victim, who is first among the waiting, and which cached block is taken first; under vLLM's own policies all
 * is as in vLLM. Start reading at v1_schedule(). Sections in comments are those of doc/vllm_v1.md. Source: vLLM
 * v1/core/sched/scheduler.py.
 *
 * What a step does with a request:
 *
 *     waiting --admit--> running --its tokens--> computed == known --complete--> one more known, or finished
 *        ^                  |
 *        +---- preempt -----+      computed = 0, known stays, registered blocks stay findable
 *
 * With asynchronous scheduling the next step is decided before complete() of the last one. The token that is on its way counts as `coming`:
 * it may be computed in the next step, as its place is known, but not its content. Where nothing is on its way, as without asynchronous
 * scheduling, the same rules say what the synchronous scheduler does. Rules A are those of section 12.
 *
 * There is no flag for prefill or decode: both are the distance from computed to known (section 1). All lists of a step but
 * `unwritten` have room for everybody, so adding to them cannot fail. */
#include "vllm_v1/vllm_v1.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/speculation.h"
#include "vllm_v1/v1_rules.h"
#include "vllm_v1/vllm_v1_state.h"

/* --- what policies see and are told ----------------------------------------------------------------------------------------------- */

/* Tokens on their way count as known, but for drafts. */
struct pagesim_policy_request v1_view(const struct vllm_v1 *v1, uint32_t position)
{
    const struct v1_request *request = &v1->requests[position];
    return scheduling_order_request(&v1->order, position, request->arrival_ns, request->known + request->coming - request->unsure,
                                    request->computed);
}

/* The key of a request that is in the system. A static one is asked for once, at arrival. Victims are compared by it, and a policy whose
 * keys change must be asked for it now: what stands in the queue is the key of some time ago. */
static int64_t current_key(const struct vllm_v1 *v1, uint32_t position)
{
    if (v1->order.policy->order != PAGESIM_POLICY_CHANGING_KEY)
        return request_queue_key(&v1->waiting, position);
    struct pagesim_policy_request request = v1_view(v1, position);
    return scheduling_order_key(&v1->order, &request);
}

/* Callers ask v1->tells first: most policies do not want to know, and building the event costs. */
void v1_tell(const struct vllm_v1 *v1, uint32_t position, struct pagesim_policy_event event)
{
    struct pagesim_policy_request request = v1_view(v1, position);
    v1->order.policy->happened(v1->order.self, &request, &event);
}

/* Section 15.2: blocks that the step fills are stored when it is over, those of requests that are new to vLLM's workers first. */
static enum status store_step(struct vllm_v1 *v1, const struct step *step, struct diag *diag)
{
    const int64_t end_ns = step->tally.start_ns + step->tally.duration_ns;
    enum status status = SIM_OK;
    offloading_begin(&v1->offloading, step->tally.start_ns);
    for (int fresh = 1; fresh >= 0; fresh--)
        for (uint32_t i = 0; i < step->scheduled_count && status == SIM_OK; i++) {
            struct v1_request *request = &v1->requests[step->scheduled[i].request];
            const uint32_t tokens = min_u32(request->computed, request->known);
            if (request->fresh == fresh)
                status = offloading_store(&v1->offloading, step->scheduled[i].request, tokens, end_ns, diag);
        }
    for (uint32_t i = 0; i < step->admitted_count; i++)
        v1->requests[step->admitted[i].request].fresh = false;
    return status;
}

/* When the step has its price, before its tokens are handed out: asynchronous scheduling counts work when it is scheduled. Policies see each
 * request with the token that it is about to get. So an event says which of them get one (`generated`), and a policy that counts service
 * sees a decode and its token as one thing. */
static enum status v1_priced(struct scheduler *self, const struct step *step, struct diag *diag)
{
    struct vllm_v1 *v1 = (struct vllm_v1 *)self;
    for (uint32_t i = 0; v1->tells && i < step->scheduled_count; i++)
        v1_tell(v1, step->scheduled[i].request,
                (struct pagesim_policy_event){.kind = PAGESIM_POLICY_COMPUTED,
                                              .now_ns = step->tally.start_ns + step->tally.duration_ns,
                                              .step_ns = step->tally.duration_ns,
                                              .tokens = (uint32_t)step->scheduled[i].tokens,
                                              .generated = step->scheduled[i].samples});
    return v1->offloading.on ? store_step(v1, step, diag) : SIM_OK;
}

struct running_view {
    struct pagesim_policy_running running;
    const struct vllm_v1 *v1;
};

/* Policies see running requests through these, and never the scheduler. */
static struct pagesim_policy_request running_request(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct vllm_v1 *v1 = ((const struct running_view *)running)->v1;
    return v1_view(v1, v1->running[at]);
}

static int64_t running_key(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct vllm_v1 *v1 = ((const struct running_view *)running)->v1;
    return current_key(v1, v1->running[at]);
}

static uint32_t running_shared_tokens(const struct pagesim_policy_running *running, uint32_t at)
{
    const struct vllm_v1 *v1 = ((const struct running_view *)running)->v1;
    return min_u32(v1_blocks_shared_tokens(&v1->blocks, v1->running[at]), v1->requests[v1->running[at]].computed);
}

/* Section 6.1, choice of victim: an index into running. */
static uint32_t choose_victim(const struct vllm_v1 *v1)
{
    const struct pagesim_scheduling_policy *policy = v1->order.policy;
    struct running_view all = {.running = {.count = v1->running_count,
                                           .ordered = policy->key && !policy->waiting_only,
                                           .first_of_ties = policy->first_of_ties,
                                           .request = running_request,
                                           .key = running_key,
                                           .shared_tokens = running_shared_tokens},
                               .v1 = v1};
    uint32_t at = v1->victim->choose(&all.running);
    assert(at < v1->running_count);
    return at;
}

/* --- the scheduler ------------------------------------------------------------------------------------------------------------------ */

static enum status v1_arrive(struct scheduler *self, uint32_t position, int64_t arrival_ns, struct diag *diag)
{
    struct vllm_v1 *v1 = (struct vllm_v1 *)self;
    enum status status = request_queue_expect(&v1->waiting, (uint64_t)v1_waiting_count(v1) + v1->running_count + 1, diag);
    if (status != SIM_OK)
        return status;
    v1->requests[position] = (struct v1_request){.arrival_ns = arrival_ns, .known = v1->trace->input_tokens[position]};
    if (v1->tells)
        v1_tell(v1, position, (struct pagesim_policy_event){.kind = PAGESIM_POLICY_ARRIVED, .now_ns = arrival_ns});
    request_queue_push(&v1->waiting, position, scheduling_order_first_key(&v1->order, position, arrival_ns));
    return SIM_OK;
}

/* The victim had its turn already: what it was to compute will never be written, though its blocks stay registered. */
static enum status note_unwritten(struct vllm_v1 *v1, uint32_t victim, struct diag *diag)
{
    const uint32_t computed = v1->requests[victim].computed;
    struct step *step = v1->step;
    enum status status = SIM_OK;
    for (uint32_t group = 0; group < v1->blocks.groups.count && status == SIM_OK; group++) {
        const struct v1_table *table = &v1_tables_of(&v1->blocks, victim)[group];
        const uint32_t size = v1->blocks.groups.list[group].block_size, from = max_u32(computed / size, table->passed);
        status =
            array_reserve(&v1->turn->empty.unwritten, &v1->turn->unwritten_capacity, (size_t)step->unwritten_count + table->count - from,
                          sizeof *step->unwritten, "the list of unwritten blocks", diag);
        step->unwritten = v1->turn->empty.unwritten;
        for (uint32_t i = from; i < table->count && status == SIM_OK; i++)
            step->unwritten[step->unwritten_count++] =
                (struct unwritten){.block = table->blocks[i], .valid = i == computed / size ? computed % size : 0};
    }
    return status;
}

/* Take everything from running[at] and let it wait again. vLLM V1 has no swapping: a victim that comes back hits those of its blocks
 * that are still cached and computes the rest. Generated tokens stay known, so the next admission is a prefill over prompt and output.
 * The entry of the list is made before the release, which empties the table. Under priority a victim may have had its turn in this step;
 * then it has to leave the list of scheduled requests, or it would get tokens for blocks it no longer holds, and its tokens return to
 * the budget (case E12). A token that is on its way will come all the same: the request then waits with one more known, or ends. */
static enum status preempt(struct vllm_v1 *v1, uint32_t at, uint32_t requester, struct diag *diag)
{
    uint32_t victim = v1->running[at];
    struct v1_request *request = &v1->requests[victim];
    struct step *step = v1->step;
    memmove(v1->running + at, v1->running + at + 1, (size_t)(--v1->running_count - at) * sizeof *v1->running);
    if (request->scheduled) { /* not under fcfs: it had its turn in this step already */
        uint32_t k = 0;
        while (step->scheduled[k].request != victim)
            k++;
        memmove(step->scheduled + k, step->scheduled + k + 1, (size_t)(--step->scheduled_count - k) * sizeof *step->scheduled);
        v1->budget += request->scheduled;
        v1->inputs += request->scheduled + v1->slots;
        enum status status = v1->want_lists ? note_unwritten(v1, victim, diag) : SIM_OK;
        if (status != SIM_OK)
            return status;
    }
    step->preempted[step->preempted_count++] = (struct preempted){.request = victim,
                                                                  .kind = PREEMPT_RECOMPUTE,
                                                                  .requester = requester,
                                                                  .tokens_lost = request->computed,
                                                                  .blocks = v1_blocks_held(&v1->blocks, victim)};
    v1_blocks_release(&v1->blocks, victim);
    v1->held_tokens -= request->computed;
    uint32_t lost = request->computed;
    request->computed = request->scheduled = request->proposed = 0;
    request->stale = request->in_flight > 0;
    if (v1->tells)
        v1_tell(v1, victim, (struct pagesim_policy_event){.kind = PAGESIM_POLICY_PREEMPTED, .now_ns = v1->now_ns, .tokens = lost});
    request_queue_push_preempted(&v1->waiting, victim, current_key(v1, victim));
    return SIM_OK;
}

/* The only place where budget is spent, in both loops; preempt() is the only one where it comes back. */
void v1_note_scheduled(struct vllm_v1 *v1, uint32_t position, uint32_t tokens, uint32_t drafts, bool padded)
{
    v1->requests[position].scheduled = tokens;
    v1->step->scheduled[v1->step->scheduled_count++] =
        (struct scheduled){.request = position, .tokens = (int32_t)tokens, .drafts = (uint8_t)drafts, .padded = padded};
    v1->budget -= tokens;
    v1->inputs -= tokens + v1->slots;
}

/* Make room for running[*k], preempting while it does not fit. *granted = false: it was preempted itself. Ends: each turn takes one
 * request from the running list, and the request itself is the last that can be taken. A victim that stood before *k (priority) moves
 * everybody after it up by one, so *k follows. Any request fits alone, or it would have been dropped before the replay. */
static enum status grow(struct vllm_v1 *v1, uint32_t *k, uint32_t tokens, bool *granted, struct diag *diag)
{
    uint32_t position = v1->running[*k];
    const struct v1_request *request = &v1->requests[position];
    *granted = v1_blocks_suffice(&v1->blocks, position, request->computed + tokens);
    if (*granted)
        return SIM_OK;
    struct v1_demand demand = {.position = position,
                               .known = request->known,
                               .computed = request->computed,
                               .in_flight = request->in_flight,
                               .new_tokens = tokens};
    for (;;) {
        enum status status = v1_blocks_allocate(&v1->blocks, &demand, granted, diag);
        if (status != SIM_OK || *granted)
            return status;
        uint32_t at = choose_victim(v1), victim = v1->running[at];
        status = preempt(v1, at, position, diag);
        if (status != SIM_OK || victim == position)
            return status;
        *k -= at < *k;
    }
}

/* Rule A1: are all tokens of the request known or on their way? It runs on, as its last output is not back. */
static bool is_over(const struct vllm_v1 *v1, uint32_t position)
{
    const struct v1_request *request = &v1->requests[position];
    return request->coming > 0 && request->computed + 2 - request->coming >= v1_foreseen_tokens(v1->trace, &v1->config, position);
}

/* Section 6.1. Decodes and started prompts come before every admission, so whoever runs is only held up by others who run. Those whom
 * the budget does not reach keep their places and blocks. `room` is vLLM's bound for the model's length (section 6.1); it cuts nothing
 * here, since a request with L known tokens has finished.
 * */
static enum status schedule_running(struct vllm_v1 *v1, struct diag *diag)
{
    for (uint32_t k = 0; k < v1->running_count && v1_room_left(v1) > 0;) {
        uint32_t position = v1->running[k];
        struct v1_request *request = &v1->requests[position];
        const uint32_t room = v1->config.max_model_len - request->computed - 1, sure = request->known + request->coming;
        const uint32_t tokens = min_u32(v1_tokens_now(v1, sure + request->proposed - request->computed), room);
        if (tokens == 0 || is_over(v1, position)) {
            k++;
            continue;
        }
        bool granted;
        enum status status = grow(v1, &k, tokens, &granted, diag);
        if (status != SIM_OK)
            return status;
        if (!granted)
            continue; /* running[k] is the next one now: it goes on with what the release freed. Under FCFS there is none. */
        const uint32_t end = request->computed + tokens;
        v1_note_scheduled(v1, position, tokens, request->proposed > 0 && end > sure ? end - sure : 0, false);
        request->proposed = 0; /* drafts that found no room are lost */
        v1->prefilling |= request->mid_prefill;
        k++;
    }
    return SIM_OK;
}

/* The tables grew at scheduling, so a sequence can be listed with all the blocks that its step writes to. One a group of layers. */
static void list_sequences(struct vllm_v1 *v1, struct step *step, uint32_t position, uint32_t tokens)
{
    const uint32_t groups = v1->blocks.groups.count;
    const struct v1_table *tables = v1_tables_of(&v1->blocks, position);
    for (uint32_t group = 0; group < groups; group++)
        step->sequences[step->sequence_count++] = (struct step_sequence){.request = position,
                                                                         .group = group,
                                                                         .start = v1->requests[position].computed,
                                                                         .received = v1->requests[position].received,
                                                                         .in_flight = v1->requests[position].in_flight,
                                                                         .tokens = tokens,
                                                                         .passed = tables[group].passed,
                                                                         .blocks = tables[group].blocks,
                                                                         .num_blocks = tables[group].count};
}

/* Bookkeeping of section 6.3, before the model runs: vLLM too counts tokens as computed when it has scheduled them. The shape is what the
 * step's price depends on, in the same walk. A chunk of one token that ends a prompt counts as a decode here, since section 1 knows no other
 * difference between the two; so do drafts that are verified with their token. */
static void compute(struct vllm_v1 *v1, struct step *step)
{
    for (uint32_t i = 0; i < step->scheduled_count; i++) {
        struct scheduled *scheduled = &step->scheduled[i];
        const uint32_t position = scheduled->request, tokens = (uint32_t)scheduled->tokens, drafts = scheduled->drafts;
        struct v1_request *request = &v1->requests[position];
        if (v1->want_lists)
            list_sequences(v1, step, position, tokens);
        /* Is no token left to compute? Then the step brings the next. */
        const bool samples = request->computed + tokens >= request->known + request->coming;
        step_shape_add(&step->shape, request->computed, tokens, tokens == 1 + drafts && samples);
        step->shape.sampled += samples;
        scheduled->samples = samples;
        request->mid_prefill = !samples;
        request->computed += tokens;
        request->in_flight += tokens;
        request->coming += samples ? 1 + drafts : 0;
        request->unsure += samples ? drafts : 0;
        request->proposed = samples && v1->config.async_scheduling ? v1->drafts.most : 0;
        request->scheduled = request->received = 0;
        v1->held_tokens += tokens;
    }
}

/* Counts only; sums are kept up to date by those who change them, so a tally costs the same whatever runs. The null block is neither
 * used nor free. */
static void v1_pool_state(const struct scheduler *self, struct step_tally *tally)
{
    const struct vllm_v1 *v1 = (const struct vllm_v1 *)self;
    const struct v1_blocks *blocks = &v1->blocks;
    tally->held_tokens = v1->held_tokens * blocks->groups.count - blocks->passed_slots;
    tally->running = v1->running_count;
    tally->waiting = v1_waiting_count(v1);
    tally->free_blocks = blocks->pool.num_free;
    tally->cached_blocks = blocks->cached_free;
    tally->used_blocks = blocks->pool.num_blocks - 1 - blocks->pool.num_free;
    tally->table_blocks = (uint32_t)blocks->table_blocks;
    tally->table_runs = (uint32_t)blocks->table_runs;
}

static void v1_pool_states(const struct scheduler *self, uint8_t *states)
{
    v1_blocks_states(&((const struct vllm_v1 *)self)->blocks, states);
}

static void give_back(struct vllm_v1 *v1, uint32_t position)
{
    struct v1_request *request = &v1->requests[position];
    v1_blocks_release(&v1->blocks, position);
    v1_blocks_forget(&v1->blocks, position);
    v1->held_tokens -= request->computed;
    request->computed = 0;
}

/* Loads and stores that are over; who has ended before gives its blocks back. */
static void settle_transfers(struct vllm_v1 *v1)
{
    uint32_t position;
    while (offloading_next(&v1->offloading, v1->now_ns, &position))
        give_back(v1, position);
}

/* The whole decision of a step, in vLLM's order. Lists are reset by copying the empty ones. Threshold and budget are fixed here, before
 * anybody is admitted or preempted: whether a request is alone (section 6) is asked of the step's start. */
static enum status v1_schedule(struct scheduler *self, int64_t now_ns, struct step *step, struct diag *diag)
{
    struct vllm_v1 *v1 = (struct vllm_v1 *)self;
    v1->turn = v1->turn == v1->lists ? v1->lists + 1 : v1->lists;
    *step = v1->turn->empty;
    v1->step = step;
    v1->now_ns = v1->blocks.eviction.now_ns = now_ns;
    if (v1->offloading.on)
        settle_transfers(v1);
    v1->budget = v1_budget(&v1->config);
    v1->inputs = v1->slots ? v1->config.max_num_batched_tokens : UINT32_MAX;
    v1->prefilling = false;
    v1->threshold = v1_threshold(&v1->config, v1->running_count + v1_waiting_count(v1));
    enum status status = schedule_running(v1, diag);
    if (status == SIM_OK && step->preempted_count == 0)
        status = v1_schedule_waiting(v1, diag);
    if (status == SIM_OK && v1->offloading.on)
        status = v1_schedule_loads(v1, diag);
    compute(v1, step);
    step->tally = (struct step_tally){.preemptions = step->preempted_count};
    v1_pool_state(self, &step->tally);
    step_tally_set_work(&step->tally, &step->shape);
    return status;
}

/* A request gets the tokens that a step brought: one, and those drafts that were right, as far as it goes on; *got: how many, *over: its last
 * one is among them. What was computed for others of the drafts is not there (section 14). Rule A3: blocks that were not full, or whose last
 * token was not known, when they were scheduled are registered now, as far as their steps are back. */
static enum status take_tokens(struct vllm_v1 *v1, struct scheduled *scheduled, uint32_t *got, bool *over, struct diag *diag)
{
    const uint32_t position = scheduled->request, prompt = v1->trace->input_tokens[position], drafts = scheduled->drafts;
    struct v1_request *request = &v1->requests[position];
    const uint32_t limit = min_u32(v1_all_tokens(v1->trace, position), v1->config.max_model_len);
    uint32_t right = 0;
    if (drafts > 0 && !scheduled->padded)
        right = drafts_accepted(&v1->drafts, drafts_luck(&v1->drafts, position), request->known - prompt, drafts);
    scheduled->accepted = (uint8_t)right;
    *got = min_u32(1 + right, limit - request->known);
    request->known += *got;
    request->coming -= 1 + drafts;
    request->unsure -= drafts;
    *over = request->known == limit;
    if (request->stale)
        return SIM_OK;
    const uint32_t wrong = 1 + drafts - *got;
    request->computed -= wrong;
    v1->held_tokens -= wrong;
    if (!v1->config.async_scheduling && v1->drafts.most == 0)
        return SIM_OK;
    const uint32_t present = min_u32(request->computed - request->in_flight, request->known);
    if (v1_blocks_are_registered(&v1->blocks, position, present))
        return SIM_OK;
    return v1_blocks_register(&v1->blocks, position, present, request->known, diag);
}

/* Its blocks go back before the next request of the step is looked at: the order of releases is that of the free queue. With offloading they
 * stay until what is in them is stored. It leaves the
 * running list in the end, in one sweep; if it was preempted when its last token was on its way, it leaves the waiting queue. */
static void finish_request(struct vllm_v1 *v1, uint32_t position, int64_t end_ns)
{
    struct v1_request *request = &v1->requests[position];
    if (v1->tells)
        v1_tell(v1, position, (struct pagesim_policy_event){.kind = PAGESIM_POLICY_FINISHED, .now_ns = end_ns});
    if (request->stale)
        request_queue_remove(&v1->waiting, position);
    if (!offloading_leaves(&v1->offloading, position))
        give_back(v1, position);
    request->finished = true;
}

/* O(running), but only in steps in which somebody finished. */
static void sweep_running(struct vllm_v1 *v1)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < v1->running_count; i++)
        if (!v1->requests[v1->running[i]].finished)
            v1->running[kept++] = v1->running[i];
    v1->running_count = kept;
}

/* With synchronous scheduling drafts are made when the step is back. */
static void propose(struct vllm_v1 *v1, uint32_t position)
{
    struct v1_request *request = &v1->requests[position];
    const uint32_t output = request->known - v1->trace->input_tokens[position];
    request->proposed = request->mid_prefill ? 0 : drafts_proposed(&v1->drafts, drafts_luck(&v1->drafts, position), output);
}

/* Section 7: tokens in scheduled order. A chunk that does not reach the last known token samples nothing. What was scheduled for a request
 * before its stop token was known is in vain. Nobody is scheduled again before what was in flight at a preemption is back, so one step ends
 * `stale`. */
static enum status v1_complete(struct scheduler *self, int64_t end_ns, struct step *step, struct diag *diag)
{
    struct vllm_v1 *v1 = (struct vllm_v1 *)self;
    const bool proposes = v1->drafts.most > 0 && !v1->config.async_scheduling;
    enum status status = SIM_OK;
    step->tally.sampled_tokens = 0;
    for (uint32_t i = 0; i < step->scheduled_count && status == SIM_OK; i++) {
        const uint32_t position = step->scheduled[i].request, tokens = (uint32_t)step->scheduled[i].tokens;
        struct v1_request *request = &v1->requests[position];
        bool over = false;
        if (request->finished) {
            step->tally.vain_tokens += tokens;
            step->scheduled[i].vain = true;
            continue;
        }
        request->in_flight -= tokens;
        if (step->scheduled[i].samples) {
            uint32_t got;
            status = take_tokens(v1, &step->scheduled[i], &got, &over, diag);
            step->sampled[step->sampled_count++] = (struct scheduled){.request = position, .tokens = (int32_t)got};
            step->tally.sampled_tokens += got;
            step->tally.draft_tokens += step->scheduled[i].drafts;
            step->tally.accepted_draft_tokens += step->scheduled[i].accepted;
        }
        if (proposes)
            propose(v1, position);
        if (over) {
            finish_request(v1, position, end_ns);
            step->finished[step->finished_count++] = position;
        }
        request->stale = false;
    }
    if (step->finished_count > 0)
        sweep_running(v1);
    return status;
}

/* Of several groups of layers, or one of another kind. Apart from most_blocks, which asks for each request: what it has on its stack would be
 * cleared for nothing. */
static __attribute__((noinline)) uint64_t most_blocks_of_groups(const struct config *config, uint64_t tokens)
{
    struct kv_groups groups;
    struct diag ignored = {0};
    if (kv_groups_make(config, "", &groups, &ignored) != SIM_OK)
        return 0; /* v1_blocks_init says what is wrong */
    return kv_groups_most_blocks(&groups, tokens, v1_tokens_in_flight(config) + speculation_lookahead(config), config->max_model_len);
}

/* Most blocks that a request of so many tokens can hold at once (section 8). Counted at full length, though the last token is never computed;
 * with speculation drafts of the steps in flight and the drafter's places come on top. */
static uint64_t most_blocks(const struct config *config, uint64_t tokens)
{
    if (config->speculative.method != SPECULATIVE_NONE)
        tokens = min_u64(tokens + speculation_places(config), config->max_model_len);
    return config->kv_cache_groups_count == 0 ? ceil_div_u64(tokens, config->block_size) : most_blocks_of_groups(config, tokens);
}

/* Whoever passes both tests runs in the end: alone in the system it gets all blocks but the null block, and the watermark does not
 * count. */
bool vllm_v1_never_runs(const struct trace *trace, const struct config *config, uint32_t position, enum drop_reason *why,
                        uint64_t *smallest_pool)
{
    const uint64_t total = (uint64_t)trace->input_tokens[position] + trace->output_tokens[position];
    *smallest_pool = 0;
    if (total > config->max_model_len) {
        *why = DROP_MAX_MODEL_LEN;
        return true;
    }
    *why = DROP_POOL;
    *smallest_pool = most_blocks(config, total) + 1; /* and the null block */
    return *smallest_pool > config->num_gpu_blocks;
}

static bool v1_check(const struct scheduler *self, struct diag *diag)
{
    const struct vllm_v1 *v1 = (const struct vllm_v1 *)self;
    uint64_t held = 0;
    for (uint32_t position = 0; position < v1->trace->count; position++)
        held += v1->requests[position].computed;
    if (!offloading_check_state(&v1->offloading))
        return diag_set(diag, SIM_FAILED, "host memory and transfers are inconsistent"), false;
    if (held != v1->held_tokens || v1->running_count > v1->config.max_num_seqs || !request_queue_check(&v1->waiting))
        return diag_set(diag, SIM_FAILED, "the scheduler's queues or sums are inconsistent"), false;
    return v1_blocks_check(&v1->blocks, diag);
}

static void v1_destroy(struct scheduler *self)
{
    struct vllm_v1 *v1 = (struct vllm_v1 *)self;
    v1_blocks_deinit(&v1->blocks);
    request_queue_deinit(&v1->waiting);
    offloading_deinit(&v1->offloading);
    free(v1->skipped.positions);
    scheduling_order_deinit(&v1->order);
    free(v1->requests);
    free(v1->running);
    for (int i = 0; i < 2; i++)
        step_free_lists(&v1->lists[i].empty);
    free(v1);
}

/* Who waits for K and V has something to do when they have come. */
static int64_t v1_wakes_ns(const struct scheduler *self)
{
    const struct vllm_v1 *v1 = (const struct vllm_v1 *)self;
    return v1->offloading.on ? offloading_next_ns(&v1->offloading) : INT64_MAX;
}

static void v1_offloads(const struct scheduler *self, struct offload_sums *sums)
{
    *sums = ((const struct vllm_v1 *)self)->offloading.sums;
}

/* Nothing to diagnose: whoever could never run was dropped, and everybody else runs once the others are gone. */
static const struct scheduler_ops ops = {
    .never_runs = vllm_v1_never_runs,
    .arrive = v1_arrive,
    .schedule = v1_schedule,
    .priced = v1_priced,
    .complete = v1_complete,
    .pool_state = v1_pool_state,
    .pool_states = v1_pool_states,
    .wakes_ns = v1_wakes_ns,
    .offloads = v1_offloads,
    .check = v1_check,
    .destroy = v1_destroy,
};

/* Running requests are at most max_num_seqs, and so is every list of a step. The second set is used with asynchronous scheduling, and made
 * anyway: sets take turns. */
static enum status make_lists(struct vllm_v1 *v1, struct diag *diag)
{
    const size_t most = min_u32(v1->config.max_num_seqs, v1->trace->count);
    const struct array_request arrays[] = {ARRAY_OF(v1->requests, v1->trace->count), ARRAY_OF(v1->running, most),
                                           ARRAY_IF(v1->offloading.on, v1->skipped.positions, v1->trace->count),
                                           ARRAY_IF(v1->want_lists, v1->lists[0].empty.sequences, most * v1->blocks.groups.count),
                                           ARRAY_IF(v1->want_lists, v1->lists[1].empty.sequences, most * v1->blocks.groups.count)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the scheduler's lists", diag);
    for (int i = 0; i < 2 && status == SIM_OK; i++)
        status = step_make_lists(&v1->lists[i].empty, most, diag);
    return status;
}

enum status vllm_v1_create(const struct trace *trace, const struct config *config, const struct step_time_model *model, bool want_lists,
                           struct scheduler **out, struct diag *diag)
{
    struct vllm_v1 *v1;
    enum status status = array_zeroed(&v1, 1, sizeof *v1, "the scheduler", diag);
    if (status != SIM_OK)
        return status;
    v1->base.ops = &ops;
    v1->trace = trace;
    v1->config = *config;
    v1->watermark_blocks = config_watermark_blocks(config);
    v1->victim = policy_find_victim(config->preemption_victim);
    v1->want_lists = want_lists;
    if (!v1->victim)
        status = diag_set(diag, SIM_BAD_INPUT, "there is no preemption_victim \"%s\"", config->preemption_victim);
    if (status == SIM_OK)
        status = scheduling_order_init(&v1->order, trace, config, model, diag);
    v1->tells = status == SIM_OK && v1->order.policy->happened;
    if (status == SIM_OK)
        status = v1_blocks_init(&v1->blocks, trace, config, diag);
    if (status == SIM_OK)
        status = offloading_init(&v1->offloading, config, &v1->blocks, diag);
    drafts_init(&v1->drafts, trace, config);
    v1->slots = speculation_slots(config);
    if (status == SIM_OK)
        status = request_queue_init(&v1->waiting, trace->count, v1->order.policy->order != PAGESIM_POLICY_ARRIVAL, diag);
    if (status == SIM_OK)
        status = make_lists(v1, diag);
    if (status != SIM_OK) {
        v1_destroy(&v1->base);
        return status;
    }
    *out = &v1->base;
    return SIM_OK;
}
