/* fit_roofline.h - the ways of `pagesim fit` that find the roofline's constants: from recorded steps, and from several measured runs at once.
 */
#ifndef PAGESIM_FIT_ROOFLINE_H
#define PAGESIM_FIT_ROOFLINE_H

#include "command/options.h"

/* Was the roofline named as the step-time model? */
SIM_NODISCARD enum status fit_roofline_is_asked(const struct options *options, bool *asked, struct diag *diag);

/* From --steps: writes a configuration to --output and says on standard error how good it is. */
SIM_NODISCARD enum status fit_roofline_steps(const struct options *options, struct diag *diag);

/* Measured runs that were named as FOLDERs. */
struct folder_run;
struct roofline_folders {
    struct folder_run *runs;
    size_t count;
    uint32_t own_count; /* options that were typed */
};
/* A folder is no trace: taken out of the arguments. */
SIM_NODISCARD enum status roofline_folders_read(struct roofline_folders *folders, struct options *options, struct diag *diag);
SIM_NODISCARD enum status fit_roofline_folders(struct roofline_folders *folders, struct options *options, struct diag *diag);
void roofline_folders_close(struct roofline_folders *folders);

#endif
