/* interrupt.h - Ctrl-C and a polite kill: work that takes long looks at a flag and ends with SIM_INTERRUPTED, so that nothing is half done. */
#ifndef PAGESIM_INTERRUPT_H
#define PAGESIM_INTERRUPT_H

#include <signal.h>

/* Not 0 once the user has had enough. */
extern volatile sig_atomic_t interrupted;

/* From now on SIGINT and SIGTERM set the flag. */
void interrupt_catch(void);

#endif
