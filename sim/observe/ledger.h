/* ledger.h - where the KV memory went: time-weighted sums over blocks and slots, exact in integers.
 *
 * Every sum is (count x nanoseconds) in 128 bits, over all time from the first step to the end, idle gaps included. A block is at any
 * moment in exactly one account:
 *
 *     pool = null + free + cached idle + used                                  (blocks)
 *     used x block size + saved by sharing x block size = held tokens + empty slots   (slots, over all tables)
 *
 * so the sums add up to pool x time; ledger_check says whether they do. Empty slots are internal fragmentation: allocated, not (yet)
 * filled. What other allocators would have held at the same moments, for the requests that hold blocks: the maximum length, the next
 * power of two of prompt + output, or exactly prompt + output. Source: PagedAttention (SOSP'23), figure 2.
 */
#ifndef PAGESIM_LEDGER_H
#define PAGESIM_LEDGER_H

#include <stdbool.h>

#include "config/config.h"
#include "engine/observer.h"
#include "trace/trace.h"

typedef step_sum ledger_sum;

struct ledger {
    const struct trace *trace;
    uint32_t block_size, max_model_len;
    uint64_t pool_blocks; /* null block included */
    bool has_null_block;
    bool contiguity;  /* table_runs is wanted (config.contiguity) */
    uint64_t time_ns; /* all time seen */
    ledger_sum used, cached, free_uncached, held_tokens, table_blocks, table_runs, running, waiting;
    ledger_sum reserved[3]; /* slots: maximum length, power of two, exact length */
    uint64_t reserved_now[3];
    uint64_t peak_reserved[3];
    int64_t reserved_since_ns;
    uint32_t peak_used, peak_cached;
    uint64_t peak_held_tokens, peak_empty_slots, peak_saved_blocks;
};

void ledger_init(struct ledger *ledger, const struct trace *trace, const struct config *config);
struct observer ledger_observer(struct ledger *ledger);

/* Do the accounts add up to pool x time? */
bool ledger_check(const struct ledger *ledger);

/* sum / time: the time-weighted mean; 0 when no time has passed. */
double ledger_mean(const struct ledger *ledger, ledger_sum sum);
/* a / b as a share; 0 when b is 0. */
double ledger_share(ledger_sum a, ledger_sum b);

#endif
