/* interrupt.c - what the first signal, the timer that it starts, and the second signal do. Read interrupt.h first.
 *
 * A flag alone would have to be looked at in every loop that may run long, kernels included, and each new loop could forget it. The timer
 * needs nobody's help and costs nothing while no signal comes. Ending at any instruction is safe because results appear by renaming only
 * and a journal may be cut at any byte. Handlers call only what is allowed in them (setitimer is not in POSIX's list, but a plain system
 * call). */
#include "command/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/gnuplot.h"
#include "base/notice.h"
#include "base/terminal.h"
#include "base/text_writer.h"

/* Whoever looks at the flag does so many times in this time; together with the end of the process it stays below 0.2 s. */
enum { GRACE_US = 100000 };

atomic_int interrupted;
static bool terminal; /* standard error: a progress bar may be on it */

/* The checker knows POSIX's list by names, and not that these functions only unlink and kill. */
/* NOLINTBEGIN(bugprone-signal-handler,cert-sig30-c) */
static void on_timer(int number)
{
    static const char wipe[] = "\r\033[K", text[] = "pagesim: interrupted\n";
    (void)number;
    text_writer_abandon_all();
    gnuplot_abandon();
    if (!notice_is_muted() && (!terminal || write(STDERR_FILENO, wipe, sizeof wipe - 1) > 0))
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(SIM_INTERRUPTED);
}

static void on_signal(int number)
{
    static const struct itimerval grace = {.it_value = {.tv_usec = GRACE_US}};
    if (interrupted) { /* the second one; it arrives when this handler returns */
        text_writer_abandon_all();
        gnuplot_abandon();
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    interrupted = 1;
    setitimer(ITIMER_REAL, &grace, NULL);
}

/* NOLINTEND(bugprone-signal-handler,cert-sig30-c) */

void interrupt_catch(void)
{
    terminal = terminal_redraws(STDERR_FILENO);
    signal(SIGALRM, on_timer);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
}
