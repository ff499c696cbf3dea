/* interrupt.c - a signal handler that sets a flag, and nothing else: little more is allowed in a handler. Loops that take long look at the
 * flag and end in order, so that files are not left half written.
 *
 * The flag is the only variable of the program that a handler writes; volatile sig_atomic_t is what the C standard allows for that. A
 * second signal changes nothing more: the run is on its way to its end already. */
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
