/* options.h - command lines: a command's own options, and one option for each key of the configuration.
 *
 * --name value and --name=value; "-" is a value; "--" ends the options. The error about an unknown option gives the nearest known one.
 */
#ifndef PAGESIM_OPTIONS_H
#define PAGESIM_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/diag.h"
#include "config/config.h"

struct option_spec {
    const char *name;    /* without dashes */
    const char *metavar; /* NULL: a switch */
    const char *help;    /* one line */
    enum option_values {
        OPTION_ONE,      /* one value, if there is a metavar */
        OPTION_OPTIONAL, /* a value, unless another option follows; then it is NULL */
        OPTION_MANY,     /* every argument up to the next option is a value, as if the option had been repeated */
    } values;
    /* NULL, or the i-th name that a value can be, with what it means; NULL after the last. Other values are refused; --help lists them. */
    const char *(*name_at)(uint32_t i, const char **meaning);
};

/* The options of a command and the texts of its --help. */
struct command_spec {
    const char *name;        /* "replay", "trace info" */
    const char *usage;       /* "pagesim replay --trace FILE [options]" */
    const char *description; /* lines, ending in \n */
    const struct option_spec *options;
    size_t option_count;
    bool takes_config;    /* every configuration key is an option too */
    const char *examples; /* lines, ending in \n, or NULL */
};

enum { OPTIONS_MOST = 256 };

struct options {
    const struct command_spec *spec;
    struct config_option config[OPTIONS_MOST]; /* in order of appearance */
    uint32_t config_count;
    struct config_option own[OPTIONS_MOST];
    uint32_t own_count;
    const char *positional[OPTIONS_MOST];
    uint32_t positional_count;
    bool help; /* --help was given; what follows it was not checked */
};

/* argv[0] is skipped. Strings are borrowed from argv. SIM_USAGE on anything unknown or incomplete. */
SIM_NODISCARD enum status options_parse(const struct command_spec *spec, int argc, char **argv, struct options *out, struct diag *diag);

/* Every command begins with this: parse and, if --help is given, print the page. True: the command returns *status now. */
bool options_done(const struct command_spec *spec, int argc, char **argv, struct options *out, enum status *status, struct diag *diag);

/* The last value given for one of the command's own options, or NULL. */
const char *options_value(const struct options *options, const char *name);
bool options_has(const struct options *options, const char *name);
/* The value as a number in [least, most]; `otherwise` when the option is not given. */
SIM_NODISCARD enum status options_uint(const struct options *options, const char *name, uint64_t least, uint64_t most, uint64_t otherwise,
                                       uint64_t *out, struct diag *diag);
SIM_NODISCARD enum status options_double(const struct options *options, const char *name, double least, double most, double otherwise,
                                         double *out, struct diag *diag);

/* A command line that reproduces the result, quoted for a shell. Options that cannot change the result (threads, format, output file) are
 * left out, so that equal results name equal command lines. The caller frees it; NULL: out of memory. */
char *options_command_line(const struct options *options);

/* The whole help page, 80 columns wide. */
void options_print_help(const struct command_spec *spec, FILE *file);

#endif
