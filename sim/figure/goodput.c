/* goodput.c - see goodput.h. */
#include "figure/goodput.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "observe/latency.h"

const char *const goodput_names[GOODPUT_LIMITS] = {"ttft", "tpot", "e2el"};

void goodput_init(struct goodput *goodput)
{
    *goodput = (struct goodput){.limit_ms = {-1, -1, -1}};
}

/* One KEY:VALUE that ends at a space or with the text. */
static enum status parse_pair(struct goodput *goodput, const char *text, size_t length, struct diag *diag)
{
    for (int i = 0; i < GOODPUT_LIMITS; i++) {
        const size_t name = strlen(goodput_names[i]);
        if (length <= name || strncmp(text, goodput_names[i], name) != 0 || text[name] != ':')
            continue;
        char *end;
        double limit = strtod(text + name + 1, &end);
        if (end != text + length || end == text + name + 1 || !isfinite(limit) || limit < 0)
            return diag_set(diag, SIM_USAGE, "--goodput %.*s: milliseconds, 0 or more, should follow the colon", (int)length, text);
        goodput->limit_ms[i] = limit;
        goodput->given = true;
        return SIM_OK;
    }
    return diag_set(diag, SIM_USAGE, "--goodput %.*s: must be ttft:MS, tpot:MS or e2el:MS", (int)length, text);
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

static bool is_good(const struct goodput *goodput, const struct request_story *story, uint32_t output_tokens)
{
    static latency_of *const latencies[GOODPUT_LIMITS] = {latency_ttft, latency_tpot, latency_e2e};
    for (int i = 0; i < GOODPUT_LIMITS; i++) {
        double ms;
        if (goodput->limit_ms[i] >= 0 && latencies[i](story, output_tokens, &ms) && ms > goodput->limit_ms[i])
            return false;
    }
    return story->finish_ns >= 0;
}

uint64_t goodput_count(const struct goodput *goodput, const struct metrics *metrics)
{
    uint64_t good = 0;
    for (uint32_t position = 0; position < metrics->trace->count; position++)
        good += is_good(goodput, &metrics->stories[position], metrics->trace->output_tokens[position]);
    return good;
}
