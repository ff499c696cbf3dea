/* ledger.h - where the KV memory went: every slot of the pool, at every moment, charged to exactly one account.
 *
 *     one block of the pool                     its slots go to
 *     in a table, [tok tok tok  .   . ]         useful (tokens whose KV is present), tail (empty: the rest of last blocks, and in V0 of
 *                                               prompts that got their blocks at once)
 *     free, content can still be found          cached
 *     free                                      free
 *     block 0 of vLLM V1                        null
 *
 * Sums are counts x nanoseconds in 128-bit integers, from the first step to the end, idle gaps included, and identities hold exactly
 * (ledger_check says whether they do):
 *
 *     useful + tail + cached + free + null == pool x block size x time
 *     useful + tail + saved                == slots of all tables, shared blocks once a table
 *
 * `saved` is what sharing spares: no part of the pool, but what more of it would be needed without. Tail is internal fragmentation.
 *
 * Each sum is known over the whole run and over the time in which a request waits (for admission, or on the CPU): only then is a free slot
 * a slot that somebody could use. The ledger adds each run of steps to one of two sets of sums, by whether anybody waits; the whole run is
 * both together, added when somebody asks. So the second span costs a replay nothing.
 *
 * What other allocators would have held at the same moments, for the requests that hold blocks: the maximum length, the next power of two of
 * prompt + output, or exactly prompt + output.
 *
 * Source: PagedAttention (SOSP'23), figure 2, whose kinds of waste these are.
 */
#ifndef PAGESIM_LEDGER_H
#define PAGESIM_LEDGER_H

#include <stdbool.h>

#include "config/kv_groups.h"
#include "engine/observer.h"
#include "observe/usage_timeline.h"
#include "trace/trace.h"

typedef step_sum ledger_sum;

enum ledger_account { ACCOUNT_USEFUL, ACCOUNT_TAIL, ACCOUNT_CACHED, ACCOUNT_FREE, ACCOUNT_NULL, LEDGER_ACCOUNTS };
enum ledger_span { SPAN_ALL, SPAN_WAITING, LEDGER_SPANS };

extern const char *const ledger_account_names[LEDGER_ACCOUNTS]; /* for programs: useful, tail_waste, cached_idle, free, null */

/* Sums over a span of time. Blocks, but for tokens, empty slots and requests. */
struct ledger_sums {
    uint64_t time_ns;
    ledger_sum used, cached, free_uncached, held_tokens, table_blocks, table_runs, running, waiting;
    ledger_sum shared_empty_slots; /* V0: empty slots that tables count more than once */
};

/* The most of something at one moment. */
struct ledger_peaks {
    uint64_t used_blocks, cached_blocks, held_tokens, empty_slots, saved_blocks;
};

/* What the accounts were at each moment, for who asks. Most replays only need sums, and would pay for this with every run of steps. */
struct ledger_history {
    struct usage_timeline timeline; /* series are accounts */
    uint64_t peak_slots[LEDGER_ACCOUNTS];
};

struct ledger {
    const struct trace *trace;
    uint32_t block_size; /* slots of a block (kv_groups.h) */
    uint32_t max_model_len;
    uint64_t token_slots; /* of a token in all groups of layers */
    uint64_t pool_blocks; /* null block included */
    bool has_null_block;
    bool contiguity;                  /* table_runs is wanted (config.contiguity) */
    struct ledger_sums by_waiting[2]; /* while nobody waits; while somebody does */
    struct ledger_peaks peaks;
    ledger_sum reserved[3]; /* slots: maximum length, power of two, exact length */
    uint64_t reserved_now[3];
    uint64_t peak_reserved[3];
    int64_t reserved_since_ns;
    struct ledger_history *history; /* NULL: not wanted; ledger_keep_history */
};

void ledger_init(struct ledger *ledger, const struct trace *trace, const struct config *config);
struct observer ledger_observer(struct ledger *ledger);
/* After the replays of several servers, each with a ledger of its own: add one to a ledger that nothing else was added to. Times add up, so that
 * means are those of a server; peaks are the highest of any. */
void ledger_merge(struct ledger *ledger, const struct ledger *part);
/* Before the replay: write down there how the accounts go. `history` must live as long as the ledger. */
void ledger_keep_history(struct ledger *ledger, struct ledger_history *history);

/* The sums over the whole run, or over the time in which a request waits. */
struct ledger_sums ledger_span_sums(const struct ledger *ledger, enum ledger_span span);

/* What each account had, in slots x nanoseconds. */
void ledger_split(const struct ledger *ledger, const struct ledger_sums *sums, slot_time accounts[LEDGER_ACCOUNTS]);
slot_time ledger_saved(const struct ledger *ledger, const struct ledger_sums *sums);

/* Do the identities hold? */
bool ledger_check(const struct ledger *ledger);

/* sum / time: the time-weighted mean; 0 when no time has passed. */
double ledger_mean(const struct ledger_sums *sums, ledger_sum sum);
/* The mean of slots x nanoseconds, in blocks. */
double ledger_mean_blocks(const struct ledger *ledger, const struct ledger_sums *sums, slot_time slots);
/* a / b as a share; 0 when b is 0. */
double ledger_share(ledger_sum a, ledger_sum b);

#endif
