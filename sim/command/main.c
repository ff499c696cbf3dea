/* main.c - entry point: prepares the process, runs the command line (commands.c), prints its error if there is one, and returns the exit
 * code. This is the only place that prints errors, so that each failure is one line in one form. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/huge_pages.h"
#include "base/notice.h"
#include "command/command.h"
#include "command/interrupt.h"
#include "study/ranks.h"

/* A status is an exit code by its number (base/diag.h). An interrupt has no text if nothing else is to be said about it. */
int main(int argc, char **argv)
{
    struct diag diag = {0};
    /* Writing into a closed pipe then fails like writing to a full disk and not by a signal, so that files are removed that are not whole. */
    signal(SIGPIPE, SIG_IGN);
    interrupt_catch();
    huge_pages_prepare();
    enum status status = command_line_run(argc, argv, &diag);
    /* Output is buffered: a full disk may show only now. */
    if (status == SIM_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = diag_set(&diag, SIM_FAILED, "%s", errno == EPIPE ? "" : "standard output: cannot be written");
    if (status != SIM_OK && diag.text[0])
        notice("%s", diag.text);
    return (int)ranks_exit_status(status);
}
