/* goodput.c - parses limits as vLLM's benchmark takes them and counts the requests that met them all. Read goodput.h first for the rules;
 * is_good() is where they are applied. */
#include "figure/goodput.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The three latencies that vLLM's --goodput knows. Queue time is not the client's, and ITL belongs to gaps. */
static bool may_be_limited(enum latency latency)
{
    return latency == LATENCY_TTFT || latency == LATENCY_TPOT || latency == LATENCY_E2EL;
}

void goodput_init(struct goodput *goodput)
{
    *goodput = (struct goodput){.given = false};
    for (int latency = 0; latency < LATENCIES; latency++)
        goodput->limit_ms[latency] = -1;
}

/* One KEY:VALUE that ends at a space or with the text. */
static enum status parse_pair(struct goodput *goodput, const char *text, size_t length, struct diag *diag)
{
    const char *colon = memchr(text, ':', length);
    const enum latency latency = colon ? latency_find(text, (uint32_t)(colon - text)) : LATENCIES;
    if (!may_be_limited(latency))
        return diag_set(diag, SIM_USAGE, "--goodput %.*s: must be ttft:MS, tpot:MS or e2el:MS", (int)length, text);
    char *end;
    double limit = strtod(colon + 1, &end);
    if (end != text + length || end == colon + 1 || !isfinite(limit) || limit < 0)
        return diag_set(diag, SIM_USAGE, "--goodput %.*s: milliseconds, 0 or more, should follow the colon", (int)length, text);
    goodput->limit_ms[latency] = limit;
    goodput->given = true;
    return SIM_OK;
}

enum status goodput_parse(struct goodput *goodput, const char *text, struct diag *diag)
{
    enum status status = SIM_OK;
    text += strspn(text, " ");
    if (*text == '\0')
        return diag_set(diag, SIM_USAGE, "--goodput needs limits, as in ttft:500 tpot:50");
    while (status == SIM_OK && *text) {
        size_t length = strcspn(text, " ");
        status = parse_pair(goodput, text, length, diag);
        text += length;
        text += strspn(text, " ");
    }
    return status;
}

/* A latency that the request does not have cannot break a limit: a request of one token meets any limit on TPOT, as in vLLM. */
static bool is_good(const struct goodput *goodput, const struct metrics *metrics, uint32_t position)
{
    const struct request_story story = metrics_story(metrics, position);
    for (int latency = 0; latency < LATENCIES; latency++) {
        double ms;
        if (goodput->limit_ms[latency] >= 0 && request_latency_ms(&story, (enum latency)latency, metrics->trace, position, &ms) &&
            ms > goodput->limit_ms[latency])
            return false;
    }
    return story.finish_ns >= 0;
}

uint64_t goodput_count(const struct goodput *goodput, const struct metrics *metrics)
{
    uint64_t good = 0;
    for (uint32_t position = 0; position < metrics->trace->count; position++)
        good += is_good(goodput, metrics, position);
    return good;
}
