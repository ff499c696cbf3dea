/* arrival_feed.c - lists that forget what was looked at when they would have to grow. */
#include "engine/arrival_feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void arrival_feed_deinit(struct arrival_feed *feed)
{
    free(feed->sent);
    free(feed->ended);
    *feed = (struct arrival_feed){0};
}

/* Items before *first are over. Half of the list at least must be, so that moving the rest costs a step an item. */
static void forget(struct feed_item *items, size_t *first, size_t *count)
{
    if (*first * 2 < *count)
        return;
    if (*count > *first)
        memmove(items, items + *first, (*count - *first) * sizeof *items);
    *count -= *first;
    *first = 0;
}

enum status arrival_feed_send(struct arrival_feed *feed, uint32_t position, int64_t time_ns, struct diag *diag)
{
    if (feed->count == feed->capacity)
        forget(feed->sent, &feed->first, &feed->count);
    if (feed->end_count + feed->present + 1 > feed->ended_capacity)
        forget(feed->ended, &feed->first_end, &feed->end_count);
    enum status status = array_reserve(&feed->sent, &feed->capacity, feed->count + 1, sizeof *feed->sent, "requests on their way", diag);
    if (status == SIM_OK)
        status = array_reserve(&feed->ended, &feed->ended_capacity, feed->end_count + feed->present + 1, sizeof *feed->ended,
                               "ends of requests", diag);
    if (status != SIM_OK)
        return status;
    feed->sent[feed->count++] = (struct feed_item){.position = position, .time_ns = time_ns};
    feed->present++;
    return SIM_OK;
}
