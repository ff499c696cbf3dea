/* generate_options.h - the options that describe a generated workload, for `trace gen` and for commands that replay one without a file. */
#ifndef PAGESIM_GENERATE_OPTIONS_H
#define PAGESIM_GENERATE_OPTIONS_H

#include "command/options.h"
#include "trace/trace_generate.h"

/* Rows for a command's option table. */
#define GENERATE_OPTIONS                                                                                                                   \
    {"requests", "N", "how many [of the kind]"}, {"mean-gap-us", "US", "mean time between arrivals; 0: all at once [of the kind]"},        \
        {"input-range", "A:B", "uniform: prompt tokens [1:1024]"},                                                                         \
    {                                                                                                                                      \
        "output-range", "A:B", "uniform: output tokens [1:256]"                                                                            \
    }

/* The workload `kind` with the given options applied. The seed stays the kind's. SIM_USAGE: no such kind, or a bad value. */
SIM_NODISCARD enum status generate_options_read(const struct options *options, const char *kind, struct generated_spec *out,
                                                struct diag *diag);

#endif
