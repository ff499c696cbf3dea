/* latency.c - the names of the latencies. Read latency.h first. A new latency is a row there, two names here and a case in
 * request_latency_ms (metrics.h). */
#include "observe/latency.h"

#include <string.h>

const char *const latency_names[LATENCIES] = {"ttft", "tpot", "itl", "e2el", "queue", "client_queue_time", "e2el_including_client_queue"};
const char *const latency_titles[LATENCIES] = {"TTFT", "TPOT", "ITL", "E2E", "queue", "client queue", "E2E + client"};

enum latency latency_find(const char *name, uint32_t length)
{
    uint32_t i = 0;
    while (i < LATENCIES && (strlen(latency_names[i]) != length || memcmp(latency_names[i], name, length) != 0))
        i++;
    return (enum latency)i;
}
