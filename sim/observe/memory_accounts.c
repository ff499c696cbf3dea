/* memory_accounts.c - see memory_accounts.h. */
#include "observe/memory_accounts.h"

#include "engine/scheduler.h"

_Static_assert((int)TIMELINE_SERIES == (int)MEMORY_ACCOUNTS, "the timeline draws the accounts");

const char *const memory_account_names[MEMORY_ACCOUNTS] = {"useful", "tail_waste", "cached_idle", "free", "null"};

void memory_accounts_init(struct memory_accounts *accounts, const struct config *config)
{
    *accounts = (struct memory_accounts){.block_size = config->block_size,
                                         .pool_blocks = config->num_gpu_blocks,
                                         .has_null_block = scheduler_ops_of(config)->has_null_block};
    usage_timeline_init(&accounts->timeline);
}

/* Where the pool's slots are during one tally. Tables count a shared block once each, so its tokens and empty slots must be taken out
 * again: in V1 shared blocks are full; where they are not the tally says how many empty slots were counted too often. */
static void split(const struct memory_accounts *accounts, const struct step_tally *tally, int64_t slots[MEMORY_ACCOUNTS])
{
    const int64_t size = accounts->block_size;
    slots[ACCOUNT_TAIL] = (int64_t)tally->table_blocks * size - (int64_t)tally->held_tokens - (int64_t)tally->shared_empty_slots;
    slots[ACCOUNT_USEFUL] = (int64_t)tally->used_blocks * size - slots[ACCOUNT_TAIL];
    slots[ACCOUNT_CACHED] = (int64_t)tally->cached_blocks * size;
    slots[ACCOUNT_FREE] = (int64_t)(tally->free_blocks - tally->cached_blocks) * size;
    slots[ACCOUNT_NULL] = accounts->has_null_block ? size : 0;
}

static void charge(struct memory_accounts *accounts, const struct step_tally *tally)
{
    int64_t slots[MEMORY_ACCOUNTS], saved = ((int64_t)tally->table_blocks - (int64_t)tally->used_blocks) * accounts->block_size;
    bool waits = tally->waiting + tally->swapped > 0;
    split(accounts, tally, slots);
    for (int span = SPAN_ALL; span <= (waits ? SPAN_WAITING : SPAN_ALL); span++) {
        accounts->time_ns[span] += tally->duration_ns;
        accounts->running[span] += (slot_time)tally->running * tally->duration_ns;
        accounts->saved[span] += (slot_time)saved * tally->duration_ns;
        accounts->table_slots[span] += (slot_time)tally->table_blocks * accounts->block_size * tally->duration_ns;
        for (int account = 0; account < MEMORY_ACCOUNTS; account++)
            accounts->sums[span][account] += (slot_time)slots[account] * tally->duration_ns;
    }
    for (int account = 0; account < MEMORY_ACCOUNTS; account++)
        if (slots[account] > accounts->peak_slots[account])
            accounts->peak_slots[account] = slots[account];
    if (saved > accounts->peak_saved_slots)
        accounts->peak_saved_slots = saved;
    usage_timeline_add(&accounts->timeline, tally->start_ns, tally->duration_ns, slots);
}

static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    (void)diag;
    for (size_t i = 0; i < count; i++)
        charge(self, &tallies[i]);
    return SIM_OK;
}

struct observer memory_accounts_observer(struct memory_accounts *accounts)
{
    return (struct observer){.self = accounts, .tallies = on_tallies};
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
