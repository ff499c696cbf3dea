/* memory_accounts.h - the memory ledger: every slot of the pool, at every moment, charged to exactly one account.
 *
 *     one block of the pool                     its slots go to
 *     in a table, [tok tok tok  .   . ]         useful (tokens whose KV is present), tail (empty: the rest of last blocks, and in V0 of
 *                                               prompts that got their blocks at once)
 *     free, content can still be found          cached
 *     free                                      free
 *     block 0 of vLLM V1                        null
 *
 * Sums are slots x nanoseconds in 128-bit integers, and identities hold exactly (memory_accounts_check):
 *     useful + tail + cached + free + null == pool x block size x time
 *     useful + tail + saved                == slots of all tables, shared blocks once a table
 * So `saved` is what sharing spares: no part of the pool, but what more of it would be needed without.
 *
 * Each sum is kept twice: over the whole run, and over the time in which a request waits (for admission, or on the CPU). Only in the
 * latter is a free slot a slot that somebody could use. Needs runs of steps only, so fast replays feed it. Time before the first step is not
 * part of a run.
 *
 * Source: PagedAttention (SOSP'23), figure 2, whose kinds of waste these are.
 */
#ifndef PAGESIM_MEMORY_ACCOUNTS_H
#define PAGESIM_MEMORY_ACCOUNTS_H

#include "config/config.h"
#include "engine/observer.h"
#include "observe/usage_timeline.h"

enum memory_account { ACCOUNT_USEFUL, ACCOUNT_TAIL, ACCOUNT_CACHED, ACCOUNT_FREE, ACCOUNT_NULL, MEMORY_ACCOUNTS };
enum memory_span { SPAN_ALL, SPAN_WAITING, MEMORY_SPANS };

extern const char *const memory_account_names[MEMORY_ACCOUNTS]; /* for programs: useful, tail_waste, cached_idle, free, null */

struct memory_accounts {
    uint32_t block_size;
    uint64_t pool_blocks; /* null block included */
    bool has_null_block;
    int64_t time_ns[MEMORY_SPANS];
    slot_time sums[MEMORY_SPANS][MEMORY_ACCOUNTS];
    slot_time saved[MEMORY_SPANS], table_slots[MEMORY_SPANS];
    slot_time running[MEMORY_SPANS]; /* requests x nanoseconds */
    int64_t peak_slots[MEMORY_ACCOUNTS], peak_saved_slots;
    struct usage_timeline timeline; /* series are accounts */
};

void memory_accounts_init(struct memory_accounts *accounts, const struct config *config);
struct observer memory_accounts_observer(struct memory_accounts *accounts);

/* Do the identities hold? */
bool memory_accounts_check(const struct memory_accounts *accounts);

/* Mean over a span of time in blocks; 0 when it is empty. */
double memory_accounts_mean_blocks(const struct memory_accounts *accounts, enum memory_span span, slot_time sum);
/* Share of the pool over a span; 0 when it is empty. */
double memory_accounts_share(const struct memory_accounts *accounts, enum memory_span span, slot_time sum);

#endif
