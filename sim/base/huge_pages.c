/* huge_pages.c - the heap in pages of 2 MiB. Read huge_pages.h first for what that brings.
 *
 * The heap proper (brk) is grown once by a piece large enough for most runs, and the kernel is advised about the whole piece. Large blocks
 * are taken from it as well: mappings of their own would start at odd addresses and be given back at once. What does not fit is served as
 * ever.
 *
 * The kernel gives a huge page only where none of its small pages was touched before the advice. malloc writes a header in front of the
 * free rest of the heap, so a block that is never used is laid out such that this header comes just before a huge page's boundary:
 *
 *     boundary [ header | block that nobody uses ..................... | header of the rest ] boundary [ advised ...... ]
 *
 * This layout is glibc's. huge_pages_prepare checks that the boundary is where it should be and gives no advice otherwise, so that another
 * allocator costs speed and nothing else. */
#include "base/huge_pages.h"

#include <stdint.h>
#include <stdlib.h>

#include <sys/mman.h>

#if defined(__GLIBC__) && defined(MADV_HUGEPAGE)
#include <malloc.h>
#include <unistd.h>

#define HUGE_PAGE  ((uintptr_t)2 << 20)
#define FIRST_HEAP ((uintptr_t)32 << 20)

enum { HEADER = 16, SIZE_FIELD = 8 }; /* of glibc's blocks on 64-bit machines; elsewhere the test below fails and nothing happens */

void huge_pages_prepare(void)
{
    static void *spacer; /* reachable, so that no leak is reported */
    const uintptr_t brk = (uintptr_t)sbrk(0);
    if (sbrk((intptr_t)(-brk & (HUGE_PAGE - 1))) == (void *)-1)
        return;
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, (int)FIRST_HEAP);
    spacer = malloc(HUGE_PAGE - HEADER - SIZE_FIELD);
    mallopt(M_TOP_PAD, 1 << 20);
    const uintptr_t start = (uintptr_t)spacer - HEADER + HUGE_PAGE, end = (uintptr_t)sbrk(0) & ~(HUGE_PAGE - 1);
    if (start % HUGE_PAGE == 0 && end > start)
        madvise((void *)start, end - start, MADV_HUGEPAGE);
}

void huge_pages_advise(void *block, size_t bytes)
{
    const uintptr_t start = ((uintptr_t)block + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1), end = ((uintptr_t)block + bytes) & ~(HUGE_PAGE - 1);
    if (bytes >= 2 * HUGE_PAGE && end > start)
        madvise((void *)start, end - start, MADV_HUGEPAGE);
}

void huge_pages_give_back(void)
{
    malloc_trim(0);
}
#else
void huge_pages_prepare(void) {}

void huge_pages_advise(void *block, size_t bytes)
{
    (void)block;
    (void)bytes;
}

void huge_pages_give_back(void) {}
#endif
