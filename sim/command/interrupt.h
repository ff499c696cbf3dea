/* interrupt.h - Ctrl-C and SIGTERM: work that takes long looks at a flag and ends with SIM_INTERRUPTED. Work that does not look, or not soon
 * enough, is ended all the same after a tenth of a second, wherever it is: inside of a step that moves gigabytes, in a read from a pipe, in
 * a loop of another thread. A second signal kills at once. No file is left half written in any case. */
#ifndef PAGESIM_INTERRUPT_H
#define PAGESIM_INTERRUPT_H

#include <stdatomic.h>

/* Not 0 after the first signal, or when the caller of pagesim_command has had enough. Atomic, as any thread may set it then. */
extern atomic_int interrupted;

/* From now on SIGINT and SIGTERM do all this. */
void interrupt_catch(void);

#endif
