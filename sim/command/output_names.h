/* output_names.h - no file is written twice, or written and read: one would overwrite the other without a word. */
#ifndef PAGESIM_OUTPUT_NAMES_H
#define PAGESIM_OUTPUT_NAMES_H

#include "command/options.h"

/* SIM_USAGE when two outputs of the command line are one file or both standard output, or when an output is a file that the command reads,
 * in any spelling and through links. `result`: what --save-result comes to, NULL while that is not known. `config`: names further files
 * that are read; NULL: not known yet. */
SIM_NODISCARD enum status output_names_check(const struct options *options, const char *result, const struct config *config,
                                             struct diag *diag);

#endif
