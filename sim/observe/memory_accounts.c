/* memory_accounts.c - see memory_accounts.h. */
#include "observe/memory_accounts.h"

#include "config/engine_facts.h"

_Static_assert((int)TIMELINE_SERIES == (int)MEMORY_ACCOUNTS, "the timeline draws the accounts");

const char *const memory_account_names[MEMORY_ACCOUNTS] = {"useful", "tail_waste", "cached_idle", "free", "null"};

void memory_accounts_init(struct memory_accounts *accounts, const struct config *config)
{
    *accounts = (struct memory_accounts){
        .block_size = config->block_size, .pool_blocks = config->num_gpu_blocks, .has_null_block = engine_facts_of(config)->has_null_block};
    usage_timeline_init(&accounts->timeline);
}

/* Where the pool's slots were during a run of steps, times its duration. Tables count a shared block once each, so its tokens and empty
 * slots must be taken out again: in V1 shared blocks are full; where they are not (V0, a step at a time) the tally says how many empty slots
 * were counted too often. */
static void split(const struct memory_accounts *accounts, const struct step_run *run, slot_time sums[MEMORY_ACCOUNTS])
{
    const struct step_tally *first = &run->first;
    const slot_time size = accounts->block_size, ns = run->duration_ns;
    const slot_time used = (slot_time)run->used_blocks_ns, cached = (slot_time)run->cached_blocks_ns;
    sums[ACCOUNT_TAIL] = (slot_time)run->table_blocks_ns * size - (slot_time)run->held_tokens_ns - first->shared_empty_slots * ns;
    sums[ACCOUNT_USEFUL] = used * size - sums[ACCOUNT_TAIL];
    sums[ACCOUNT_CACHED] = cached * size;
    sums[ACCOUNT_FREE] = (((slot_time)first->used_blocks + first->free_blocks) * ns - used - cached) * size; /* their sum is constant */
    sums[ACCOUNT_NULL] = accounts->has_null_block ? size * ns : 0;
}

static void raise(int64_t *peak, int64_t value)
{
    if (value > *peak)
        *peak = value;
}

/* Within a run blocks are only taken: what is not in use is most at its start, and what is shared stays the same. */
static void note_peaks(struct memory_accounts *accounts, const struct step_run *run)
{
    const struct step_tally *first = &run->first;
    const int64_t size = accounts->block_size, saved = ((int64_t)first->table_blocks - (int64_t)first->used_blocks) * size;
    raise(&accounts->peak_slots[ACCOUNT_USEFUL], (int64_t)run->peak_held_tokens - saved + first->shared_empty_slots);
    raise(&accounts->peak_slots[ACCOUNT_TAIL], (int64_t)run->peak_empty_slots - first->shared_empty_slots);
    raise(&accounts->peak_slots[ACCOUNT_CACHED], first->cached_blocks * size);
    raise(&accounts->peak_slots[ACCOUNT_FREE], (int64_t)(first->free_blocks - first->cached_blocks) * size);
    raise(&accounts->peak_slots[ACCOUNT_NULL], accounts->has_null_block ? size : 0);
    raise(&accounts->peak_saved_slots, saved);
}

static void charge(struct memory_accounts *accounts, const struct step_run *run)
{
    const struct step_tally *first = &run->first;
    const slot_time tables = (slot_time)run->table_blocks_ns * accounts->block_size;
    slot_time sums[MEMORY_ACCOUNTS];
    bool waits = first->waiting + first->swapped > 0;
    split(accounts, run, sums);
    note_peaks(accounts, run);
    for (int span = SPAN_ALL; span <= (waits ? SPAN_WAITING : SPAN_ALL); span++) {
        accounts->time_ns[span] += run->duration_ns;
        accounts->running[span] += (slot_time)first->running * run->duration_ns;
        accounts->table_slots[span] += tables;
        accounts->saved[span] += tables - (slot_time)run->used_blocks_ns * accounts->block_size;
        for (int account = 0; account < MEMORY_ACCOUNTS; account++)
            accounts->sums[span][account] += sums[account];
    }
    usage_timeline_add(&accounts->timeline, first->start_ns, run->duration_ns, sums);
}

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    (void)diag;
    for (size_t i = 0; i < count; i++)
        charge(self, &runs[i]);
    return SIM_OK;
}

struct observer memory_accounts_observer(struct memory_accounts *accounts)
{
    return (struct observer){.self = accounts, .runs = on_runs};
}

bool memory_accounts_check(const struct memory_accounts *accounts)
{
    bool right = true;
    for (int span = 0; span < MEMORY_SPANS; span++) {
        const slot_time *sums = accounts->sums[span];
        slot_time all = 0;
        for (int account = 0; account < MEMORY_ACCOUNTS; account++) {
            all += sums[account];
            right &= sums[account] >= 0;
        }
        right &= all == (slot_time)accounts->pool_blocks * accounts->block_size * accounts->time_ns[span];
        right &= sums[ACCOUNT_USEFUL] + sums[ACCOUNT_TAIL] + accounts->saved[span] == accounts->table_slots[span];
        right &= accounts->saved[span] >= 0;
    }
    return right;
}

double memory_accounts_mean_blocks(const struct memory_accounts *accounts, enum memory_span span, slot_time sum)
{
    int64_t ns = accounts->time_ns[span];
    return ns > 0 ? (double)sum / (double)ns / accounts->block_size : 0;
}

double memory_accounts_share(const struct memory_accounts *accounts, enum memory_span span, slot_time sum)
{
    return accounts->pool_blocks ? memory_accounts_mean_blocks(accounts, span, sum) / (double)accounts->pool_blocks : 0;
}
