/* huge_heap.h - one call at the start of the program that makes malloc's memory come in huge pages.
 *
 * A replay of a real trace is over in hundredths of a second and touches some megabytes for the first time. In pages of 4 KiB each first
 * touch is a fault of about a microsecond, more under a hypervisor: a fifth of the whole run. In pages of 2 MiB a handful is left.
 */
#ifndef PAGESIM_HUGE_HEAP_H
#define PAGESIM_HUGE_HEAP_H

#include <stddef.h>

/* Call once, before the first allocation that matters and before any thread. Does nothing where it cannot help; never fails. */
void huge_heap_prepare(void);

/* Advise a block of memory that is about to be touched for the first time; blocks of some megabytes gain. For what malloc maps apart. */
void huge_heap_advise(void *block, size_t bytes);

#endif
