/* size_pools.h - which pool sizes of one configuration meet requirements: size_search.h over replays.
 *
 * A pool passes when its replay ends, completes as many requests as the largest pool does (a small pool turns away what can never fit, and
 * would look fast), and meets every requirement. From some size on nothing ever waits for a block and no cached block is evicted; all
 * larger pools then decide alike, so that what holds there holds however large the pool.
 */
#ifndef PAGESIM_SIZE_POOLS_H
#define PAGESIM_SIZE_POOLS_H

#include <stdatomic.h>

#include "base/progress.h"
#include "config/config.h"
#include "figure/figure.h"
#include "figure/requirement.h"
#include "study/size_search.h"
#include "trace/trace.h"

struct size_question {
    const struct trace *trace;
    struct config config; /* its num_gpu_blocks is not looked at */
    const struct requirement *requirements;
    size_t requirement_count;
    const struct figure_wishes *wishes; /* percentiles that requirements speak of; NULL: none */
    uint32_t max_blocks;                /* 0: not given */
    uint32_t prove;                     /* most pools to replay one by one for the proof */
    uint32_t below;                     /* pools to look at under the largest failing one */
    uint32_t threads;
    bool reference, quiet;
    const atomic_int *stop; /* NULL, or not 0 once the user has had enough */
};

/* One pool's replay in full. */
enum { SIZE_WHY = 512 };

struct size_figures {
    uint32_t pool;
    struct figure_set figures;
    char why[SIZE_WHY]; /* why it does not pass; "" = it does */
};

struct size_answer {
    struct size_found found;
    bool without_bound;                      /* what holds at the bound does in every larger pool, too */
    struct size_figures met, failing, bound; /* of the answer, the pool below it, and the bound; pool 0: there is none */
};

/* SIM_USAGE: a requirement speaks of the pool itself and no max_blocks is given. SIM_INTERRUPTED. The answer may be "none":
 * found.answer 0. End it with size_answer_deinit in any case. */
SIM_NODISCARD enum status size_pools(const struct size_question *question, struct size_answer *out, struct diag *diag);
void size_answer_deinit(struct size_answer *answer);

/* A pool in which nothing ever waits for a block and nothing cached is evicted: every request has its own blocks to the end. 0: more than a
 * pool can have. */
uint32_t size_ample_pool(const struct trace *trace, const struct config *config);

/* How many pools are worth a replay each when nobody says it: seconds, that is 20,000, or fewer where they replay more than ten million
 * requests together. */
uint32_t size_usual_prove(const struct trace *trace);

/* Does a figure depend on the pool's size even when all decisions are the same? */
bool size_figure_depends_on_pool(const char *name);

#endif
