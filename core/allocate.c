/* allocate.c - malloc with a countdown to failure. Production code pays a compare for it, next to a malloc that costs
 * fifty times as much; in return every path without memory is tested in the very code that ships. */
#include "allocate.h"

#include <stdbool.h>
#include <stdlib.h>

/* Of the thread, so that tests that run side by side do not fail each other's allocations. */
static _Thread_local uint64_t until_failure; /* 0: never */

/* Is this the allocation that shall fail? One failure, not all from there on: code that goes on after the
 * first failure as if nothing had been is what tests want to catch. */
static bool fails_now(void)
{
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
