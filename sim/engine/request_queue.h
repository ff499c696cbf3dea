/* request_queue.h - the waiting queue of vLLM V1: who is looked at next.
 *
 * Two disciplines, one interface. FCFS is a doubly ended list: arrivals go to the back, preempted requests to the very front (the
 * last victim of a step ends up first). Ordered is a binary heap by (key, position); a preempted request competes by the same key and
 * has no other privilege. The order of arrival breaks ties: that of first pushes. Room is made when a request arrives, for all that are in the
 * engine then, so pushing never fails. Source: vLLM v1/core/sched/request_queue.py.
 */
#ifndef PAGESIM_REQUEST_QUEUE_H
#define PAGESIM_REQUEST_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

struct request_queue {
    bool ordered;
    uint32_t count;
    uint32_t *ring;     /* FCFS: positions in order, from place `first` on, around its end */
    size_t room, first; /* room: a power of two, or 0 */
    uint32_t *heap;     /* ordered: positions, heap[0] is the head */
    uint32_t *arrival;  /* ordered: position -> how many had arrived when it did; 0: it has not */
    uint32_t arrivals;  /* so many have */
    int64_t *key;       /* ordered: position -> key, lower is sooner; stays when the request leaves the queue */
};

SIM_NODISCARD enum status request_queue_init(struct request_queue *queue, uint32_t requests, bool ordered, struct diag *diag);
void request_queue_deinit(struct request_queue *queue);

/* Part of request_queue_expect: a larger ring. */
SIM_NODISCARD enum status request_queue_grow(struct request_queue *queue, uint64_t requests, struct diag *diag);
/* Before pushes: there may be so many in the queue at once. */
SIM_NODISCARD static inline enum status request_queue_expect(struct request_queue *queue, uint64_t requests, struct diag *diag)
{
    return queue->ordered || requests <= queue->room ? SIM_OK : request_queue_grow(queue, requests, diag);
}

/* An arrival; `key` matters only in an ordered queue. */
void request_queue_push(struct request_queue *queue, uint32_t position, int64_t key);
/* A preempted request. */
void request_queue_push_preempted(struct request_queue *queue, uint32_t position, int64_t key);
/* The head; the queue must not be empty. */
uint32_t request_queue_peek(const struct request_queue *queue);
void request_queue_pop(struct request_queue *queue);

/* One that waits, for 0 <= i < count, in no useful order. */
static inline uint32_t request_queue_at(const struct request_queue *queue, uint32_t i)
{
    return queue->ordered ? queue->heap[i] : queue->ring[(queue->first + i) & (queue->room - 1)];
}

/* Ordered queues: does `a` come before `b`, wherever they are? Equal keys leave in the order of arrival, which in sessions is not that of
 * positions. */
static inline bool request_queue_sooner(const struct request_queue *queue, uint32_t a, uint32_t b)
{
    return queue->key[a] != queue->key[b] ? queue->key[a] < queue->key[b] : queue->arrival[a] < queue->arrival[b];
}

/* Take out one that waits, wherever it stands. O(count). */
void request_queue_remove(struct request_queue *queue, uint32_t position);

/* Ordered queues: the key that a request was last pushed with, 0 in an FCFS queue. */
static inline int64_t request_queue_key(const struct request_queue *queue, uint32_t position)
{
    return queue->ordered ? queue->key[position] : 0;
}
/* Ordered queues: after keys of waiting requests (queue->heap, queue->key) were changed from outside, order them again. O(count). */
void request_queue_reorder(struct request_queue *queue);
bool request_queue_check(const struct request_queue *queue);

#endif
