/* roofline_fit.h - what share of its peaks a GPU reaches, and what a layer costs beside, from steps of known time.
 *
 * Minimizes the mean of a pseudo-Huber function of ln(price / measured) over compute_efficiency, bandwidth_efficiency and layer_us, so that
 * single steps that something held up hardly count. Steps of one model that all decode about as much cannot tell reading its weights from a
 * cost of its layers. So the efficiencies are drawn to what the configuration says, weakly: ten per cent away from it cost as much as an
 * error of 1.4 per cent in every step. A constant that hardly moves the price of any step is not told, and stays as it was.
 */
#ifndef PAGESIM_ROOFLINE_FIT_H
#define PAGESIM_ROOFLINE_FIT_H

#include "time/step_samples.h"

enum roofline_constant { ROOFLINE_COMPUTE, ROOFLINE_BANDWIDTH, ROOFLINE_LAYER, ROOFLINE_CONSTANTS };
/* As in step_time of a configuration. */
extern const char *const roofline_names[ROOFLINE_CONSTANTS];

struct roofline_fit {
    double values[ROOFLINE_CONSTANTS];
    bool told[ROOFLINE_CONSTANTS]; /* by these steps */
    struct fit_error error;
};

/* `config` names model and GPU; its step_time has where to start. SIM_BAD_INPUT: fewer than 20 samples, or as step_time_create. */
SIM_NODISCARD enum status roofline_fit(const struct config *config, const struct step_sample *samples, size_t count,
                                       struct roofline_fit *out, struct diag *diag);

#endif
