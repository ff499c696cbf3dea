/* tune_fold.h - which configurations decide the same under a load, as one replay shows: then one verdict is that of all.
 *
 * Facts of vLLM V1's scheduler, each held to replays by the test of this file:
 *
 *     seats      max_num_seqs is only asked whether as many run. If a replay never had so many, neither had one with any other number above
 *                what ran at most.
 *     budget     with chunked prefill a step's tokens only matter when they run out, and then the step has just so many. If none had, any
 *                budget above the fullest step gives the same steps.
 *     blocks     pool, memory share and watermark are only asked whether so many blocks are free. If at the fullest moment the longest
 *                request and the watermark still had room, nothing was ever refused, and neither in any pool and with any watermark of which that
 *                is true. Not where prompts share contents, as then what was evicted matters.
 *     threshold  a long-prefill threshold no smaller than the budget or the longest request cuts nothing: it is none.
 *
 * V0 folds nothing.
 */
#ifndef PAGESIM_TUNE_FOLD_H
#define PAGESIM_TUNE_FOLD_H

#include "config/config.h"
#include "observe/binding_limits.h"
#include "trace/trace.h"

/* A configuration as far as folding looks at it. */
struct tune_facts {
    uint64_t rest; /* fingerprint of all that does not fold */
    uint32_t seats, budget;
    uint64_t free_blocks;    /* of an empty pool */
    uint64_t reserve_blocks; /* of the longest request, and the watermark's */
};

/* What folding must know of the requests, found once. */
struct tune_requests {
    uint64_t longest;   /* prompt and output together */
    bool stops, unsaid; /* are there rows that end by a stop token; that do not say? */
    bool share;         /* can a prompt find what another one left? */
};
struct tune_requests tune_requests_of(const struct trace *trace);

/* `of_pool`: something that is asked speaks of the pool itself, so that pools never fold. */
SIM_NODISCARD enum status tune_facts_of(const struct config *config, const struct tune_requests *requests, bool of_pool,
                                        struct tune_facts *out, struct diag *diag);

/* `seen`: what a replay of `a` showed. Does `b` decide the same under the same load? */
bool tune_folds(const struct tune_facts *a, const struct binding_limits *seen, const struct tune_facts *b);

#endif
