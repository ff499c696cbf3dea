/* command.h - the frame that runs a subcommand of pagesim (struct command, options.h). A command's file has what is its own: options, checks,
 * the work and the report. What all commands share is in command_run, in this order:
 *
 *     parse the options -> those of --vllm-args -> the output's form -> read(): checks that need no files -> open the input -> run() -> close()
 *
 * Results go to standard output, everything else to standard error. A failure is set in diag, and main prints it. The status is the exit code.
 */
#ifndef PAGESIM_COMMAND_H
#define PAGESIM_COMMAND_H

#include "command/input_options.h"
#include "command/options.h"
#include "command/output.h"
#include "config/vllm_args.h"

/* One call of a command: the first member of its job, which is all that the command needs and owns. On the heap, because figures and wishes
 * are large. */
struct call {
    struct options options;
    struct vllm_args vllm;   /* --vllm-args: what its options among the configuration's point into */
    struct output_form form; /* of commands with tables */
    struct input input;      /* of commands that have the frame open it */
};

/* What the program does: argv[1] names the command (commands.c). */
SIM_NODISCARD enum status command_line_run(int argc, char **argv, struct diag *diag);

/* The table that CSV of this command shows without --table, by the name that its reports have ("trace info"). NULL: no such command, or it has
 * no tables. */
const char *command_first_table(const char *name);

SIM_NODISCARD enum status command_run(const struct command *command, int argc, char **argv, struct diag *diag);

extern const struct command command_replay, command_curve, command_compare, command_sweep, command_size, command_tune, command_capacity,
    command_explain, command_ledger, command_validate, command_fit, command_config, command_figures, command_report;

/* `trace` has subcommands of its own; this runs the one that argv[1] names. */
extern const struct command command_trace_info, command_trace_convert, command_trace_head, command_trace_sample, command_trace_filter,
    command_trace_scale, command_trace_merge, command_trace_anonymise;
SIM_NODISCARD enum status command_run_trace(int argc, char **argv, struct diag *diag);

#endif
