/* load_options.h - how loads are made, for commands that search one: the trace's own arrivals sped up, or drawn ones at a rate. */
#ifndef PAGESIM_LOAD_OPTIONS_H
#define PAGESIM_LOAD_OPTIONS_H

#include "command/command.h"
#include "command/generate_options.h"
#include "command/requirements.h"
#include "study/load_run.h"

/* Rows for a command's option table. */
#define LOAD_OPTIONS                                                                                                                       \
    {"arrivals", "KIND",                                                                                                                   \
     "trace: its own bursts, sped up; poisson: drawn at a rate (--burstiness) [trace; of requests that are drawn: poisson]"},              \
        {"rate-tolerance", "P%", "loads are so far apart [1%]"},                                                                           \
        {"generate", "KIND",                                                                                                               \
         "instead of --trace: a kind of `pagesim trace gen` (chat, code, rag, agent, reasoning, uniform, ...), drawn anew for each seed; " \
         "trace-block-size is --block-tokens then, unless given"},                                                                         \
        GENERATE_OPTIONS

struct load_choice {
    bool drawn;
    double tolerance; /* a share */
};

/* What needs no files. SIM_USAGE. */
SIM_NODISCARD enum status load_options_read(const struct options *options, struct load_choice *out, struct diag *diag);

/* Open the input with a load to search: no rate and no ratio may be given. */
SIM_NODISCARD enum status load_input_open(struct call *call, const struct load_choice *choice, struct diag *diag);

/* What is asked of a load, once the input is open. All pointers are borrowed. */
struct load_question load_question_of(const struct call *call, const struct load_choice *choice, const struct requirements *requirements,
                                      const struct figure_wishes *wishes);

#endif
