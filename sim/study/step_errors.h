/* step_errors.h - judges a step-time model by steps that a server took: what it says of each against what was measured, by what was in the
 * batch. No trace is replayed, so no decision can hide an error of the clock or make up for it.
 */
#ifndef PAGESIM_STEP_ERRORS_H
#define PAGESIM_STEP_ERRORS_H

#include "time/step_samples.h"

/* The first is of all steps, the others of those alone that the label describes. */
enum { STEP_CLASSES = 9 };
struct step_class {
    const char *label;
    size_t steps;
    double measured_ms, priced_ms; /* means; these and the next: NaN without steps */
    double median_error;           /* of price / measured - 1, with its sign: is the model too fast or too slow? */
    double median_ape, p90_ape;    /* of its size */
};

/* Fill in all classes. Steps are those of step_samples_read, whose times are above 0. */
SIM_NODISCARD enum status step_errors_make(const struct step_time_model *model, const struct step_sample *samples, size_t count,
                                           struct step_class classes[STEP_CLASSES], struct diag *diag);

#endif
