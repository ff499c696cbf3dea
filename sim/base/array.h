/* array.h - growable flat arrays: one rule for capacity, overflow and out of memory. */
#ifndef PAGESIM_ARRAY_H
#define PAGESIM_ARRAY_H

#include <stddef.h>

#include "base/diag.h"

/* Make room for at least `needed` items of `size` bytes in *items, growing by half at least. *items may move; on failure nothing changes
 * and the diag names `what`. Start with *items = NULL, *capacity = 0; free(*items) ends it. */
SIM_NODISCARD enum status array_reserve(void *items, size_t *capacity, size_t needed, size_t size, const char *what, struct diag *diag);

/* Make room as array_reserve does and copy one more item to the end: ++*count. */
SIM_NODISCARD enum status array_append(void *items, size_t *count, size_t *capacity, const void *item, size_t size, const char *what,
                                       struct diag *diag);

/* calloc with the error told; *items is written only on success. count 0 gives a valid pointer. */
SIM_NODISCARD enum status array_zeroed(void *items, size_t count, size_t size, const char *what, struct diag *diag);

/* One of several arrays: the address of the caller's pointer, how many items, the size of one. */
struct array_request {
    void *items; /* NULL: not wanted */
    size_t count, size;
};
#define ARRAY_OF(pointer, number)                                                                                                          \
    {                                                                                                                                      \
        &(pointer), number, sizeof *(pointer)                                                                                              \
    }
#define ARRAY_IF(wanted, pointer, number)                                                                                                  \
    {                                                                                                                                      \
        (wanted) ? &(pointer) : NULL, number, sizeof *(pointer)                                                                            \
    }

/* Make several arrays as array_zeroed makes one. On failure those that come after it are not touched and the caller, who started with NULL
 * pointers, frees them all as ever. */
SIM_NODISCARD enum status array_zeroed_all(const struct array_request *requests, size_t request_count, const char *what, struct diag *diag);

#endif
