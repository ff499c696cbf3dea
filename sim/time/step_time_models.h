/* step_time_models.h - how each model fills a struct step_time_model whose config is set. Internal to time/; a new model is a file with
 * one such function, a row in step_time_models.c and a name in the configuration's table of keys. A model that fails may leave its state to
 * step_time_destroy. */
#ifndef PAGESIM_STEP_TIME_MODELS_H
#define PAGESIM_STEP_TIME_MODELS_H

#include "time/step_time.h"

SIM_NODISCARD enum status step_time_profile_create(struct step_time_model *model, const struct config *config, struct diag *diag);
SIM_NODISCARD enum status step_time_compact_create(struct step_time_model *model, const struct config *config, struct diag *diag);
SIM_NODISCARD enum status step_time_recorded_create(struct step_time_model *model, const struct config *config, struct diag *diag);
SIM_NODISCARD enum status step_time_roofline_create(struct step_time_model *model, const struct config *config, struct diag *diag);

#endif
