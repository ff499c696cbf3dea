/* sort_with.h - qsort whose comparisons see a context. Systems have a qsort_r, but not the same one. */
#ifndef PAGESIM_SORT_WITH_H
#define PAGESIM_SORT_WITH_H

#include <stddef.h>

/* As qsort; compare must not sort. Threads may sort at the same time. */
void sort_with(void *base, size_t count, size_t size, int (*compare)(const void *, const void *, void *), void *context);

#endif
