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
#include "config/config_keys.h"

struct option_spec {
    const char *name;    /* without dashes */
    const char *metavar; /* NULL: a switch */
    const char *help;    /* one line */
    enum option_values {
        OPTION_ONE,      /* one value, if there is a metavar; given twice with different values it is refused */
        OPTION_AGAIN,    /* one value each time that it is given, and all count */
        OPTION_OPTIONAL, /* a value, unless another option follows; then it is NULL */
        OPTION_MANY,     /* every argument up to the next option is a value, as if the option had been repeated */
        OPTION_WORDS,    /* as OPTION_AGAIN; arguments after the value, up to the next option, are further words of it */
    } values;
    /* NULL, or the i-th name that a value can be, with what it means; NULL after the last. Other values are refused; --help lists them. */
    const char *(*name_at)(uint32_t i, const char **meaning);
};

enum { TABLES_MOST = 12 };

/* A subcommand: its options, the texts of its --help, what its result is made of, and its functions, which command.h puts together. */
struct command {
    const char *name;        /* "replay", "trace info" */
    const char *usage;       /* "pagesim replay --trace FILE [options]" */
    const char *description; /* lines, ending in \n */
    const struct option_spec *options;
    size_t option_count;
    bool takes_config;               /* every configuration key is an option too */
    void (*extra_help)(FILE *file);  /* sections of the help page after the options. NULL: none */
    const char *examples;            /* lines, ending in \n, or NULL */
    const char *tables[TABLES_MOST]; /* all that its documents may have, NULL after the last; CSV shows the first unless --table is given */
    bool any_table;                  /* its tables are those of a file, which nobody knows before */
    const char *last_table_needs;    /* the option without which the last of them does not exist. NULL: none */
    const char *special_format;      /* one more --format, which no renderer has. NULL: none */
    bool one_server;                 /* it looks at one server: a configuration of several is refused */
    enum { INPUT_OWN, INPUT_WITH_POOL, INPUT_ANY_POOL } input; /* what the frame opens. OWN: nothing */
    size_t job_size;                                           /* 0: a struct call alone. The job is zeroed first */
    enum status (*read)(void *job, struct diag *diag);         /* checks that need no files. NULL: none */
    enum status (*run)(void *job, struct diag *diag);
    void (*close)(void *job); /* also when read() or run() failed. NULL: nothing to close but the input */
};

/* Rows for the option table of a command that takes a configuration. */
#define CONFIG_OPTIONS                                                                                                                     \
    {"config", "FILE", "configuration file"},                                                                                              \
    {                                                                                                                                      \
        "vllm-args", "LINE|FILE", "a command line of vllm serve as it is, or a file with one (also its YAML)"                              \
    }

/* Two members of a command: its table of options. */
#define OPTIONS(rows) .options = (rows), .option_count = sizeof(rows) / sizeof *(rows)

enum { OPTIONS_MOST = 2048 }; /* --merge has a file for each of many jobs */

struct options {
    const struct command *command;
    struct config_option config[OPTIONS_MOST]; /* in order of appearance */
    uint32_t config_count;
    struct config_option own[OPTIONS_MOST];
    uint32_t own_count;
    const char *positional[OPTIONS_MOST];
    uint32_t positional_count;
    bool help; /* --help was given; what follows it was not checked */
};

/* argv[0] is skipped. An own option of one letter may have one dash. Strings are borrowed from argv. SIM_USAGE on anything unknown or incomplete. */
SIM_NODISCARD enum status options_parse(const struct command *command, int argc, char **argv, struct options *out, struct diag *diag);

/* The last value given for one of the command's own options, or NULL. */
const char *options_value(const struct options *options, const char *name);
bool options_has(const struct options *options, const char *name);
/* The values of an option that may be repeated, one a call, from *next on; NULL after the last. Start with *next = 0. */
const char *options_next(const struct options *options, const char *name, uint32_t *next);
/* Of OPTION_WORDS: the next further word of the value that options_next gave last; NULL after the last. */
const char *options_next_word(const struct options *options, uint32_t *next);
/* The value as a number in [least, most]; `otherwise` when the option is not given. A bad value sets diag and gives `otherwise`: the first
 * error wins, so a command reads all its numbers and looks at diag->status once. */
uint64_t options_uint(const struct options *options, const char *name, uint64_t least, uint64_t most, uint64_t otherwise,
                      struct diag *diag);
double options_double(const struct options *options, const char *name, double least, double most, double otherwise, struct diag *diag);

/* The share that a percentage says, "0.5%": the sign is asked for, since 0.5 alone could be meant as half. From `least` to `most` per cent; 0
 * needs no sign. `wants` ends the sentence "must be a percentage". */
double options_percent(const struct options *options, const char *name, double least, double most, const char *wants, double otherwise,
                       struct diag *diag);

/* A command line that reproduces the result, quoted for a shell. Options that cannot change the result (threads, format, output file) are
 * left out, so that equal results name equal command lines. The caller frees it; NULL: out of memory. */
char *options_command_line(const struct options *options);

/* The same of another command, of what it can be given as well, without the configuration keys for which `without` says so. */
char *options_command_line_of(const struct options *options, const struct command *other,
                              bool (*without)(const void *context, const struct config_key *key), const void *context);

/* The whole help page, 80 columns wide. */
void options_print_help(const struct command *command, FILE *file);

#endif
