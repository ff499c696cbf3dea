#include "command/command.h"
enum status cmd_trace(int argc, char **argv, struct diag *diag)
{
    (void)argc;
    (void)argv;
    return diag_set(diag, SIM_FAILED, "not yet");
}
