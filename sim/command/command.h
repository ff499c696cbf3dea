/* command.h - the subcommands of pagesim, one function each. */
#ifndef PAGESIM_COMMAND_H
#define PAGESIM_COMMAND_H

#include "base/diag.h"

/* argv[0] is the subcommand's name. Results go to standard output, everything else to standard error. A failure is set in diag, and main
 * prints it. The status is the exit code. */
typedef enum status command_function(int argc, char **argv, struct diag *diag);

command_function cmd_replay, cmd_curve, cmd_compare, cmd_sweep, cmd_size, cmd_explain, cmd_ledger, cmd_validate, cmd_fit, cmd_trace,
    cmd_config, cmd_figures;

#endif
