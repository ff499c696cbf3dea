/* latency.h - the latencies of one request, by vLLM's definitions (metrics.h), for everything that looks at requests one by one.
 *
 * Each function gives milliseconds and is false when the request has no such latency. `output_tokens` is the trace's: a sample of a group
 * has the group's token times, its own length is what was asked for.
 */
#ifndef PAGESIM_LATENCY_H
#define PAGESIM_LATENCY_H

#include "observe/metrics.h"

#define LATENCY_NS_PER_MS 1e6

/* Of a request; false: it has none. A sample of a group (V0) has the group's token times; its own length is the trace's. */
typedef bool latency_of(const struct request_story *story, uint32_t output_tokens, double *ms);

/* Arrival to first token. */
static inline bool latency_ttft(const struct request_story *story, uint32_t output_tokens, double *ms)
{
    (void)output_tokens;
    *ms = (double)(story->first_token_ns - story->arrival_ns) / LATENCY_NS_PER_MS;
    return story->first_token_ns >= 0;
}

/* Mean time per token after the first; one token has none. */
static inline bool latency_tpot(const struct request_story *story, uint32_t output_tokens, double *ms)
{
    *ms = (double)(story->finish_ns - story->first_token_ns) / LATENCY_NS_PER_MS / (output_tokens > 1 ? output_tokens - 1 : 1);
    return story->finish_ns >= 0 && output_tokens > 1;
}

/* Arrival to last token. */
static inline bool latency_e2e(const struct request_story *story, uint32_t output_tokens, double *ms)
{
    (void)output_tokens;
    *ms = (double)(story->finish_ns - story->arrival_ns) / LATENCY_NS_PER_MS;
    return story->finish_ns >= 0;
}

/* Arrival to first admission. */
static inline bool latency_queue(const struct request_story *story, uint32_t output_tokens, double *ms)
{
    (void)output_tokens;
    *ms = (double)(story->first_scheduled_ns - story->arrival_ns) / LATENCY_NS_PER_MS;
    return story->first_scheduled_ns >= 0;
}

#endif
