/* advice.h - what a user should know of a configuration and its requests before they are replayed: settings that have no effect here, and a
 * pool that vLLM would not start with. A replay does what it was told all the same; who wants to be stopped says --strict.
 *
 * A setting is only spoken of if a file or an option gave it (config.given): defaults that have no effect mislead nobody. */
#ifndef PAGESIM_ADVICE_H
#define PAGESIM_ADVICE_H

#include "config/config.h"
#include "trace/trace.h"

enum advice_kind {
    ADVICE_POOL,        /* one request of max_model_len does not fit the pool */
    ADVICE_LENGTH,      /* max_model_len above the model's own */
    ADVICE_POOL_SOURCE, /* num_gpu_blocks, or kv_cache_memory_bytes, next to what would else give the pool's size */
    ADVICE_MODEL,       /* gpu or tensor_parallel_size with nothing that reads them */
    ADVICE_PRIORITY,    /* the priority policy without priorities */
    ADVICE_SCHEDULING,  /* keys of vLLM's scheduler that change no decision here */
    ADVICE_EVICTION,    /* an order of eviction without a cache */
    ADVICE_CONTENTS,    /* trace_block_size without hash ids */
    ADVICE_ARRIVALS,    /* arrival_speedup_ratio or burstiness with no times that they change */
    ADVICE_SEED,        /* nothing is drawn */
    ADVICE_DRAFTS,      /* drafts that are all right, and keys about drafts or layers without any */
    ADVICE_STEP_TIME,   /* keys that the step-time model does not read */
    ADVICE_KINDS
};
#define ADVICE_ALL ((1u << ADVICE_KINDS) - 1)

enum { ADVICE_SIZE = 320 };

/* One sentence a kind, without a full stop; "" where there is nothing to say. */
struct advice {
    char text[ADVICE_KINDS][ADVICE_SIZE];
};

/* `kinds`: bit i for each enum advice_kind that is wanted. config is checked and, if its pool can be sized, sized. */
void advice_collect(const struct config *config, const struct trace *trace, unsigned kinds, struct advice *out);

/* Configurations that are compared: what all are told goes to *all and is cleared in each. */
void advice_split(struct advice *each, size_t count, struct advice *all);

/* Many configurations: what the first run of each kind was told, and how many were. Zero it first, gather all, then count, which adds "(in 3
 * of 8 runs)" where not all were told. */
struct advice_of_runs {
    struct advice first;
    size_t runs[ADVICE_KINDS];
};
void advice_gather(const struct advice *advice, struct advice_of_runs *all);
void advice_count(struct advice_of_runs *all, size_t runs);

#endif
