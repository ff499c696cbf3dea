/* latency.h - the one list of latencies. Everything that reports, asks for or limits a latency uses this enumeration. The definitions are
 * vLLM's; metrics.h computes them.
 */
#ifndef PAGESIM_LATENCY_H
#define PAGESIM_LATENCY_H

#include <stdbool.h>
#include <stdint.h>

enum latency {
    LATENCY_TTFT,  /* arrival to first token */
    LATENCY_TPOT,  /* mean time per token after the first; one token has none */
    LATENCY_ITL,   /* gap between two tokens: not one value a request, but all gaps pooled */
    LATENCY_E2EL,  /* arrival to last token */
    LATENCY_QUEUE, /* arrival to first admission */
    /* Of a closed loop (closed_loop.h), where arrival is when the client sends the request, and the client sends it when a slot is free: */
    LATENCY_CLIENT_QUEUE,      /* the time for which the request was due to arrival */
    LATENCY_E2EL_CLIENT_QUEUE, /* the time for which the request was due to last token */
    LATENCIES
};

/* Only closed loops have it. */
static inline bool latency_of_client(enum latency latency)
{
    return latency == LATENCY_CLIENT_QUEUE || latency == LATENCY_E2EL_CLIENT_QUEUE;
}

/* As in names of figures: "ttft", "tpot", "itl", "e2el", "queue", ...; and for people: "TTFT", ... */
extern const char *const latency_names[LATENCIES], *const latency_titles[LATENCIES];

/* The latency with that name, `length` characters long; LATENCIES when there is none. */
enum latency latency_find(const char *name, uint32_t length);

#endif
