/* pages.h - memory from the system, by the names it has here. Internal to core/. */
#ifndef KV_PAGES_H
#define KV_PAGES_H

#include <stddef.h>
#include <sys/mman.h>

#ifndef MAP_ANONYMOUS
#ifdef MAP_ANON
#define MAP_ANONYMOUS MAP_ANON
#else
#define MAP_ANONYMOUS 0 /* mmap without a file is then refused */
#endif
#endif
#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

/* A wish; small pages work, too. */
static inline void kv_wish_huge_pages(void *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    madvise(memory, bytes, MADV_HUGEPAGE);
#else
    (void)memory;
    (void)bytes;
#endif
}

#endif
