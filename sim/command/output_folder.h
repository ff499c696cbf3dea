/* output_folder.h - folders that a command writes files into. */
#ifndef PAGESIM_OUTPUT_FOLDER_H
#define PAGESIM_OUTPUT_FOLDER_H

#include "base/diag.h"

/* Before any work: can `path`, the value of --option, be written, or made inside a folder that is there? A file in it is of each `what` ("chart").
 * SIM_USAGE: it is no name of a folder. SIM_FAILED: it cannot. */
SIM_NODISCARD enum status output_folder_check(const char *option, const char *path, const char *what, struct diag *diag);
/* Make it, unless it is there. */
SIM_NODISCARD enum status output_folder_make(const char *path, struct diag *diag);

#endif
