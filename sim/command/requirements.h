/* requirements.h - the --require options of a command: all are read before the work and judged after it. */
#ifndef PAGESIM_REQUIREMENTS_H
#define PAGESIM_REQUIREMENTS_H

#include "command/options.h"
#include "figure/requirement.h"

/* SIM_USAGE: one of them cannot be understood. */
SIM_NODISCARD enum status requirements_parse(const struct options *options, struct diag *diag);
/* The same, and keep them: at most `most` in out, which borrows their texts from the options. */
SIM_NODISCARD enum status requirements_read(const struct options *options, struct requirement *out, size_t most, size_t *count,
                                            struct diag *diag);
/* SIM_REQUIREMENT names all that are not met, with what the figure is instead; SIM_USAGE as requirement_check. */
SIM_NODISCARD enum status requirements_check(const struct options *options, const struct figure *figures, size_t count, struct diag *diag);

#endif
