/* read_options.h - how a trace file is read: the options that all commands share which read one, and what is told about it afterwards. */
#ifndef PAGESIM_READ_OPTIONS_H
#define PAGESIM_READ_OPTIONS_H

#include "command/options.h"
#include "trace/priority_rules.h"
#include "trace/trace.h"
#include "trace/trace_random.h"
#include "trace/trace_reader.h"

/* Rows for a command's option table. */
#define READ_OPTIONS                                                                                                                       \
    {"trace-format", "NAME", "[by content]", OPTION_ONE, trace_reader_name},                                                               \
        {"time-unit", "UNIT", "of times in the file: s, ms, us or ns [the format's]"},                                                     \
        {"columns", "LIST", "any CSV or JSONL: arrival=A,input=B,output=C,unit=s,..."},                                                    \
        {"skip-invalid", NULL, "leave out rows that cannot be read or run, and count them"},                                               \
        {"output-length", "N", "tokens to generate where a row does not say"}, {"output-range", "A:B", "the same, drawn from A to B"},     \
    {                                                                                                                                      \
        "session-answers", "share|own", "with hash_ids: does a later turn's prompt share the answer before it? [own]"                      \
    }

/* What the names in a selection point to; lives as long as it. */
struct read_names {
    struct trace_field_names columns;
    struct random_workload lengths;
    struct priority_rules priorities;
    char text[1024];
};

/* Set what these options say in a selection that starts as trace_select_all(). SIM_USAGE. */
SIM_NODISCARD enum status read_options_take(const struct options *options, struct trace_selection *selection, struct read_names *names,
                                            struct diag *diag);

/* A:B with 1 <= A <= B <= 10^9; left alone if it is not given. A bad one sets diag. */
void read_range_option(const struct options *options, const char *name, uint32_t *least, uint32_t *most, struct diag *diag);

/* --from and --to: which arrivals to take. A bad one sets diag. */
void read_times_options(const struct options *options, struct trace_selection *selection, struct diag *diag);

/* Warn (warnings.h) of what may mislead in a trace as it was read: ignored fields, skipped rows, a rate that no server sees. */
SIM_NODISCARD enum status read_options_tell(const struct options *options, struct trace *trace, struct diag *diag);

#endif
