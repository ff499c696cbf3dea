/* ledger.c - adds runs of steps to sums and peaks, and splits sums into accounts when somebody asks. Read add_run first: it is the part
 * that every replay pays for; then ledger_split, which says what an account is. */
#include "observe/ledger.h"

#include "config/engine_facts.h"

_Static_assert((int)TIMELINE_SERIES == (int)LEDGER_ACCOUNTS, "the timeline keeps the accounts");

const char *const ledger_account_names[LEDGER_ACCOUNTS] = {"useful", "tail_waste", "cached_idle", "free", "null"};

void ledger_init(struct ledger *ledger, const struct trace *trace, const struct config *config)
{
    const struct kv_groups groups = kv_groups_of(config);
    *ledger = (struct ledger){.trace = trace,
                              .block_size = kv_groups_block_slots(&groups),
                              .token_slots = kv_groups_token_slots(&groups),
                              .max_model_len = config->max_model_len,
                              .pool_blocks = config->num_gpu_blocks,
                              .has_null_block = engine_facts_of(config)->has_null_block,
                              .contiguity = config->contiguity};
}

/* Only `pagesim ledger` wants a history. A size search runs many replays and reads sums alone. */
void ledger_keep_history(struct ledger *ledger, struct ledger_history *history)
{
    *history = (struct ledger_history){0};
    usage_timeline_init(&history->timeline);
    ledger->history = history;
}

/* --- runs of steps ----------------------------------------------------------------------------------------------------------------- */

/* Not inlined: in a loop gcc would carry the 128-bit sums in pieces of the stack and copy those with loads that wait for narrower stores;
 * that was 4 % of a replay's time. The caller chooses the set of sums, so that every address in here is a constant from a pointer. */
__attribute__((noinline)) static void add_run(struct ledger_sums *sums, const struct step_run *run, bool contiguity)
{
    const struct step_tally *first = &run->first;
    const ledger_sum ns = (ledger_sum)(uint64_t)run->state_ns;
    sums->time_ns += (uint64_t)ns;
    sums->used += run->used_blocks_ns;
    sums->cached += run->cached_blocks_ns;
    /* Used and free blocks add up to the same number in every step of a run, so what is free needs no sum of its own in a run: it is the
     * rest. */
    sums->free_uncached +=
        (ledger_sum)((uint64_t)first->used_blocks + first->free_blocks) * ns - run->used_blocks_ns - run->cached_blocks_ns;
    sums->held_tokens += run->held_tokens_ns;
    sums->table_blocks += run->table_blocks_ns;
    if (contiguity)
        sums->table_runs += run->table_runs_ns;
    sums->running += first->running * ns;
    sums->waiting += first->waiting * ns;
    /* V0 only: V1 shares full blocks alone. */
    if (first->shared_empty_slots)
        sums->shared_empty_slots += first->shared_empty_slots * ns;
}

static inline void raise(uint64_t *peak, uint64_t value)
{
    if (value > *peak)
        *peak = value;
}

/* Within a run blocks are only taken: what is not in use is most at its start, and what is shared stays the same. */
static inline void note_peaks(struct ledger_peaks *peaks, const struct step_run *run)
{
    const struct step_tally *first = &run->first;
    raise(&peaks->used_blocks, run->peak_used_blocks);
    raise(&peaks->cached_blocks, first->cached_blocks);
    raise(&peaks->held_tokens, run->peak_held_tokens);
    raise(&peaks->empty_slots, run->peak_empty_slots);
    raise(&peaks->saved_blocks, first->table_blocks - first->used_blocks);
}

/* The accounts of one run as if it were a whole ledger, so that the chart cannot disagree with the totals. The peaks use the same
 * identities as ledger_split, with the run's extremes in place of its sums: a used block's slots are useful or tail, and only what is
 * held can have its peak after the first step. */
static void write_history(const struct ledger *ledger, const struct step_run *run)
{
    const struct step_tally *first = &run->first;
    const uint64_t size = ledger->block_size, saved = (first->table_blocks - first->used_blocks) * size;
    uint64_t *peaks = ledger->history->peak_slots;
    struct ledger_sums sums = {0};
    slot_time accounts[LEDGER_ACCOUNTS];
    add_run(&sums, run, false);
    ledger_split(ledger, &sums, accounts);
    usage_timeline_add(&ledger->history->timeline, first->decided_ns, run->state_ns, accounts);
    raise(&peaks[ACCOUNT_USEFUL], run->peak_held_tokens + first->shared_empty_slots - saved);
    raise(&peaks[ACCOUNT_TAIL], run->peak_empty_slots - first->shared_empty_slots);
    raise(&peaks[ACCOUNT_CACHED], first->cached_blocks * size);
    raise(&peaks[ACCOUNT_FREE], (first->free_blocks - first->cached_blocks) * size);
    raise(&peaks[ACCOUNT_NULL], ledger->has_null_block ? size : 0);
}

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct ledger *ledger = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const bool waits = runs[i].first.waiting + runs[i].first.swapped > 0;
        add_run(&ledger->by_waiting[waits], &runs[i], ledger->contiguity);
        note_peaks(&ledger->peaks, &runs[i]);
    }
    for (size_t i = 0; ledger->history && i < count; i++)
        write_history(ledger, &runs[i]);
    return SIM_OK;
}

/* --- other allocators ------------------------------------------------------------------------------------------------------------ */

/* The shift is undefined for n = 1, whose predecessor has no leading bit. */
static uint64_t next_power_of_two(uint64_t n)
{
    return n <= 1 ? 1 : UINT64_C(1) << (64 - __builtin_clzll(n - 1));
}

/* Charge the reservations up to now, then let `request` come (+1) or go (-1). The three are the allocators that the paper compares with,
 * Orca (Max), (Pow2) and (Oracle): contiguous room for the longest possible, the rounded and the exact length. They reserve at admission
 * and cannot share, so each sample or beam counts; nor do they know windows, so each group of layers gets the whole length. What they would have admitted is not asked: these are our moments with their
 * reservations. */
static void reserve(struct ledger *ledger, const struct event *event, int sign)
{
    const struct trace *trace = ledger->trace;
    uint32_t request = event->request;
    uint64_t copies = trace->samples ? trace->samples[request] : 1;
    if (trace->beam_width && trace->beam_width[request] > copies)
        copies = trace->beam_width[request];
    uint64_t exact = (uint64_t)trace->input_tokens[request] + trace->output_tokens[request];
    const uint64_t tokens[3] = {ledger->max_model_len, next_power_of_two(exact), exact};
    uint64_t ns = (uint64_t)(event->time_ns - ledger->reserved_since_ns);
    for (int kind = 0; kind < 3; kind++) {
        ledger->reserved[kind] += (ledger_sum)ledger->reserved_now[kind] * ns;
        const uint64_t slots = tokens[kind] * ledger->token_slots * copies;
        ledger->reserved_now[kind] += sign > 0 ? slots : 0 - slots;
        raise(&ledger->peak_reserved[kind], ledger->reserved_now[kind]);
    }
    ledger->reserved_since_ns = event->time_ns;
}

/* A swap counts as leaving: the comparison is about GPU memory. Who ends while it waits has left before. */
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
            reserve(self, &events[i], -1);
            break;
        case EVENT_FINISH:
            if (!events[i].extra)
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

/* --- what the sums say ------------------------------------------------------------------------------------------------------------- */

/* Each moment was added to exactly one of the two sets, so their sum is the whole run. */
struct ledger_sums ledger_span_sums(const struct ledger *ledger, enum ledger_span span)
{
    const struct ledger_sums *nobody = &ledger->by_waiting[false];
    struct ledger_sums sums = ledger->by_waiting[true];
    if (span == SPAN_WAITING)
        return sums;
    sums.time_ns += nobody->time_ns;
    sums.used += nobody->used;
    sums.cached += nobody->cached;
    sums.free_uncached += nobody->free_uncached;
    sums.held_tokens += nobody->held_tokens;
    sums.table_blocks += nobody->table_blocks;
    sums.table_runs += nobody->table_runs;
    sums.running += nobody->running;
    sums.waiting += nobody->waiting;
    sums.shared_empty_slots += nobody->shared_empty_slots;
    return sums;
}

/* Tables count a shared block once each, so its tokens and empty slots must be taken out again: in V1 shared blocks are full; where they
 * are not (V0) tallies say how many empty slots were counted too often. */
void ledger_split(const struct ledger *ledger, const struct ledger_sums *sums, slot_time accounts[LEDGER_ACCOUNTS])
{
    const slot_time size = ledger->block_size;
    accounts[ACCOUNT_TAIL] = (slot_time)sums->table_blocks * size - (slot_time)sums->held_tokens - (slot_time)sums->shared_empty_slots;
    accounts[ACCOUNT_USEFUL] = (slot_time)sums->used * size - accounts[ACCOUNT_TAIL];
    accounts[ACCOUNT_CACHED] = (slot_time)sums->cached * size;
    accounts[ACCOUNT_FREE] = (slot_time)sums->free_uncached * size;
    accounts[ACCOUNT_NULL] = ledger->has_null_block ? size * (slot_time)sums->time_ns : 0;
}

slot_time ledger_saved(const struct ledger *ledger, const struct ledger_sums *sums)
{
    return ((slot_time)sums->table_blocks - (slot_time)sums->used) * ledger->block_size;
}

/* The two spans in which the sums are kept; what holds for both holds for the whole run. */
bool ledger_check(const struct ledger *ledger)
{
    bool right = true;
    for (int waits = 0; waits < 2; waits++) {
        const struct ledger_sums *sums = &ledger->by_waiting[waits];
        const slot_time saved = ledger_saved(ledger, sums);
        slot_time accounts[LEDGER_ACCOUNTS], all = 0;
        ledger_split(ledger, sums, accounts);
        for (int account = 0; account < LEDGER_ACCOUNTS; account++) {
            all += accounts[account];
            right &= accounts[account] >= 0;
        }
        right &= all == (slot_time)ledger->pool_blocks * ledger->block_size * (slot_time)sums->time_ns;
        right &= accounts[ACCOUNT_USEFUL] + accounts[ACCOUNT_TAIL] + saved == (slot_time)sums->table_blocks * ledger->block_size;
        right &= saved >= 0;
    }
    return right;
}

double ledger_mean(const struct ledger_sums *sums, ledger_sum sum)
{
    return sums->time_ns ? (double)sum / (double)sums->time_ns : 0;
}

double ledger_mean_blocks(const struct ledger *ledger, const struct ledger_sums *sums, slot_time slots)
{
    return sums->time_ns ? (double)slots / (double)sums->time_ns / ledger->block_size : 0;
}

double ledger_share(ledger_sum a, ledger_sum b)
{
    return b ? (double)a / (double)b : 0;
}

/* --- several servers --------------------------------------------------------------------------------------------------------------- */

static void add_sums(struct ledger_sums *sums, const struct ledger_sums *part)
{
    sums->time_ns += part->time_ns;
    sums->used += part->used;
    sums->cached += part->cached;
    sums->free_uncached += part->free_uncached;
    sums->held_tokens += part->held_tokens;
    sums->table_blocks += part->table_blocks;
    sums->table_runs += part->table_runs;
    sums->running += part->running;
    sums->waiting += part->waiting;
    sums->shared_empty_slots += part->shared_empty_slots;
}

void ledger_merge(struct ledger *ledger, const struct ledger *part)
{
    for (int waiting = 0; waiting < 2; waiting++)
        add_sums(&ledger->by_waiting[waiting], &part->by_waiting[waiting]);
    raise(&ledger->pool_blocks, part->pool_blocks);
    raise(&ledger->peaks.used_blocks, part->peaks.used_blocks);
    raise(&ledger->peaks.cached_blocks, part->peaks.cached_blocks);
    raise(&ledger->peaks.held_tokens, part->peaks.held_tokens);
    raise(&ledger->peaks.empty_slots, part->peaks.empty_slots);
    raise(&ledger->peaks.saved_blocks, part->peaks.saved_blocks);
    for (int i = 0; i < 3; i++) {
        ledger->reserved[i] += part->reserved[i];
        raise(&ledger->peak_reserved[i], part->peak_reserved[i]);
    }
}
