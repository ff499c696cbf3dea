/* measured_folder.h - a folder with what was measured of a run, as the options that it stands for. */
#ifndef PAGESIM_MEASURED_FOLDER_H
#define PAGESIM_MEASURED_FOLDER_H

#include "command/options.h"
#include "study/measured_run.h"

enum { FOLDER_PARTS = 5 };
/* The files of a folder; options borrow their names. */
struct measured_folder {
    char paths[FOLDER_PARTS][CONFIG_PATH_SIZE];
};

/* Adds the options that FOLDER stands for, unless they are given, to the first `own_count` that the user typed. SIM_USAGE: the name is too
 * long. */
SIM_NODISCARD enum status measured_folder_expand(struct measured_folder *folder, const char *name, uint32_t own_count,
                                                 struct options *options, struct diag *diag);

/* --vllm-json, or else --measured-requests and --measured-timeline. SIM_USAGE: neither is given. SIM_BAD_INPUT also if none of what was
 * measured is in the trace. The caller ends it with measured_run_close. */
SIM_NODISCARD enum status measured_options_open(const struct options *options, const struct trace *trace, struct measured_run *out,
                                                struct diag *diag);

#endif
