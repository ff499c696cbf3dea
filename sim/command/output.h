/* output.h - where a command's result goes: gathered in memory, written whole to --output FILE or to standard output. */
#ifndef PAGESIM_OUTPUT_H
#define PAGESIM_OUTPUT_H

#include <stdio.h>

#include "base/json.h"
#include "command/options.h"

/* Rows for a command's option table. */
#define OUTPUT_OPTIONS                                                                                                                     \
    {"format", "FORMAT", "table, json or csv [table]"},                                                                                    \
    {                                                                                                                                      \
        "output", "FILE", "write the result there; - is standard output [-]"                                                               \
    }

struct output {
    FILE *file; /* print here */
    bool color; /* it ends on a terminal that wants colours */
    const char *path;
    char *text;
    size_t length;
};

/* What --format says: "table", "json" or "csv"; anything else is SIM_USAGE. */
SIM_NODISCARD enum status output_format(const struct options *options, const char **format, struct diag *diag);
/* The same where a command knows one format more. */
SIM_NODISCARD enum status output_format_or(const struct options *options, const char *more, const char **format, struct diag *diag);

SIM_NODISCARD enum status output_begin(struct output *output, const struct options *options, struct diag *diag);
/* Print a finished JSON text and free it. */
SIM_NODISCARD enum status output_json(struct output *output, struct json_text *json, struct diag *diag);
/* Write what was printed if `status` is SIM_OK, else drop it. Returns `status` or what went wrong. */
SIM_NODISCARD enum status output_end(struct output *output, enum status status, struct diag *diag);

#endif
