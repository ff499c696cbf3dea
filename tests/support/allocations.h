/* allocations.h - how often the program under test has asked for memory. The linker puts counters in front of malloc, calloc, realloc,
 * posix_memalign and aligned_alloc for everything that is linked into the test program (Makefile: --wrap); what the C library asks for
 * itself is not counted. Counts are per thread. */
#ifndef TESTS_ALLOCATIONS_H
#define TESTS_ALLOCATIONS_H

#include <stdint.h>

uint64_t allocations_so_far(void);

/* The `countdown`-th allocation of this thread from now on fails, once; 0: none does. */
void allocations_fail_after(uint64_t countdown);

#endif
