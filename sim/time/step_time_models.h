/* step_time_models.h - what a step-time model is made of. Internal to time/.
 *
 * A new model is a file with one struct step_time_pricing, a row in step_time_models.c, and a name in the configuration's table of keys,
 * whose rows also say which keys the model reads.
 */
#ifndef PAGESIM_STEP_TIME_MODELS_H
#define PAGESIM_STEP_TIME_MODELS_H

#include <math.h>

#include "time/step_time.h"

struct step_time_pricing {
    const char *name;
    const char *settings; /* as in struct step_time_model */
    size_t state_bytes;   /* of model->state, zeroed before `prepare`; 0: there is none */
    /* Fill in the state (and model->wants_extremes) from the configuration; `release` is called after a failure, too. NULL: no need. */
    enum status (*prepare)(struct step_time_model *model, const struct config *config, struct diag *diag);
    int64_t (*price)(const struct step_time_model *model, const struct step_shape *shape);
    /* Free what the state points to, not the state itself. NULL: it points to nothing. */
    void (*release)(void *state);
    bool is_linear;
};

/* A model's price in ns, rounded half to even; INT64_MAX when it is no number that the clock could count. Where measured times fall, a line
 * through the last two goes below nothing some way on; a step takes no less than that. */
static inline int64_t step_time_rounded(double ns)
{
    return ns <= 0 ? 0 : ns < 0x1p63 ? (int64_t)rint(ns) : INT64_MAX;
}

extern const struct step_time_pricing step_time_profile;
extern const struct step_time_pricing step_time_compact;
extern const struct step_time_pricing step_time_recorded;
extern const struct step_time_pricing step_time_roofline;

#endif
