/* array.h - growable flat arrays: one rule for capacity, overflow and out of memory. */
#ifndef PAGESIM_ARRAY_H
#define PAGESIM_ARRAY_H

#include <stddef.h>

#include "base/diag.h"

/* Make room for at least `needed` items of `size` bytes in *items, growing by half at least. *items may move; on failure nothing changes
 * and the diag names `what`. Start with *items = NULL, *capacity = 0; free(*items) ends it. */
SIM_NODISCARD enum status array_reserve(void *items, size_t *capacity, size_t needed, size_t size, const char *what, struct diag *diag);

/* calloc with the error told; *items is written only on success. count 0 gives a valid pointer. */
SIM_NODISCARD enum status array_zeroed(void *items, size_t count, size_t size, const char *what, struct diag *diag);

#endif
