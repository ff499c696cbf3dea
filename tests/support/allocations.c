/* allocations.c - see allocations.h. The names with two underscores are the linker's. */
#include "support/allocations.h"

#include <stddef.h>

static _Thread_local uint64_t count;

uint64_t allocations_so_far(void)
{
    return count;
}

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t items, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t items, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);

void *__wrap_malloc(size_t bytes)
{
    count++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t items, size_t bytes)
{
    count++;
    return __real_calloc(items, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    count++;
    return __real_realloc(memory, bytes);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count++;
    return __real_posix_memalign(memory, alignment, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    count++;
    return __real_aligned_alloc(alignment, bytes);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
