/* sort_with.c - the context of a thread's sort stands beside qsort, which has no place for it. */
#include "base/sort_with.h"

#include <stdlib.h>

static _Thread_local struct {
    int (*compare)(const void *, const void *, void *);
    void *context;
} sorting;

static int compare_in_context(const void *a, const void *b)
{
    return sorting.compare(a, b, sorting.context);
}

void sort_with(void *base, size_t count, size_t size, int (*compare)(const void *, const void *, void *), void *context)
{
    sorting.compare = compare;
    sorting.context = context;
    qsort(base, count, size, compare_in_context);
}
