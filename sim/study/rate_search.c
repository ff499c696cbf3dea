/* rate_search.c - bracket, bisection and band; rate_search.h says what for. Verdicts are kept by rung, so that no load is tried twice.
 * Start with rate_search at the end. */
#include "study/rate_search.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"

/* --- the ladder --------------------------------------------------------------------------------------------------------------------- */

/* Six digits: enough for steps of a thousandth, and short enough to be typed. */
static double rounded(double load)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", load);
    return strtod(text, NULL);
}

/* By multiplication alone, which has the same bits on every machine; pow has not. */
enum status rate_ladder_make(double base, double step, struct rate_ladder *out, struct diag *diag)
{
    enum { RANGE = 1000 };
    double load = base;
    int32_t half = 0;
    while (load < base * RANGE) {
        load *= 1 + step;
        half++;
    }
    *out = (struct rate_ladder){.count = 2 * half + 1, .base = half, .step = step};
    enum status status = array_zeroed(&out->loads, (size_t)out->count, sizeof *out->loads, "loads", diag);
    if (status != SIM_OK)
        return status;
    load = base;
    for (int32_t i = half; i < out->count; i++) {
        out->loads[i] = rounded(load);
        load *= 1 + step;
    }
    load = base;
    for (int32_t i = half; i >= 0; i--) {
        out->loads[i] = rounded(load);
        load /= 1 + step;
    }
    return SIM_OK;
}

void rate_ladder_deinit(struct rate_ladder *ladder)
{
    free(ladder->loads);
    *ladder = (struct rate_ladder){0};
}

/* --- the search --------------------------------------------------------------------------------------------------------------------- */

enum known { UNKNOWN, PASSES, FAILS };

struct search {
    rate_verdict *verdict;
    void *context;
    int32_t count;
    unsigned char *known; /* enum known, by rung */
    struct rate_found *found;
    struct diag *diag;
};

/* False also after an error, which diag tells: every loop below ends on false or looks at diag. */
static bool passes(struct search *search, int32_t rung)
{
    bool passes = false;
    if (search->known[rung] == UNKNOWN) {
        if (search->verdict(search->context, rung, &passes, search->diag) != SIM_OK)
            return false;
        search->known[rung] = passes ? PASSES : FAILS;
        search->found->probes++;
    }
    return search->known[rung] == PASSES;
}

/* Two rungs of which the lower passes and the upper fails; -1 and `count` stand for the ends, which need no replay. Steps double, as nobody
 * knows how far it is. */
static void bracket(struct search *search, int32_t start, int32_t floor, int32_t *low, int32_t *high)
{
    *low = -1;
    *high = search->count;
    if (passes(search, start)) {
        *low = start;
        for (int32_t step = 1; *high == search->count && *low < search->count - 1; step *= 2) {
            const int32_t next = *low + step < search->count ? *low + step : search->count - 1;
            *(passes(search, next) ? low : high) = next;
        }
        return;
    }
    *high = start;
    for (int32_t step = 1; *low == -1 && *high > 0 && *high > floor && search->diag->status == SIM_OK; step *= 2) {
        const int32_t next = *high > step ? *high - step : 0;
        *(passes(search, next) ? low : high) = next;
    }
}

static void bisect(struct search *search, int32_t *low, int32_t *high)
{
    while (*high - *low > 1 && search->diag->status == SIM_OK) {
        const int32_t middle = *low + (*high - *low) / 2;
        *(passes(search, middle) ? low : high) = middle;
    }
}

/* So many loads in a row must pass below the answer. */
static int32_t settle_low(struct search *search, int32_t low, int32_t floor)
{
    for (int32_t rung = low; rung > low - RATE_BAND && rung >= 0 && low >= floor && search->diag->status == SIM_OK; rung--)
        if (!passes(search, rung))
            low = rung - 1;
    return low;
}

/* And so many in a row must fail above. */
static int32_t settle_high(struct search *search, int32_t high)
{
    for (int32_t rung = high; rung < high + RATE_BAND && rung < search->count && search->diag->status == SIM_OK; rung++)
        if (passes(search, rung))
            high = rung + 1;
    return high;
}

enum status rate_search(int32_t count, int32_t start, int32_t floor, rate_verdict *verdict, void *context, struct rate_found *out,
                        struct diag *diag)
{
    struct search search = {.verdict = verdict, .context = context, .count = count, .found = out, .diag = diag};
    int32_t low, high;
    *out = (struct rate_found){.passes_to = -1};
    enum status status = array_zeroed(&search.known, (size_t)count, 1, "tried loads", diag);
    if (status != SIM_OK)
        return status;
    bracket(&search, start, floor, &low, &high);
    if (high > floor)
        bisect(&search, &low, &high);
    out->passes_to = high > floor ? settle_low(&search, low, floor) : high - 1;
    out->fails_from = out->passes_to >= floor ? settle_high(&search, high) : high;
    free(search.known);
    return diag->status;
}
