/* ledger.c - see ledger.h. */
#include "observe/ledger.h"

#include "config/engine_facts.h"

void ledger_init(struct ledger *ledger, const struct trace *trace, const struct config *config)
{
    *ledger = (struct ledger){.trace = trace,
                              .block_size = config->block_size,
                              .max_model_len = config->max_model_len,
                              .pool_blocks = config->num_gpu_blocks,
                              .has_null_block = engine_facts_of(config)->has_null_block,
                              .contiguity = config->contiguity};
}

/* Not inlined: in a loop gcc would carry the 128-bit sums in pieces of the stack and copy those with loads that wait for narrower stores;
 * that was 4 % of a replay's time. */
__attribute__((noinline)) static void add_run(struct ledger *ledger, const struct step_run *run)
{
    const struct step_tally *first = &run->first;
    const ledger_sum ns = (ledger_sum)(uint64_t)run->duration_ns;
    ledger->time_ns += (uint64_t)ns;
    ledger->used += run->used_blocks_ns;
    ledger->cached += run->cached_blocks_ns;
    ledger->free_uncached += (first->used_blocks + (ledger_sum)first->free_blocks) * ns - run->used_blocks_ns - run->cached_blocks_ns;
    ledger->held_tokens += run->held_tokens_ns;
    ledger->table_blocks += run->table_blocks_ns;
    if (ledger->contiguity)
        ledger->table_runs += run->table_runs_ns;
    ledger->running += first->running * ns;
    ledger->waiting += first->waiting * ns;
    if (run->peak_used_blocks > ledger->peak_used)
        ledger->peak_used = run->peak_used_blocks;
    if (first->cached_blocks > ledger->peak_cached)
        ledger->peak_cached = first->cached_blocks;
    if (run->peak_held_tokens > ledger->peak_held_tokens)
        ledger->peak_held_tokens = run->peak_held_tokens;
    if (run->peak_empty_slots > ledger->peak_empty_slots)
        ledger->peak_empty_slots = run->peak_empty_slots;
    if (first->table_blocks - first->used_blocks > ledger->peak_saved_blocks)
        ledger->peak_saved_blocks = first->table_blocks - first->used_blocks;
}

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    (void)diag;
    for (size_t i = 0; i < count; i++)
        add_run(self, &runs[i]);
    return SIM_OK;
}

/* --- other allocators ------------------------------------------------------------------------------------------------------------ */

static uint64_t next_power_of_two(uint64_t n)
{
    return n <= 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(n - 1));
}

/* Charge the reservations up to now, then let `request` come (+1) or go (-1). */
static void reserve(struct ledger *ledger, const struct event *event, int sign)
{
    const struct trace *trace = ledger->trace;
    uint32_t request = event->request;
    uint64_t copies = trace->samples ? trace->samples[request] : 1;
    if (trace->beam_width && trace->beam_width[request] > copies)
        copies = trace->beam_width[request];
    uint64_t exact = (uint64_t)trace->input_tokens[request] + trace->output_tokens[request];
    const uint64_t slots[3] = {ledger->max_model_len, next_power_of_two(exact), exact};
    uint64_t ns = (uint64_t)(event->time_ns - ledger->reserved_since_ns);
    for (int kind = 0; kind < 3; kind++) {
        ledger->reserved[kind] += (ledger_sum)ledger->reserved_now[kind] * ns;
        ledger->reserved_now[kind] += sign > 0 ? slots[kind] * copies : 0 - slots[kind] * copies;
        if (ledger->reserved_now[kind] > ledger->peak_reserved[kind])
            ledger->peak_reserved[kind] = ledger->reserved_now[kind];
    }
    ledger->reserved_since_ns = event->time_ns;
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        switch ((enum event_kind)events[i].kind) {
        case EVENT_ADMIT:
        case EVENT_READMIT:
        case EVENT_SWAP_IN:
            reserve(self, &events[i], +1);
            break;
        case EVENT_PREEMPT:
        case EVENT_FINISH:
            reserve(self, &events[i], -1);
            break;
        default:
            break;
        }
    }
    return SIM_OK;
}

struct observer ledger_observer(struct ledger *ledger)
{
    return (struct observer){.self = ledger, .contiguity = ledger->contiguity, .runs = on_runs, .events = on_events};
}

bool ledger_check(const struct ledger *ledger)
{
    ledger_sum null = ledger->has_null_block ? ledger->time_ns : 0;
    return ledger->used + ledger->cached + ledger->free_uncached + null == (ledger_sum)ledger->pool_blocks * ledger->time_ns &&
           ledger->table_blocks >= ledger->used && ledger->table_blocks * ledger->block_size >= ledger->held_tokens;
}

double ledger_mean(const struct ledger *ledger, ledger_sum sum)
{
    return ledger->time_ns ? (double)sum / (double)ledger->time_ns : 0;
}

double ledger_share(ledger_sum a, ledger_sum b)
{
    return b ? (double)a / (double)b : 0;
}
