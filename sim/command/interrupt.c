/* interrupt.c - a signal handler that sets a flag, and nothing else: little more is allowed in a handler. Loops that take long look at the
 * flag and end in order, so that files are not left half written. */
#include "command/interrupt.h"

volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void interrupt_catch(void)
{
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
}
