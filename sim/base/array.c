/* array.c - growing and making flat arrays. `items` is the address of the caller's typed pointer; it is copied as bytes, because reading a
 * `uint32_t *` as a `void *` would break the aliasing rules. Read array.h first. */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/huge_pages.h"

/* Grows by half, so that n appends copy O(n) items in all and at most a third of the room is unused. Small arrays start at 16 items,
 * because growth by half from one would allocate at nearly every append. On failure the old array stays as it was. */
enum status array_reserve(void *items, size_t *capacity, size_t needed, size_t size, const char *what, struct diag *diag)
{
    if (needed <= *capacity)
        return SIM_OK;
    size_t room = *capacity + *capacity / 2;
    if (room < needed)
        room = needed;
    if (room < 16)
        room = 16;
    /* The product below must not wrap. */
    if (room > SIZE_MAX / 2 / size)
        return diag_no_memory(diag, SIZE_MAX, what);
    void *old, *grown;
    memcpy(&old, items, sizeof old);
    grown = realloc(old, room * size);
    if (!grown)
        return diag_no_memory(diag, room * size, what);
    huge_pages_advise(grown, room * size);
    memcpy(items, &grown, sizeof grown);
    *capacity = room;
    return SIM_OK;
}

enum status array_append(void *items, size_t *count, size_t *capacity, const void *item, size_t size, const char *what, struct diag *diag)
{
    char *start;
    enum status status = array_reserve(items, capacity, *count + 1, size, what, diag);
    if (status != SIM_OK)
        return status;
    memcpy(&start, items, sizeof start);
    memcpy(start + *count * size, item, size);
    ++*count;
    return SIM_OK;
}

/* Never NULL for no items: callers take NULL for a failure, or for an array that is not there. Large ones come as untouched zero pages,
 * so zeroing costs nothing until they are used. */
enum status array_zeroed(void *items, size_t count, size_t size, const char *what, struct diag *diag)
{
    void *fresh = calloc(count ? count : 1, size);
    if (!fresh)
        return diag_no_memory(diag, count * size, what);
    huge_pages_advise(fresh, count * size);
    memcpy(items, &fresh, sizeof fresh);
    return SIM_OK;
}

/* One status for a struct of many arrays. After a failure the rest keeps what it had, so an owner that was zeroed before can free all of
 * them alike. */
enum status array_zeroed_all(const struct array_request *requests, size_t request_count, const char *what, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < request_count && status == SIM_OK; i++)
        if (requests[i].items)
            status = array_zeroed(requests[i].items, requests[i].count, requests[i].size, what, diag);
    return status;
}
