/* interrupt.h - Ctrl-C and SIGTERM: work that takes long checks a flag and ends with SIM_INTERRUPTED, so that nothing is left half done. */
#ifndef PAGESIM_INTERRUPT_H
#define PAGESIM_INTERRUPT_H

#include <signal.h>

/* Not 0 after the first signal. */
extern volatile sig_atomic_t interrupted;

/* From now on SIGINT and SIGTERM set the flag. */
void interrupt_catch(void);

#endif
