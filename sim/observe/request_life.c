/* request_life.c - first half: events become waits; second half: steps become accounts. Read request_life.h first. */
#include "observe/request_life.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "vllm_v1/v1_rules.h"

const char *const life_account_names[LIFE_ACCOUNTS] = {
    [LIFE_STEP_RUNNING] = "wait_step_running",
    [LIFE_PREEMPTING] = "wait_preempting",
    [LIFE_FOR_SEATS] = "wait_seats",
    [LIFE_FOR_BUDGET] = "wait_budget",
    [LIFE_FOR_BLOCKS] = "wait_blocks",
    [LIFE_PREFILL] = "prefill",
    [LIFE_RECOMPUTE] = "recompute",
    [LIFE_DECODE] = "decode",
    [LIFE_NO_TURN] = "no_turn",
    [LIFE_DECODE_WITH_PREFILL] = "decode_with_prefill",
};

enum status request_life_init(struct request_life *life, const struct trace *trace, const struct config *config, uint32_t position,
                              struct diag *diag)
{
    *life = (struct request_life){
        .trace = trace, .config = config, .position = position, .arrival_ns = -1, .first_token_ns = -1, .finish_ns = -1, .end_ns = -1};
    return array_zeroed(&life->waits_now, trace->count, sizeof *life->waits_now, "a request's life", diag);
}

void request_life_deinit(struct request_life *life)
{
    free(life->waits);
    free(life->waits_now);
    *life = (struct request_life){0};
}

/* --- events ------------------------------------------------------------------------------------------------------------------------- */

/* Who waits, of all requests. Prompts count whole: what a queue has before it is said by what it was asked for. */
static void set_waiting(struct request_life *life, uint32_t request, bool waits)
{
    if (life->waits_now[request] == waits)
        return;
    life->waits_now[request] = waits;
    life->waiting += waits ? 1 : -1u;
    const uint64_t tokens = life->trace->input_tokens[request];
    life->waiting_tokens += waits ? tokens : -tokens;
}

static enum status begin_wait(struct request_life *life, const struct life_wait *wait, struct diag *diag)
{
    return array_append(&life->waits, &life->wait_count, &life->wait_capacity, wait, sizeof *wait, "a request's life", diag);
}

/* Somebody else is admitted while it waits. */
static void note_admission(struct request_life *life, uint32_t request)
{
    struct life_wait *wait = life->wait_count > 0 ? &life->waits[life->wait_count - 1] : NULL;
    if (!wait || wait->to_ns >= 0 || life->finish_ns >= 0)
        return;
    wait->admitted++;
    wait->admitted_tokens += life->trace->input_tokens[request];
    wait->overtook += request > life->position; /* positions are in order of arrival */
}

/* What happens to the request itself. */
static enum status note_own(struct request_life *life, const struct event *event, struct diag *diag)
{
    struct life_wait *last = life->wait_count > 0 ? &life->waits[life->wait_count - 1] : NULL;
    struct life_wait next = {.from_ns = event->time_ns, .to_ns = -1, .waiting = life->waiting, .waiting_tokens = life->waiting_tokens};
    switch (event->kind) {
    case EVENT_ARRIVE:
        life->arrival_ns = event->time_ns;
        return begin_wait(life, &next, diag);
    case EVENT_PREEMPT:
        next.preempted = true;
        next.swapped = event->extra == PREEMPT_SWAP;
        next.preemptor = event->other;
        next.tokens_lost = (uint32_t)event->value;
        next.blocks_lost = event->blocks;
        return begin_wait(life, &next, diag);
    case EVENT_ADMIT:
    case EVENT_READMIT:
    case EVENT_SWAP_IN:
        if (last) {
            last->to_ns = event->time_ns;
            last->cached = event->kind == EVENT_SWAP_IN ? 0 : (uint32_t)event->value;
            last->known = event->other;
        }
        break;
    case EVENT_FIRST_TOKEN:
        life->first_token_ns = event->time_ns;
        break;
    case EVENT_FINISH:
    case EVENT_IGNORE:
        life->finish_ns = event->time_ns;
        break;
    default:
        break;
    }
    return SIM_OK;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct request_life *life = self;
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        const struct event *event = &events[i];
        const bool comes = event->kind == EVENT_ARRIVE || event->kind == EVENT_PREEMPT;
        const bool enters = event->kind == EVENT_ADMIT || event->kind == EVENT_READMIT || event->kind == EVENT_SWAP_IN;
        if (event->request == life->position)
            status = note_own(life, event, diag);
        else if (enters)
            note_admission(life, event->request);
        if (event->request != life->position && (comes || enters || event->kind == EVENT_FINISH || event->kind == EVENT_IGNORE))
            set_waiting(life, event->request, comes);
    }
    return status;
}

struct observer request_life_events(struct request_life *life)
{
    return (struct observer){.self = life, .events = on_events};
}

/* --- steps -------------------------------------------------------------------------------------------------------------------------- */

/* Why nobody else was admitted in a step. V0 has neither of the keys that lower seats and budget. */
static enum life_account waits_for(const struct request_life *life, const struct step *step)
{
    const struct config *config = life->config;
    const uint32_t left = v1_budget(config) - min_u32(step->tally.scheduled_tokens, v1_budget(config));
    if (life->arrival_ns > step->tally.decided_ns)
        return LIFE_STEP_RUNNING;
    if (step->preempted_count > 0)
        return LIFE_PREEMPTING;
    if (step->tally.running >= v1_seats(config))
        return LIFE_FOR_SEATS;
    if (left == 0 || (!config->enable_chunked_prefill && left < life->trace->input_tokens[life->position]))
        return LIFE_FOR_BUDGET;
    return LIFE_FOR_BLOCKS;
}

/* The lists say where the request is. */
static void follow(struct request_life *life, const struct step *step)
{
    for (uint32_t i = 0; i < step->preempted_count; i++)
        if (step->preempted[i].request == life->position) {
            life->runs = life->has_token = false;
            life->wait += life->wait + 1 < life->wait_count;
        }
    for (uint32_t i = 0; i < step->admitted_count; i++)
        life->runs |= step->admitted[i].request == life->position;
    for (uint32_t i = 0; i < step->resumed_count; i++)
        if (step->resumed[i] == life->position)
            life->runs = life->has_token = true; /* its blocks came back as they were */
}

static const struct scheduled *find_scheduled(const struct request_life *life, const struct step *step)
{
    for (uint32_t i = 0; i < step->scheduled_count; i++)
        if (step->scheduled[i].request == life->position)
            return &step->scheduled[i];
    return NULL;
}

static enum life_account account_of(const struct request_life *life, const struct step *step, const struct scheduled *own)
{
    if (!life->runs)
        return waits_for(life, step);
    if (!own)
        return LIFE_NO_TURN;
    if (!life->has_token)
        return life->wait == 0 ? LIFE_PREFILL : LIFE_RECOMPUTE;
    return step->tally.prefill_tokens > 0 ? LIFE_DECODE_WITH_PREFILL : LIFE_DECODE;
}

/* The longest are kept in order; of equal ones the earlier. */
static void note_slow(struct request_life *life, const struct step *step, int64_t from_ns, int64_t duration_ns)
{
    struct life_step slow = {.start_ns = from_ns,
                             .duration_ns = duration_ns,
                             .prefill_tokens = step->tally.prefill_tokens,
                             .sequences = step->tally.scheduled_sequences};
    for (uint32_t i = 0; i < step->scheduled_count; i++)
        if (step->scheduled[i].request != life->position && step->scheduled[i].tokens > (int32_t)slow.largest_tokens) {
            slow.largest = step->scheduled[i].request;
            slow.largest_tokens = (uint32_t)step->scheduled[i].tokens;
        }
    size_t at = life->slow_count;
    while (at > 0 && life->slow[at - 1].duration_ns < duration_ns)
        at--;
    if (at == LIFE_STEPS_MOST)
        return;
    const size_t moved = min_u32((uint32_t)life->slow_count, LIFE_STEPS_MOST - 1) - at;
    memmove(life->slow + at + 1, life->slow + at, moved * sizeof *life->slow);
    life->slow[at] = slow;
    life->slow_count += life->slow_count < LIFE_STEPS_MOST;
}

/* The step's time, from the end of the one before, as far as the request lived. */
static enum status on_scheduled(void *self, const struct step *step, struct diag *diag)
{
    struct request_life *life = self;
    const int64_t end_ns = step->tally.start_ns + step->tally.duration_ns;
    const int64_t from_ns = life->last_end_ns > life->arrival_ns ? life->last_end_ns : life->arrival_ns;
    const int64_t to_ns = life->finish_ns >= 0 && life->finish_ns < end_ns ? life->finish_ns : end_ns;
    (void)diag;
    follow(life, step);
    const struct scheduled *own = find_scheduled(life, step);
    if (to_ns > from_ns) {
        const enum life_account account = account_of(life, step, own);
        const bool later = life->first_token_ns >= 0 && from_ns >= life->first_token_ns;
        life->account_ns[later][account] += to_ns - from_ns;
        life->account_steps[later][account]++;
        if (account < LIFE_WAITS && life->wait < life->wait_count)
            life->waits[life->wait].account_ns[account] += to_ns - from_ns;
        if (account == LIFE_DECODE_WITH_PREFILL)
            note_slow(life, step, from_ns, to_ns - from_ns);
        life->end_ns = to_ns;
    }
    life->last_end_ns = end_ns;
    if (own && own->samples && life->config->scheduler == SCHEDULER_VLLM_V1)
        life->has_token = true;
    return SIM_OK;
}

/* V0 says who got a token when the step is over. */
static enum status on_completed(void *self, const struct step *step, struct diag *diag)
{
    struct request_life *life = self;
    (void)diag;
    for (uint32_t i = 0; i < step->sampled_count && life->config->scheduler == SCHEDULER_VLLM_V0; i++)
        life->has_token |= life->runs && step->sampled[i].request == life->position;
    return SIM_OK;
}

struct observer request_life_steps(struct request_life *life)
{
    life->last_end_ns = 0;
    life->wait = 0;
    life->runs = life->has_token = false;
    return (struct observer){.self = life, .scheduled = on_scheduled, .completed = on_completed};
}

int64_t request_life_sum_ns(const struct request_life *life)
{
    int64_t sum_ns = 0;
    for (int later = 0; later < 2; later++)
        for (int account = 0; account < LIFE_ACCOUNTS; account++)
            sum_ns += life->account_ns[later][account];
    return sum_ns;
}

/* --- names -------------------------------------------------------------------------------------------------------------------------- */

/* "17" or "17.2"; a number alone is sample 0. */
static bool read_id(const char *id, uint64_t *index, uint64_t *sample)
{
    enum { DIGITS_MOST = 10 };
    const size_t digits = strspn(id, "0123456789"), more = id[digits] == '.' ? strspn(id + digits + 1, "0123456789") : 0;
    if (digits == 0 || digits > DIGITS_MOST || more > DIGITS_MOST || (id[digits] == '.' ? more == 0 : false) ||
        id[digits + (more ? more + 1 : 0)] != '\0')
        return false;
    *index = strtoull(id, NULL, 10);
    *sample = more ? strtoull(id + digits + 1, NULL, 10) : 0;
    return true;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

enum status request_life_find(const struct trace *trace, const char *id, uint32_t *position, struct diag *diag)
{
    uint64_t index, sample;
    uint32_t nearest = 0;
    char name[TRACE_REQUEST_NAME];
    if (!read_id(id, &index, &sample))
        return diag_set(diag, SIM_USAGE, "--request %s: must be a request's number in the trace, such as 17, or 17.2 for a sample of it",
                        id);
    for (uint32_t i = 1; i < trace->count; i++) {
        const uint64_t far = apart(trace_index(trace, i), index), least = apart(trace_index(trace, nearest), index);
        if (far < least || (far == least && apart(trace_sample_of(trace, i), sample) < apart(trace_sample_of(trace, nearest), sample)))
            nearest = i;
    }
    if (trace_index(trace, nearest) != index || trace_sample_of(trace, nearest) != sample) {
        trace_request_name(trace, nearest, name);
        return diag_set(diag, SIM_USAGE, "--request %s: the %u requests that are replayed have no such number; the nearest is %s", id,
                        trace->count, name);
    }
    *position = nearest;
    return SIM_OK;
}
