/* pages.c - asks for large pages in the order of what they are worth: those that the administrator has set aside (MAP_HUGETLB), then those
 * that the kernel makes when memory is first touched (madvise), then small ones, which work too. Read pages.h first. */
#include "pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

/* By the names that they have here. */
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

/* What is only promised must not be: a huge page that is missing when it is touched ends the process. So these are reserved, or refused. */
static unsigned char *map_set_aside(size_t bytes)
{
#if defined(MAP_HUGETLB) && defined(MAP_HUGE_SHIFT)
    enum { BITS_OF_2_MIB = 21 };
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (BITS_OF_2_MIB << MAP_HUGE_SHIFT);
    unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
#else
    (void)bytes;
    return NULL;
#endif
}

static bool wish_for_large(unsigned char *memory, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    return madvise(memory, bytes, MADV_HUGEPAGE) == 0;
#else
    (void)memory;
    (void)bytes;
    return false;
#endif
}

/* mmap promises no alignment beyond a page, so map more and give back both ends. */
static unsigned char *map_aligned(size_t bytes)
{
    unsigned char *start = mmap(NULL, bytes + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    const size_t before = (LARGE_PAGE - (size_t)start % LARGE_PAGE) % LARGE_PAGE, after = LARGE_PAGE - before;
    if (before > 0)
        munmap(start, before);
    if (after > 0)
        munmap(start + before + bytes, after);
    return start + before;
}

unsigned char *kv_pages_map(size_t *bytes, enum kv_pages *kind)
{
    *bytes = (*bytes + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    unsigned char *memory = map_set_aside(*bytes);
    *kind = KV_PAGES_SET_ASIDE;
    if (memory)
        return memory;
    memory = map_aligned(*bytes);
    *kind = memory && wish_for_large(memory, *bytes) ? KV_PAGES_WISHED : KV_PAGES_SMALL;
    return memory;
}

void kv_pages_unmap(unsigned char *memory, size_t bytes)
{
    if (memory)
        munmap(memory, bytes);
}

/* The KiB after `name` in a line of smaps; 0 if it is another line. */
static size_t kib_of(const char *line, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(line, name, length) == 0 ? strtoull(line + length, NULL, 10) : 0;
}

/* Is this the head of a mapping, "from-to ..." in hexadecimal digits? Lower case only, which the names of fields are not. */
static bool is_range(const char *line, uintptr_t *from, uintptr_t *to)
{
    static const char digits[] = "0123456789abcdef";
    const size_t first = strspn(line, digits), second = line[first] == '-' ? strspn(line + first + 1, digits) : 0;
    if (first == 0 || second == 0)
        return false;
    *from = (uintptr_t)strtoull(line, NULL, 16);
    *to = (uintptr_t)strtoull(line + first + 1, NULL, 16);
    return true;
}

/* Linux tells of each mapping; neighbouring ones of the same kind are one for it, so a part of another one may be counted: no more than all
 * of ours then. */
size_t kv_pages_large(const unsigned char *memory, size_t bytes)
{
    enum { LINE_SIZE = 512, KIB = 1024 };
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[LINE_SIZE];
    size_t large = 0;
    uintptr_t from = 0, to = 0;
    while (maps && fgets(line, sizeof line, maps))
        if (!is_range(line, &from, &to) && from < (uintptr_t)memory + bytes && to > (uintptr_t)memory)
            large += (kib_of(line, "AnonHugePages:") + kib_of(line, "Private_Hugetlb:")) * KIB;
    if (maps)
        fclose(maps);
    return large < bytes ? large : bytes;
}
