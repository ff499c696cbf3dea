/* huge_heap.h - one call at the start of the program that makes malloc's memory come in huge pages.
 *
 * A replay of a real trace is over in hundredths of a second and touches some megabytes for the first time. In pages of 4 KiB each first
 * touch is a fault of about a microsecond, more under a hypervisor: a fifth of the whole run. In pages of 2 MiB a handful is left.
 */
#ifndef PAGESIM_HUGE_HEAP_H
#define PAGESIM_HUGE_HEAP_H

/* Call once, before the first allocation that matters and before any thread. Does nothing where it cannot help; never fails. */
void huge_heap_prepare(void);

#endif
