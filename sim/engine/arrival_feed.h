/* arrival_feed.h - what passes between one replica's replay and who feeds it: requests that were sent and are not taken in yet, and ends that
 * nobody has looked at yet. Both are in the order of time.
 *
 * Room for the end of each request is made when it is sent, so that a replay never fails for it. Belongs to one replay; who feeds it touches
 * it only while that replay stands still.
 */
#ifndef PAGESIM_ARRIVAL_FEED_H
#define PAGESIM_ARRIVAL_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct feed_item {
    uint32_t position;
    int64_t time_ns; /* when it reaches the replica; of an end, when its last token is there */
};

struct arrival_feed {
    struct feed_item *sent, *ended;
    size_t first, count, capacity;               /* of sent: [first, count) are on their way */
    size_t first_end, end_count, ended_capacity; /* of ended: [first_end, end_count) were not looked at */
    const int64_t *times_ns;                     /* by position: when it was sent to whoever has it; borrowed */
    size_t present;                              /* sent and not ended */
    bool stops;                                  /* the replay stops at the next end: somebody may be sent because of it */
};

void arrival_feed_deinit(struct arrival_feed *feed);

/* A request reaches the replica at `time_ns`, which is not before the ones sent before it nor before the replica's clock. */
SIM_NODISCARD enum status arrival_feed_send(struct arrival_feed *feed, uint32_t position, int64_t time_ns, struct diag *diag);

/* It ended. Called by the replay. */
static inline void arrival_feed_ended(struct arrival_feed *feed, uint32_t position, int64_t time_ns)
{
    feed->ended[feed->end_count++] = (struct feed_item){.position = position, .time_ns = time_ns};
    feed->present--;
}

/* The first end that was not looked at and comes at or before `time_ns`, or NULL. It counts as looked at. */
static inline const struct feed_item *arrival_feed_next_end(struct arrival_feed *feed, int64_t time_ns)
{
    return feed->first_end < feed->end_count && feed->ended[feed->first_end].time_ns <= time_ns ? &feed->ended[feed->first_end++] : NULL;
}

#endif
