/* step_time.h - how long a step takes: a step in, nanoseconds out. One small interface, one file a model.
 *
 * A model sees sums over the step, never a scheduler. Prepared once (tables, lookups), priced millions of times. Same shape in, same
 * nanoseconds out, on any machine and at any number of threads (models round once, at the end, half to even).
 */
#ifndef PAGESIM_STEP_TIME_H
#define PAGESIM_STEP_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "config/config.h"
#include "time/step_shape.h"

/* The last moment that the clock can show, 292 years: int64 nanoseconds, of which the largest means "never". */
#define CLOCK_LAST_NS (INT64_MAX - 1)

struct step_time_model {
    const char *name;
    const char *settings; /* the keys that its prices come from, for messages; NULL: linear, whose parts are looked at */
    bool wants_extremes;
    bool is_linear;                      /* a fast replay may call step_time_linear itself, and know how prices grow */
    uint32_t draft_passes, draft_tokens; /* of each request that gets a token; 0: nothing is drafted */
    struct step_time_config config;
    int64_t (*price)(const struct step_time_model *model, const struct step_shape *shape);
    void *state;                  /* the model's own, or NULL */
    void (*release)(void *state); /* frees what the state points to; NULL: nothing */
};

/* The linear model's price, without swaps and copies. Does not look for overflow: step_time_linear_most says whether it must be looked
 * for, and step_time_price does. */
static inline int64_t step_time_linear(const struct step_time_config *config, uint64_t scheduled_tokens, uint64_t context_tokens)
{
    return config->base_ns + config->token_ns * (int64_t)scheduled_tokens + config->kv_ns * (int64_t)context_tokens;
}

/* As in configurations: "linear". */
const char *step_time_name(enum step_time_kind kind);

/* Where the model's file or folder is, in CONFIG_PATH_SIZE bytes: step_time.path, or its folder tpN for a tensor parallel size of N if the
 * tables of a profile are there, as in LLMServingSim's layout GPU/MODEL/DTYPE/tpN. */
void step_time_path(const struct config *config, char *out);

/* Load what config->step_time names. The caller owns *out. */
SIM_NODISCARD enum status step_time_create(const struct config *config, struct step_time_model **out, struct diag *diag);
void step_time_destroy(struct step_time_model *model);

/* No price of the linear model is above this for steps of so many tokens and so much context, in whatever width: for a stretch of steps,
 * which asks once. */
static inline double step_time_linear_most(const struct step_time_config *config, uint64_t scheduled_tokens, uint64_t context_tokens)
{
    return (double)config->base_ns + (double)config->token_ns * (double)scheduled_tokens + (double)config->kv_ns * (double)context_tokens;
}

/* Price a step, costs of swaps, copies and the drafter included. INT64_MAX: more than the clock can count, which step_time_fits refuses. */
int64_t step_time_price(const struct step_time_model *model, const struct step_shape *shape);

/* No step of a model costs less in which anything is computed; 0: not known, as prices of tables need not grow with what is computed. */
int64_t step_time_least(const struct step_time_model *model);

/* What a step of so many sequences costs the host, which decides and prepares it; at most INT64_MAX. Not part of the price: it can pass
 * while the step before runs. */
static inline int64_t step_time_host(const struct step_time_model *model, uint32_t sequences)
{
    int64_t part, sum;
    if (__builtin_mul_overflow(model->config.host_ns_per_sequence, (int64_t)sequences, &part) ||
        __builtin_add_overflow(model->config.host_ns, part, &sum))
        return INT64_MAX;
    return sum;
}

/* Does a step that starts at start_ns >= 0 and takes duration_ns end while the clock still counts? Whoever moves a clock asks. */
static inline bool step_time_fits(int64_t start_ns, int64_t duration_ns)
{
    return duration_ns <= CLOCK_LAST_NS - start_ns;
}
/* It does not: SIM_BAD_INPUT with the step, when it starts, and the setting that most of its price comes from. */
enum status step_time_refuse(const struct step_time_model *model, const struct step_shape *shape, int64_t start_ns, struct diag *diag);

#endif
