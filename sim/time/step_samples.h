/* step_samples.h - steps of known time: those that a server took, or those that a step-time model prices. Constants are fitted to them and
 * models are judged by them.
 */
#ifndef PAGESIM_STEP_SAMPLES_H
#define PAGESIM_STEP_SAMPLES_H

#include "time/step_time.h"

struct step_sample {
    struct step_shape shape;
    double us;
};

/* Steps that a server of this configuration can hold, priced by `model`: decodes whose contexts fit the pool, chunks within the budget. The
 * caller frees *out. */
SIM_NODISCARD enum status step_samples_of_model(const struct step_time_model *model, const struct config *config, struct step_sample **out,
                                                size_t *count, struct diag *diag);
/* Steps of a CSV as `replay --step-log` writes it. Errors name file and line. The caller frees *out. */
SIM_NODISCARD enum status step_samples_read(const char *path, struct step_sample **out, size_t *count, struct diag *diag);

/* Every fifth sample judges a fit and takes no part in it. */
bool step_sample_held_out(size_t sample);

/* Relative errors on steps that the fit did not see. */
struct fit_error {
    size_t fitted, held_out;
    double mean, median, p95, max;
};

/* What a fitted formula says, in microseconds. */
typedef double step_sample_price(const void *self, const struct step_shape *shape);
/* At least five samples. */
SIM_NODISCARD enum status step_samples_judge(const struct step_sample *samples, size_t count, step_sample_price *price, const void *self,
                                             struct fit_error *error, struct diag *diag);

#endif
