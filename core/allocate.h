/* allocate.h - malloc as the library uses it, with a switch for tests: let the n-th allocation from now fail. Internal. */
#ifndef KV_ALLOCATE_H
#define KV_ALLOCATE_H

#include <stddef.h>
#include <stdint.h>

void *kv_malloc(size_t bytes);
void *kv_calloc(size_t count, size_t bytes);
void *kv_realloc(void *memory, size_t bytes);
void kv_free(void *memory);

/* The `countdown`-th allocation from now fails, once; 0 = none. For tests; counts of the calling thread. */
void kv_memory_fail_after(uint64_t countdown);

#endif
