/* huge_pages.h - memory of malloc in pages of 2 MiB: one call at the start of the program, and advice for single large blocks.
 *
 * A replay of a real trace is over in hundredths of a second and touches some megabytes for the first time. In pages of 4 KiB each first
 * touch is a fault of about a microsecond, more under a hypervisor: a fifth of the whole run. In pages of 2 MiB a handful is left.
 */
#ifndef PAGESIM_HUGE_PAGES_H
#define PAGESIM_HUGE_PAGES_H

#include <stddef.h>

/* Call once, before the first allocation that matters and before any thread. Does nothing where it cannot help; never fails. */
void huge_pages_prepare(void);

/* Advise a block of memory that is about to be touched for the first time; blocks of some megabytes gain. For what malloc maps apart. */
void huge_pages_advise(void *block, size_t bytes);

/* Give what has been freed back to the system, also from the middle of the heap. Costs a walk over the heap: for when much was freed. */
void huge_pages_give_back(void);

#endif
