/* generate_options.h - the options that describe a generated workload, for `trace gen` and for commands that replay one without a file. */
#ifndef PAGESIM_GENERATE_OPTIONS_H
#define PAGESIM_GENERATE_OPTIONS_H

#include "command/options.h"
#include "generate/generate_spec.h"

/* Rows for a command's option table. */
#define GENERATE_OPTIONS                                                                                                                   \
    {"requests", "N", "how many [of the kind]"}, {"arrival", "PROCESS", "when they come, as in gamma:rate=4,cv=2 [of the kind]"},          \
        {"input-tokens", "DIST", "prompt tokens of a request's own, as in lognormal:median=1020,sigma=1,max=8192 [of the kind]"},          \
        {"output-tokens", "DIST", "output tokens [of the kind]"},                                                                          \
        {"sharing", "STRUCTURE", "what prompts have in common, as in sessions:prompts=3,tokens=768 [of the kind]"},                        \
        {"turns", "DIST", "requests of a session [of the kind]"},                                                                          \
        {"think", "DIST", "seconds from one turn to the next, as in exponential:mean=30 [of the kind]"},                                   \
        {"later-turns", "HOW", "timestamp: turns have their time; delay: they wait for the answer before, and then think [timestamp]"},    \
        {"samples", "DIST", "n, as in choice:1=0.9,4=0.1 [fixed:1]"}, {"priorities", "DIST", "one a session [fixed:0]"},                   \
        {"stop-share", "SHARE", "requests whose rows say that a stop token ends them, the others saying length [no row says]"},            \
        {"class", "PARTS",                                                                                                                 \
         "a share of the sessions with parts of its own, as in 'share=0.2 priorities=fixed:5 input-tokens=fixed:4096'; may be repeated",   \
         OPTION_AGAIN},                                                                                                                    \
        {"block-tokens", "N", "tokens that one hash id names [16]"},                                                                       \
        {"mean-gap-us", "US", "another rate: the mean time between arrivals; 0: all at once [of the kind]"},                               \
        {"input-range", "A:B", "short for --input-tokens uniform:min=A,max=B"},                                                            \
    {                                                                                                                                      \
        "output-range", "A:B", "short for --output-tokens uniform:min=A,max=B"                                                             \
    }

/* The workload `kind` (NULL: one of its own, for which lengths must be given) with the options applied. The seed stays 0. SIM_USAGE: no such
 * kind, or a bad value. End it with generate_spec_deinit, also after a failure. */
SIM_NODISCARD enum status generate_options_read(const struct options *options, const char *kind, struct generate_spec *out,
                                                struct diag *diag);

/* Kinds with their parts, and the names that parts can have, as a help page lists them. */
void generate_options_help(FILE *file);

#endif
