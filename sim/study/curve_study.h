/* curve_study.h - hit curves of several block sizes side by side, looked at in chosen pool sizes, with replays next to them if wanted.
 *
 * Curves are made in parallel, then replays are; results stand in slots, so they do not depend on the number of threads.
 */
#ifndef PAGESIM_CURVE_STUDY_H
#define PAGESIM_CURVE_STUDY_H

#include "study/eviction_curves.h"
#include "study/hit_gap.h"

struct curve_plan {
    const uint32_t *block_sizes;
    size_t block_size_count;
    const uint64_t *pools; /* in blocks of each size */
    size_t pool_count;
    const uint64_t *pool_tokens; /* in tokens: floor(tokens / block size) blocks */
    size_t pool_token_count;
    uint64_t own_pool_tokens; /* one more, besides whatever else is looked at; 0: none */
    double warmup_share;      /* of the requests, rounded down to a whole number: they fill the caches and are not counted */
    bool replay;              /* without a warm-up */
    bool evictions;           /* other orders of eviction as well, at the pools that are looked at and some between them */
    /* NULL, or called before each replay, from one thread at a time, with how many have ended; true stops with SIM_INTERRUPTED. */
    bool (*progress)(void *context, uint64_t done, uint64_t total);
    void *progress_context;
};

struct curve_sight {
    struct curve_point point;
    struct hit_gap gap; /* with replays */
};

struct eviction_sight {
    uint64_t pool_blocks;
    struct curve_point of[EVICTIONS];
};

struct curve_of_size {
    uint32_t block_size;
    struct hit_curves curves;   /* without replays only [HITS_PLAIN] is made */
    struct curve_sight *sights; /* pool sizes rise */
    size_t sight_count;
    struct eviction_sight *evictions; /* pool sizes rise; NULL: not asked for */
    size_t eviction_count;
};

struct curve_study {
    struct curve_of_size *sizes; /* in the order of the plan */
    size_t size_count;
    uint64_t prompts, prompt_tokens; /* that are counted */
    uint64_t warmup;                 /* prompts before them */
    bool contents_told;              /* trace_tells_contents */
    bool replayed;
    bool evictions_told; /* for more than the page; curve_study_make leaves it false */
};

/* With no pools in the plan: round numbers of tokens (1, 2, 5, 10, ...) up to where no curve grows any more, and that end. Configuration:
 * trace_block_size, and all that replays need but block size and pool. The caller ends *out with curve_study_free. */
SIM_NODISCARD enum status curve_study_make(const struct trace *trace, const struct config *config, const struct curve_plan *plan,
                                           struct curve_study *out, struct diag *diag);
void curve_study_free(struct curve_study *study);

/* NULL: not asked for, or not at this pool. */
const struct eviction_sight *curve_eviction(const struct curve_of_size *size, uint64_t pool_blocks);

static inline const struct hit_curve *curve_plain(const struct curve_of_size *size)
{
    return &size->curves.rules[HITS_PLAIN];
}

#endif
