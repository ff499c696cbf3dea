/* memory.c - see memory.h. */
#include "memory.h"

#include <stdbool.h>
#include <stdlib.h>

static _Thread_local uint64_t until_failure; /* 0: never */
static _Thread_local uint64_t allocations;

static bool fails_now(void)
{
    allocations++;
    return until_failure > 0 && --until_failure == 0;
}

void *kv_malloc(size_t bytes)
{
    return fails_now() ? NULL : malloc(bytes);
}
void *kv_calloc(size_t count, size_t bytes)
{
    return fails_now() ? NULL : calloc(count, bytes);
}
void *kv_realloc(void *memory, size_t bytes)
{
    return fails_now() ? NULL : realloc(memory, bytes);
}
void kv_free(void *memory)
{
    free(memory);
}

void kv_memory_fail_after(uint64_t countdown)
{
    until_failure = countdown;
}
uint64_t kv_memory_allocations(void)
{
    return allocations;
}
