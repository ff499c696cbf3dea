/* transfer_queue.c - a ring. Read transfer_queue.h first. */
#include "vllm_v1/transfer_queue.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"

enum status transfer_queue_init(struct transfer_queue *queue, size_t capacity, int64_t latency_ns, double block_ns, struct diag *diag)
{
    *queue = (struct transfer_queue){.capacity = capacity, .latency_ns = latency_ns, .block_ns = block_ns};
    return array_zeroed(&queue->ring, capacity, sizeof *queue->ring, "transfers", diag);
}

void transfer_queue_deinit(struct transfer_queue *queue)
{
    free(queue->ring);
    *queue = (struct transfer_queue){0};
}

void transfer_queue_ask(struct transfer_queue *queue, uint32_t position, uint32_t first, uint32_t blocks)
{
    assert(queue->count < queue->capacity);
    queue->ring[(queue->first + queue->count++) % queue->capacity] =
        (struct transfer){.end_ns = INT64_MAX, .position = position, .first = first, .blocks = blocks};
}

/* Rounded up to a nanosecond. What would end after the clock does never ends. */
static int64_t duration_ns(const struct transfer_queue *queue, uint32_t blocks)
{
    const double bytes_ns = ceil(queue->block_ns * blocks);
    int64_t all_ns;
    if (!(bytes_ns < 0x1p63) || __builtin_add_overflow((int64_t)bytes_ns, queue->latency_ns, &all_ns))
        return INT64_MAX;
    return all_ns;
}

void transfer_queue_begin(struct transfer_queue *queue, int64_t start_ns)
{
    for (; queue->begun < queue->count; queue->begun++) {
        struct transfer *transfer = &queue->ring[(queue->first + queue->begun) % queue->capacity];
        if (__builtin_add_overflow(max_i64(start_ns, queue->free_ns), duration_ns(queue, transfer->blocks), &queue->free_ns))
            queue->free_ns = INT64_MAX;
        transfer->end_ns = queue->free_ns;
    }
}

int64_t transfer_queue_next_ns(const struct transfer_queue *queue)
{
    return queue->begun > 0 ? transfer_queue_at(queue, 0)->end_ns : INT64_MAX;
}

bool transfer_queue_pop(struct transfer_queue *queue, int64_t now_ns, struct transfer *out)
{
    if (queue->begun == 0 || transfer_queue_at(queue, 0)->end_ns > now_ns)
        return false;
    *out = *transfer_queue_at(queue, 0);
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->begun--;
    return true;
}
