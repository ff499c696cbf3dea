/* command.c - the frame that all commands share: what comes before and after a command's own work. Read command.h first; cmd_figures.c is
 * the shortest command, cmd_ledger.c a usual one.
 *
 * A command is a table of texts, options and functions (struct command in options.h); nothing here knows any of them by name. Its job is
 * one block of zeroed memory whose first member is the call, so the frame can fill in options, form and input without knowing the rest. */
#include "command/command.h"

#include <stdlib.h>

#include "base/array.h"
#include "command/output_names.h"

/* Everything that can be wrong with the command line is checked before a trace is read, because reading one may take long. */
static enum status run_parsed(const struct command *command, struct call *call, struct diag *diag)
{
    enum status status = SIM_OK;
    if (command->tables[0])
        status = output_form_read(&call->options, &call->form, diag);
    if (status == SIM_OK)
        status = output_names_check(&call->options, options_value(&call->options, "save-result"), NULL, diag);
    if (status == SIM_OK && command->read)
        status = command->read(call, diag);
    if (status == SIM_OK && command->input != INPUT_OWN)
        status = input_open(&call->options, command->input == INPUT_ANY_POOL, &call->input, diag);
    if (status == SIM_OK && command->input != INPUT_OWN)
        status = output_names_check(&call->options, NULL, &call->input.config, diag);
    return status == SIM_OK ? command->run(call, diag) : status;
}

/* close() runs after read() and run() whether they failed or not, but not after options that could not be parsed or after --help, when the
 * job is still all zero. The input is closed last, as what the command owns may borrow the trace. */
enum status command_run(const struct command *command, int argc, char **argv, struct diag *diag)
{
    struct call *call;
    enum status status = array_zeroed(&call, 1, command->job_size ? command->job_size : sizeof *call, command->name, diag);
    if (status != SIM_OK)
        return status;
    status = options_parse(command, argc, argv, &call->options, diag);
    if (status == SIM_OK && call->options.help) {
        options_print_help(command, stdout);
    } else if (status == SIM_OK) {
        status = run_parsed(command, call, diag);
        if (command->close)
            command->close(call);
        input_close(&call->input);
    }
    free(call);
    return status;
}
