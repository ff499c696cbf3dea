/* request_queue.c - the two disciplines of request_queue.h: a ring for FCFS, a binary heap for keys.
 *
 * The ring is as large as the longest queue that could be, not as the trace: mostly few wait. The heap has an entry for each request of the
 * trace. Either way pushing is a plain store: no push can fail, which the schedulers rely on when they preempt in the middle of a step. */
#include "engine/request_queue.h"

#include <stdlib.h>

#include "base/array.h"

enum { RING_LEAST = 64 };

enum status request_queue_init(struct request_queue *queue, uint32_t requests, bool ordered, struct diag *diag)
{
    *queue = (struct request_queue){.ordered = ordered};
    const struct array_request arrays[] = {ARRAY_IF(ordered, queue->heap, requests), ARRAY_IF(ordered, queue->arrival, requests),
                                           ARRAY_IF(ordered, queue->key, requests)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the waiting queue", diag);
    if (status != SIM_OK)
        request_queue_deinit(queue);
    return status;
}

void request_queue_deinit(struct request_queue *queue)
{
    free(queue->ring);
    free(queue->heap);
    free(queue->arrival);
    free(queue->key);
    *queue = (struct request_queue){0};
}

/* A power of two, so that places wrap with a mask. The queue is laid out anew from the ring's start. */
enum status request_queue_grow(struct request_queue *queue, uint64_t requests, struct diag *diag)
{
    uint32_t *ring;
    size_t room = queue->room ? queue->room : RING_LEAST;
    while (room < requests)
        room *= 2;
    enum status status = array_zeroed(&ring, room, sizeof *ring, "the waiting queue", diag);
    if (status != SIM_OK)
        return status;
    for (uint32_t i = 0; i < queue->count; i++)
        ring[i] = queue->ring[(queue->first + i) & (queue->room - 1)];
    free(queue->ring);
    queue->ring = ring;
    queue->room = room;
    queue->first = 0;
    return SIM_OK;
}

/* A hole moves up instead of swapping pairs; the newcomer is written once. */
static void heap_push(struct request_queue *queue, uint32_t position, int64_t key)
{
    queue->key[position] = key;
    uint32_t at = queue->count++;
    for (; at > 0 && request_queue_sooner(queue, position, queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
        queue->heap[at] = queue->heap[(at - 1) / 2];
    queue->heap[at] = position;
}

static void sift_down(struct request_queue *queue, uint32_t at, uint32_t moved)
{
    for (uint32_t child; (child = 2 * at + 1) < queue->count; at = child) {
        if (child + 1 < queue->count && request_queue_sooner(queue, queue->heap[child + 1], queue->heap[child]))
            child++;
        if (!request_queue_sooner(queue, queue->heap[child], moved))
            break;
        queue->heap[at] = queue->heap[child];
    }
    queue->heap[at] = moved;
}

/* Heapify from the bottom: O(count), less than so many pushes. For policies that change many keys at once before an admission
 * (scheduling_lpm.c). In between, the heap may contradict its keys. */
void request_queue_reorder(struct request_queue *queue)
{
    for (uint32_t at = queue->count / 2; at-- > 0;)
        sift_down(queue, at, queue->heap[at]);
}

void request_queue_push(struct request_queue *queue, uint32_t position, int64_t key)
{
    if (queue->ordered) {
        if (queue->arrival[position] == 0)
            queue->arrival[position] = ++queue->arrivals;
        heap_push(queue, position, key);
        return;
    }
    queue->ring[(queue->first + queue->count++) & (queue->room - 1)] = position;
}

/* vLLM's deque takes a victim back at the left end, so victims of one step, preempted from the last to the first, stand in their old
 * order again. Its priority heap knows no such privilege. */
void request_queue_push_preempted(struct request_queue *queue, uint32_t position, int64_t key)
{
    if (queue->ordered) {
        heap_push(queue, position, key);
        return;
    }
    queue->first = (queue->first - 1) & (queue->room - 1);
    queue->ring[queue->first] = position;
    queue->count++;
}

uint32_t request_queue_peek(const struct request_queue *queue)
{
    return queue->ordered ? queue->heap[0] : queue->ring[queue->first];
}

void request_queue_pop(struct request_queue *queue)
{
    queue->count--;
    if (queue->ordered) {
        sift_down(queue, 0, queue->heap[queue->count]);
        return;
    }
    queue->first = (queue->first + 1) & (queue->room - 1);
}

/* Those in front of it move one place back: whoever is taken out was mostly preempted a moment ago, and stands near the front. In the heap
 * the last one takes its place, and moves up or down from there. */
void request_queue_remove(struct request_queue *queue, uint32_t position)
{
    uint32_t at = 0;
    if (!queue->ordered) {
        const size_t mask = queue->room - 1;
        while (queue->ring[(queue->first + at) & mask] != position)
            at++;
        for (; at > 0; at--)
            queue->ring[(queue->first + at) & mask] = queue->ring[(queue->first + at - 1) & mask];
        request_queue_pop(queue);
        return;
    }
    while (queue->heap[at] != position)
        at++;
    const uint32_t last = queue->heap[--queue->count];
    if (at == queue->count)
        return;
    for (; at > 0 && request_queue_sooner(queue, last, queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
        queue->heap[at] = queue->heap[(at - 1) / 2];
    sift_down(queue, at, last);
}

bool request_queue_check(const struct request_queue *queue)
{
    if (queue->ordered) {
        for (uint32_t at = 1; at < queue->count; at++)
            if (request_queue_sooner(queue, queue->heap[at], queue->heap[(at - 1) / 2]))
                return false;
        return true;
    }
    return queue->count <= queue->room && (queue->room == 0 || queue->first < queue->room);
}
