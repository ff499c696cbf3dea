/* prefix_misses.h - why prompt tokens were computed that could have come from the cache: every miss in exactly one class.
 *
 * At an admission K tokens are known and the first C of them are served from the cache. The K - C others fall into classes (B = block size,
 * L = the longest prefix that anybody computed before or is computing now;
 * with several groups of layers B is what their block sizes have in common, as hits end where all groups can):
 *
 *     0          C                  H              floor(L/B)*B     L                    K
 *     |  cached  |  evicted,        |  last token  | granularity    |  compulsory        |      H = min(floor(L/B), floor((K-1)/B)) * B
 *                   window,
 *                   in flight
 *
 *   compulsory    nobody computed this content before
 *   granularity   shared with earlier content, but in a block whose end is not: only whole blocks are found. A drafting head wants the token after
 *                 a block, too, or gives up the last block of a match
 *   last token    the whole prompt is there, and one token must be computed to get an output: its block is computed anew
 *   in flight     a request that runs has claimed the content and not computed it yet
 *   window        a sliding window does not keep it (prefix_cache_retention_interval), though full layers might
 *   capacity      was in the cache and was evicted
 *   preemption    the same, and the last request to give this content up did so because it was preempted
 *   caching off   computed before, and nobody keeps anything
 *
 * First admissions and readmissions have sums of their own; each adds up exactly: prompt (known) tokens == cached + all classes. At a
 * readmission the request has lost what it computed before the preemption (`evicted`, or `partial`: the unfilled last block, which is never
 * found again); the rest was not computed yet (`unfinished`).
 *
 * What a window keeps is followed without evictions: the ends of prompts, what was found to be shared when it was looked for (a junction, as far as
 * the trie tells it), multiples of the interval, and all of the start as far as one end's window reaches. What a hit could have had of that and
 * did not is capacity. Readmissions tell no windows apart: what a window did not keep counts as evicted there.
 *
 * V0 computes every prompt token again, whether it hit or not; there "cached" is what it reports as cached.
 *
 * Which content is the same is said by engine/prompt_contents.h. It is kept in a trie of stretches of texts that is independent of the
 * scheduler's index, so that it can check that index. Needs events only, so fast replays feed it. A stretch of the trie (a trace block, a
 * prompt's own tokens, an answer) remembers how far it was computed.
 */
#ifndef PAGESIM_PREFIX_MISSES_H
#define PAGESIM_PREFIX_MISSES_H

#include "config/kv_groups.h"
#include "engine/observer.h"
#include "pagedkv.h"
#include "trace/trace.h"

enum miss_class {
    MISS_COMPULSORY,
    MISS_GRANULARITY,
    MISS_LAST_TOKEN,
    MISS_IN_FLIGHT,
    MISS_WINDOW,
    MISS_CAPACITY,
    MISS_PREEMPTION,
    MISS_CACHING_OFF,
    MISS_CLASSES
};
extern const char *const miss_class_names[MISS_CLASSES]; /* for programs */

struct readmission_sums {
    uint64_t count, known_tokens, cached_tokens, evicted, partial, unfinished;
};

/* A stretch of the trie: content of one name that follows its parent's. */
struct content_block {
    uint32_t computed;           /* leading tokens that somebody computed */
    uint32_t lost_from, lost_to; /* tokens last given up by a preemption */
    uint32_t whole_start;        /* leading tokens that windows keep together with all before them */
    uint32_t ends;               /* of prefixes that windows keep: index + 1 into prefix_misses.ends, the newest; 0: none */
};

/* A place in a stretch up to which a window keeps what it needs. */
struct kept_end {
    uint32_t offset, next; /* next: as content_block.ends */
};

/* What sliding windows keep in the prefix cache; interval < 0: everything, as without windows. */
struct window_rules {
    int64_t interval;
    bool any;             /* something is kept: a window of one token keeps nothing */
    bool junctions;       /* full or chunked layers can have more than windows, which is noticed */
    uint32_t whole_start; /* an end up to here comes with all before it */
};

struct prefix_misses {
    const struct trace *trace;
    uint32_t block_size, trace_block_size; /* block_size: hits are multiples of it */
    uint32_t ahead, dropped;               /* speculation: tokens after a block that must be the same; tokens of a match given up */
    struct window_rules windows;
    struct kept_end *ends;
    size_t end_count, end_capacity;
    uint32_t *junctions;   /* by position: tokens that its last lookup found in some layers and not in all; NULL: no windows */
    bool caching, answers; /* answers: what the engine finds of them (prompt_text_tokens) */
    uint64_t admissions, prompt_tokens, cached_tokens;
    uint64_t tokens[MISS_CLASSES];        /* first admissions */
    uint32_t (*of_request)[MISS_CLASSES]; /* by position: its first admission */
    struct readmission_sums again;
    struct kv_contents *contents; /* numbers the trie's blocks from 1 on */
    struct content_block *nodes;  /* by number */
    size_t node_capacity;
    uint64_t last_node;
    uint64_t *chain; /* scratch: nodes of a prompt */
    size_t chain_capacity;
    uint32_t *in_flight, in_flight_count; /* positions: admitted, no token since */
    uint32_t *in_flight_at;               /* by position: index + 1; 0: not in flight */
    uint32_t *lost_tokens;                /* by position: computed tokens that its last preemption took */
    uint64_t preemptions;
};

/* `trace` as replayed (samples expanded where the engine does). End it with prefix_misses_deinit in any case. */
SIM_NODISCARD enum status prefix_misses_init(struct prefix_misses *misses, const struct trace *trace, const struct config *config,
                                             struct diag *diag);
void prefix_misses_deinit(struct prefix_misses *misses);
struct observer prefix_misses_observer(struct prefix_misses *misses);

/* A request with misses that are not compulsory, and the tokens of these. */
struct misser {
    uint32_t position;
    uint64_t tokens;
};

/* All of them, those with most tokens first (ties: in order of arrival). The caller frees *out. */
SIM_NODISCARD enum status prefix_misses_rank(const struct prefix_misses *misses, struct misser **out, size_t *count, struct diag *diag);

/* Do both sums add up? */
bool prefix_misses_check(const struct prefix_misses *misses);

#endif
