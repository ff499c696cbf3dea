/* request_order.c - sorts positions by number in the file: a counting sort, because the numbers are small and a trace may have millions of
 * requests. Read request_order.h first for who needs it. */
#include "trace/request_order.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/integers.h"
#include "base/sort_with.h"

/* How many numbers the file has, as far as the trace tells. */
static uint32_t count_numbers(const struct trace *trace)
{
    uint32_t most = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        most = max_u32(most, trace_index(trace, position) + 1);
    return most;
}

enum status request_places(const struct trace *trace, uint32_t **out, uint32_t *most, struct diag *diag)
{
    *most = count_numbers(trace);
    enum status status = array_zeroed(out, *most, sizeof **out, "the places of requests", diag);
    for (uint32_t position = trace->count; position-- > 0 && status == SIM_OK;)
        (*out)[trace_index(trace, position)] = position + 1;
    return status;
}

enum status request_order(const struct trace *trace, uint32_t **out, struct diag *diag)
{
    const uint32_t most = count_numbers(trace);
    uint32_t *order = NULL, *next = NULL;
    const struct array_request arrays[] = {ARRAY_OF(next, (size_t)most + 1), ARRAY_OF(order, trace->count)};
    enum status status = array_zeroed_all(arrays, 2, "the order of requests", diag);
    if (status == SIM_OK) {
        for (uint32_t position = 0; position < trace->count; position++)
            next[trace_index(trace, position) + 1]++;
        for (uint32_t index = 0; index < most; index++)
            next[index + 1] += next[index];
        /* Samples of a request are adjacent and in order already (trace_expand_samples). */
        for (uint32_t position = 0; position < trace->count; position++)
            order[next[trace_index(trace, position)]++] = position;
        *out = order;
    }
    free(next);
    return status;
}

/* Samples of one request share time and number, and keep their order. */
static int by_arrival(const void *a, const void *b, void *context)
{
    const struct trace *trace = context;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (trace->arrival_ns[x] != trace->arrival_ns[y])
        return trace->arrival_ns[x] < trace->arrival_ns[y] ? -1 : 1;
    if (trace_index(trace, x) != trace_index(trace, y))
        return trace_index(trace, x) < trace_index(trace, y) ? -1 : 1;
    return (x > y) - (x < y);
}

void trace_sort_by_arrival(const struct trace *trace, uint32_t *order, size_t count)
{
    sort_with(order, count, sizeof *order, by_arrival, (void *)(uintptr_t)trace);
}

enum status trace_arrival_order(const struct trace *trace, uint32_t **out, struct diag *diag)
{
    enum status status = array_zeroed(out, trace->count, sizeof **out, "the order of arrivals", diag);
    for (uint32_t position = 0; position < trace->count && status == SIM_OK; position++)
        (*out)[position] = position;
    if (status == SIM_OK)
        trace_sort_by_arrival(trace, *out, trace->count);
    return status;
}
