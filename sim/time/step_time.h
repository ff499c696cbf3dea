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

struct step_time_model {
    const char *name;
    bool wants_extremes;
    bool is_linear; /* a fast replay may call step_time_linear itself, and know how prices grow */
    struct step_time_config config;
    int64_t (*price)(const struct step_time_model *model, const struct step_shape *shape);
    void *state;                  /* the model's own, or NULL */
    void (*release)(void *state); /* frees what the state points to; NULL: nothing */
};

/* The linear model's price, without swaps and copies. */
static inline int64_t step_time_linear(const struct step_time_config *config, uint64_t scheduled_tokens, uint64_t context_tokens)
{
    return config->base_ns + config->token_ns * (int64_t)scheduled_tokens + config->kv_ns * (int64_t)context_tokens;
}

/* As in configurations: "linear". */
const char *step_time_name(enum step_time_kind kind);

/* Load what config->step_time names. The caller owns *out. */
SIM_NODISCARD enum status step_time_create(const struct config *config, struct step_time_model **out, struct diag *diag);
void step_time_destroy(struct step_time_model *model);

/* Price a step, costs of swaps and copies included. */
int64_t step_time_price(const struct step_time_model *model, const struct step_shape *shape);

#endif
