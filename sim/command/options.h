/* options.h - command lines: a command's own options beside those that the configuration's keys give.
 *
 * --name value and --name=value; "-" is a value; "--" ends the options. An unknown option names the nearest known one.
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
        OPTION_OPTIONAL, /* a value unless another option follows: kept with value NULL then */
        OPTION_MANY,     /* every argument up to the next option is a value; each is kept as if the option had been repeated */
    } values;
    /* NULL, or the i-th name that a value can be, with what it means; NULL after the last. Other values are refused; --help lists them. */
    const char *(*name_at)(uint32_t i, const char **meaning);
};

/* What a command takes and what its --help says. */
struct command_spec {
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
    bool help; /* --help was given; nothing else was checked */
};

/* argv[0] is skipped. Strings are borrowed from argv. SIM_USAGE on anything unknown or incomplete. */
SIM_NODISCARD enum status options_parse(const struct command_spec *spec, int argc, char **argv, struct options *out, struct diag *diag);

/* How every command begins: parse and, on --help, print the page. True: the command ends here, with *status. */
bool options_done(const struct command_spec *spec, int argc, char **argv, struct options *out, enum status *status, struct diag *diag);

/* The last value given for one of the command's own options, or NULL. */
const char *options_value(const struct options *options, const char *name);
bool options_has(const struct options *options, const char *name);
/* As a number in [least, most]; `otherwise` when not given. */
SIM_NODISCARD enum status options_uint(const struct options *options, const char *name, uint64_t least, uint64_t most, uint64_t otherwise,
                                       uint64_t *out, struct diag *diag);
SIM_NODISCARD enum status options_double(const struct options *options, const char *name, double least, double most, double otherwise,
                                         double *out, struct diag *diag);

/* The whole help page, 80 columns wide. */
void options_print_help(const struct command_spec *spec, FILE *file);

#endif
