/* reservation.c - a small scheduler over a contiguous allocator: admit, compute, charge, finish, one step after the other (run_step). The
 * model it follows is told in reservation.h. Four counters follow every slot of the memory, and add up to all of it at any time:
 *
 *     tokens + future + internal    reserved, in pieces of `memory`         admit:    free -> future, internal
 *     memory.free                   in holes between the pieces             compute:  future -> tokens
 *                                                                           finish:   tokens, internal -> free */
#include "study/reservation.h"

#include <assert.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "config/engine_facts.h"
#include "config/kv_groups.h"
#include "engine/arrivals.h"
#include "study/contiguous_allocator.h"
#include "study/parallel_runs.h"

const char *const reservation_names[RESERVATION_KINDS] = {"maximum", "power of 2", "exact"};

/* A running request. Its samples or beams are `copies` that compute in step, so one counter serves all of them. */
struct tenant {
    uint32_t position;
    uint64_t start;    /* of its piece of memory */
    uint32_t computed; /* tokens a copy */
    uint32_t copies;   /* samples or beams */
    bool prefill;      /* its prompt is computed in this step */
};

struct reservation {
    const struct trace *trace;
    const struct config *config;
    const struct step_time_model *model;
    enum reservation_kind kind;
    struct contiguous_allocator memory;
    struct tenant *tenants; /* running, in order of admission */
    uint32_t running;
    uint32_t *waiting; /* positions, a queue: [head, tail) */
    uint32_t head, tail;
    struct arrivals arrivals;
    uint64_t finished;
    int64_t now_ns;
    uint64_t steps;
    uint64_t tokens, future, internal; /* slots, of all who run */
    bool refused;                      /* the head does not fit into memory */
    uint64_t token_slots;              /* a token takes in all groups of layers; above, it counts as one */
    struct reservation_result *result;
};

/* Slots a copy. */
static uint64_t reserved_slots(const struct reservation *r, uint32_t position)
{
    uint64_t input = r->trace->input_tokens[position], output = r->trace->output_tokens[position], power = 1;
    if (r->kind == RESERVE_MAXIMUM)
        return r->config->max_model_len;
    if (r->kind == RESERVE_EXACT)
        return input + output;
    while (power < output)
        power *= 2;
    return min_u64(input + power, r->config->max_model_len);
}

/* Tokens a copy whose KV is written in the end: the last one's never is. */
static uint64_t used_in_the_end(const struct trace *trace, uint32_t position)
{
    return (uint64_t)trace->input_tokens[position] + trace->output_tokens[position] - 1;
}

/* --- arrivals --------------------------------------------------------------------------------------------------------------------- */

/* Requests that can never run do not arrive. Whoever does fits into the empty memory: the queue's head is admitted at the latest when nobody
 * runs, and the loop cannot stall. */
static enum status drop_too_large(struct reservation *r, struct diag *diag)
{
    const struct trace *trace = r->trace;
    enum status status = SIM_OK;
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++) {
        const bool served = (uint64_t)trace->input_tokens[position] + trace->output_tokens[position] <= r->config->max_model_len;
        if (served && contiguous_allocator_fits(&r->memory, reserved_slots(r, position) * trace_sequences(trace, position)))
            continue;
        r->result->too_large += served;
        status = arrivals_drop(&r->arrivals, position, diag);
    }
    arrivals_find_next(&r->arrivals);
    return status;
}

static void take_in(struct reservation *r)
{
    while (r->arrivals.next_ns <= r->now_ns)
        r->waiting[r->tail++] = arrivals_take(&r->arrivals);
}

/* --- a step ----------------------------------------------------------------------------------------------------------------------- */

/* First come, first served: the head blocks all after it. `refused` is set when memory is what stops the head; then free memory is
 * counted as external, as nobody can use it. When max_num_seqs or the budget stops it, memory is not to blame. The budget bounds the
 * prompts of a step only; decodes are not counted against it, so that every running request goes on in every step. */
static void admit(struct reservation *r)
{
    uint64_t prompts = 0, budget = r->config->max_num_batched_tokens;
    r->refused = false;
    while (r->head < r->tail && r->running < r->config->max_num_seqs) {
        uint32_t position = r->waiting[r->head], copies = trace_sequences(r->trace, position);
        uint64_t input = r->trace->input_tokens[position], reserved = reserved_slots(r, position);
        if (prompts > 0 && prompts + input > budget)
            break; /* the first prompt of a step may be longer than the budget, or it would wait for ever */
        const uint64_t start = contiguous_allocator_take(&r->memory, reserved * copies);
        r->refused = start == CONTIGUOUS_NONE;
        if (r->refused)
            break;
        prompts += input;
        r->head++;
        r->tenants[r->running++] = (struct tenant){.position = position, .start = start, .copies = copies, .prefill = true};
        r->future += used_in_the_end(r->trace, position) * copies;
        r->internal += (reserved - used_in_the_end(r->trace, position)) * copies;
    }
}

/* Moves slots from future to tokens and adds the request to the shape of the step, which the step-time model prices as it does for vLLM's
 * steps. So both are compared at the same speed of computing, and differ in memory alone. A prompt of one token is priced as a decode.
 * The first token comes with the prompt; each further step adds one. */
static void compute(struct reservation *r, struct tenant *tenant, struct step_shape *shape)
{
    uint32_t tokens = tenant->prefill ? r->trace->input_tokens[tenant->position] : 1;
    uint64_t slots = (uint64_t)tokens * tenant->copies;
    tenant->computed += tokens;
    r->tokens += slots;
    r->future -= slots;
    bool prompt = tenant->prefill && tokens > 1;
    uint32_t sequences = prompt ? 1 : tenant->copies; /* a prompt is computed once, its samples decode each for itself */
    shape->scheduled_tokens += (uint64_t)tokens * sequences;
    shape->context_tokens += (uint64_t)tenant->computed * sequences;
    shape->sequences += sequences;
    shape->sampled += sequences;
    tenant->prefill = false;
    if (prompt) {
        shape->prefill_chunks++;
        shape->prefill_tokens += tokens;
        return;
    }
    if (shape->decodes == 0 || tenant->computed < shape->min_decode_context)
        shape->min_decode_context = tenant->computed;
    if (tenant->computed > shape->max_decode_context)
        shape->max_decode_context = tenant->computed;
    shape->decodes += sequences;
    shape->decode_context += (uint64_t)tenant->computed * sequences;
}

/* Slots x nanoseconds in exact integers, so that reservation_check can ask for equality. Time in which somebody waits is booked twice: in
 * all time, and in the span in which memory that lies idle does harm. `need` is what the head asks for: if so much is free and it was
 * refused all the same, only the scatter of the holes is to blame. */
static void charge(struct reservation *r, int64_t ns)
{
    struct reservation_result *result = r->result;
    bool waits = r->head < r->tail;
    const slot_time each_ns = (slot_time)r->token_slots * ns;
    const slot_time held[RESERVED_ACCOUNTS] = {
        [RESERVED_TOKENS] = (slot_time)r->tokens * each_ns,
        [RESERVED_FUTURE] = (slot_time)r->future * each_ns,
        [RESERVED_INTERNAL] = (slot_time)r->internal * each_ns,
        [RESERVED_EXTERNAL] = r->refused ? (slot_time)r->memory.free * each_ns : 0,
        [RESERVED_FREE] = r->refused ? 0 : (slot_time)r->memory.free * each_ns,
    };
    uint64_t need = waits ? reserved_slots(r, r->waiting[r->head]) * trace_sequences(r->trace, r->waiting[r->head]) : 0;
    for (int span = SPAN_ALL; span <= (waits ? SPAN_WAITING : SPAN_ALL); span++) {
        result->time_ns[span] += ns;
        for (int account = 0; account < RESERVED_ACCOUNTS; account++)
            result->sums[span][account] += held[account];
        result->running[span] += (slot_time)r->running * ns;
        if (r->refused && r->memory.free >= need)
            result->scattered[span] += (slot_time)r->memory.free * each_ns;
    }
    usage_timeline_add(&result->timeline, r->now_ns, ns, held);
    if (r->running > result->peak_running)
        result->peak_running = r->running;
}

/* Who has all tokens gives the reservation back. Those who stay keep their order, which is that of admission. */
static void finish(struct reservation *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->running; i++) {
        struct tenant *tenant = &r->tenants[i];
        uint64_t used = used_in_the_end(r->trace, tenant->position), reserved = reserved_slots(r, tenant->position);
        if (tenant->computed < used) {
            r->tenants[kept++] = *tenant;
            continue;
        }
        r->tokens -= used * tenant->copies;
        r->internal -= (reserved - used) * tenant->copies;
        contiguous_allocator_give(&r->memory, tenant->start, reserved * tenant->copies);
        arrivals_end(&r->arrivals, tenant->position, r->now_ns);
        r->finished++;
    }
    r->running = kept;
}

/* Charged after compute and before finish: tokens of this step count as held while it runs, and memory becomes free at its end. */
static enum status run_step(struct reservation *r, struct diag *diag)
{
    struct step_shape shape = {.step = r->steps++};
    admit(r);
    for (uint32_t i = 0; i < r->running; i++)
        compute(r, &r->tenants[i], &shape);
    int64_t ns = step_time_price(r->model, &shape);
    if (!step_time_fits(r->now_ns, ns))
        return step_time_refuse(r->model, &shape, r->now_ns, diag);
    charge(r, ns);
    r->now_ns += ns;
    finish(r);
    return SIM_OK;
}

/* Time in which nobody is there is charged too, as free memory. What lies before the first step is not: it is no time of the server. */
static enum status run_loop(struct reservation *r, struct diag *diag)
{
    for (;;) {
        take_in(r);
        if (r->running > 0 || r->head < r->tail) {
            enum status status = run_step(r, diag);
            if (status != SIM_OK)
                return status;
            continue;
        }
        if (r->arrivals.next_ns == INT64_MAX)
            return SIM_OK;
        if (r->steps > 0) {
            r->refused = false;
            charge(r, r->arrivals.next_ns - r->now_ns);
        }
        r->now_ns = r->arrivals.next_ns;
    }
}

/* The same bytes of memory as the paged pool has: V1's null block is never given to anybody, so it is left out on this side as well. Each
 * token is kept in all groups of layers for as long as its request runs, as such allocators know no windows.
 * Requests that run at once are bounded by max_num_seqs, and so are pieces and holes: nothing is allocated after the start. */
enum status reservation_run(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                            enum contiguous_kind allocator, enum reservation_kind kind, struct reservation_result *out, struct diag *diag)
{
    struct reservation r = {.trace = trace, .config = config, .model = model, .kind = kind, .result = out};
    uint64_t null_blocks = engine_facts_of(config)->has_null_block ? 1 : 0;
    const struct kv_groups groups = kv_groups_of(config);
    r.token_slots = kv_groups_token_slots(&groups);
    assert(r.token_slots > 0);
    const uint64_t tokens = (config->num_gpu_blocks - null_blocks) * kv_groups_block_slots(&groups) / r.token_slots;
    *out = (struct reservation_result){.memory_slots = tokens * r.token_slots};
    usage_timeline_init(&out->timeline);
    if (tokens == 0)
        return SIM_OK;
    const uint32_t most_running = min_u32(config->max_num_seqs, trace->count);
    const struct array_request arrays[] = {ARRAY_OF(r.waiting, trace->count), ARRAY_OF(r.tenants, most_running)};
    if (array_zeroed_all(arrays, 2, "the requests of a reservation", diag) == SIM_OK &&
        contiguous_allocator_init(&r.memory, allocator, tokens, most_running, diag) == SIM_OK &&
        arrivals_init(&r.arrivals, trace, config->max_concurrency, NULL, diag) == SIM_OK && drop_too_large(&r, diag) == SIM_OK)
        (void)!run_loop(&r, diag); /* diag has it */
    out->completed = r.finished;
    out->end_ns = r.now_ns;
    contiguous_allocator_deinit(&r.memory);
    arrivals_deinit(&r.arrivals);
    free(r.waiting);
    free(r.tenants);
    return diag->status;
}

/* What the three models share. */
struct all_kinds {
    const struct trace *trace;
    const struct config *config;
    const struct step_time_model *model;
    enum contiguous_kind allocator;
    struct reservation_result *results;
};

static enum status run_kind(void *context, size_t kind, struct diag *diag)
{
    const struct all_kinds *all = context;
    return reservation_run(all->trace, all->config, all->model, all->allocator, (enum reservation_kind)kind, &all->results[kind], diag);
}

enum status reservation_run_all(const struct trace *trace, const struct config *config, const struct step_time_model *model,
                                enum contiguous_kind allocator, struct reservation_result results[RESERVATION_KINDS], struct diag *diag)
{
    struct all_kinds all = {.trace = trace, .config = config, .model = model, .allocator = allocator, .results = results};
    return parallel_runs(RESERVATION_KINDS, 0, run_kind, &all, diag);
}

/* A sum below 0 would mean that slots left an account before they were in it, which the totals alone do not show. */
bool reservation_check(const struct reservation_result *result)
{
    bool right = true;
    for (int span = 0; span < LEDGER_SPANS; span++) {
        slot_time all = 0;
        for (int account = 0; account < RESERVED_ACCOUNTS; account++) {
            all += result->sums[span][account];
            right &= result->sums[span][account] >= 0;
        }
        right &= all == (slot_time)result->memory_slots * result->time_ns[span];
        right &= result->scattered[span] <= result->sums[span][RESERVED_EXTERNAL];
    }
    for (int account = 0; account < RESERVED_ACCOUNTS; account++) {
        slot_time over_time = 0;
        for (int bucket = 0; bucket < TIMELINE_BUCKETS; bucket++)
            over_time += result->timeline.sums[bucket][account];
        right &= over_time == result->sums[SPAN_ALL][account];
    }
    return right;
}

double reservation_share(const struct reservation_result *result, enum ledger_span span, slot_time sum)
{
    double whole = (double)result->memory_slots * (double)result->time_ns[span];
    return whole > 0 ? (double)sum / whole : 0;
}
