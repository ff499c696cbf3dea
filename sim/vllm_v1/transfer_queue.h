/* transfer_queue.h - transfers in one direction, one after the other: first come, first served.
 *
 *     [ first: runs ][ ... begun: their ends are known ][ ... asked for: not begun ] last
 *
 * A transfer of n blocks takes latency + n x the time of a block; it begins when it may and the one before it is over.
 */
#ifndef PAGESIM_TRANSFER_QUEUE_H
#define PAGESIM_TRANSFER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

struct transfer {
    int64_t end_ns;    /* INT64_MAX: it has not begun */
    uint32_t position; /* whose it is */
    uint32_t first;    /* what it moves: meaning and unit are the caller's */
    uint32_t blocks;
};

struct transfer_queue {
    struct transfer *ring;
    size_t capacity; /* of the ring */
    size_t first, count, begun;
    int64_t latency_ns, free_ns; /* free_ns: when the last one that has begun is over */
    double block_ns;
};

SIM_NODISCARD enum status transfer_queue_init(struct transfer_queue *queue, size_t capacity, int64_t latency_ns, double block_ns,
                                              struct diag *diag);
void transfer_queue_deinit(struct transfer_queue *queue);

/* Put one at the end; there is room. */
void transfer_queue_ask(struct transfer_queue *queue, uint32_t position, uint32_t first, uint32_t blocks);
/* All that were asked for may begin at start_ns. */
void transfer_queue_begin(struct transfer_queue *queue, int64_t start_ns);

/* When the first one is over; INT64_MAX: none has begun. */
int64_t transfer_queue_next_ns(const struct transfer_queue *queue);
/* Take out the first one if it is over by now_ns. */
bool transfer_queue_pop(struct transfer_queue *queue, int64_t now_ns, struct transfer *out);

/* The i-th from the front, i < count. */
static inline const struct transfer *transfer_queue_at(const struct transfer_queue *queue, size_t i)
{
    return &queue->ring[(queue->first + i) % queue->capacity];
}

#endif
