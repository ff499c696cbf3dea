/* huge_heap.c - see huge_heap.h. The heap proper (brk) is grown once by a piece large enough for most runs and advised as a whole; large
 * blocks are taken from it as well instead of from mappings of their own, which would start at odd addresses and be returned at once. What
 * does not fit is served as ever. */
#include "base/huge_heap.h"

#include <stdint.h>
#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE  ((uintptr_t)2 << 20)
#define FIRST_HEAP ((uintptr_t)32 << 20)

void huge_heap_prepare(void)
{
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, (int)FIRST_HEAP);
    void *volatile piece = malloc(HUGE_PAGE); /* volatile: compilers know that malloc and free cancel out */
    if (!piece)
        return;
    const uintptr_t start = ((uintptr_t)piece + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1), end = (uintptr_t)sbrk(0) & ~(HUGE_PAGE - 1);
    free(piece);
    if (end > start)
        madvise((void *)start, end - start, MADV_HUGEPAGE);
    mallopt(M_TOP_PAD, 1 << 20);
}
#else
void huge_heap_prepare(void) {}
#endif
