/* tune_race.c - spread, race, climbs, pairs; tune_race.h says what for. Start with tune_race at the end. */
#include "study/tune_race.h"

#include <stdlib.h>

#include "base/array.h"

enum { STARTS = 8, PAIRS_MOST = 4096, RACE_RUNGS = 64 };

/* --- the spread ---------------------------------------------------------------------------------------------------------------------------- */

/* Richtmyer's sequence: multiples of the square roots of the first primes, modulo 1, fill a cube evenly. In integers: the fractions of these
 * roots times 2^64, which are also where SHA-512 and SHA-384 begin. */
static const uint64_t roots[TUNE_KEYS_MOST] = {
    UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b), UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
    UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f), UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179),
    UINT64_C(0xcbbb9d5dc1059ed8), UINT64_C(0x629a292a367cd507), UINT64_C(0x9159015a3070dd17), UINT64_C(0x152fecd8f70e5939),
    UINT64_C(0x67332667ffc00b31), UINT64_C(0x8eb44a8768581511), UINT64_C(0xdb0c2e0d64f98fa7), UINT64_C(0x47b5481dbefa4fa4)};

static size_t spread_point(const struct tune_plan *plan, uint64_t number)
{
    size_t point = 0;
    for (uint32_t key = 0; key < plan->points.varied.count; key++)
        point += (size_t)((number * roots[key] >> 32) * plan->digits[key] >> 32) * plan->stride[key];
    return point;
}

/* Candidates that were not tried, and are now; refused ones and those that come again are passed over. */
static size_t choose_spread(const struct tune_search *search, bool *tried, uint32_t *list)
{
    const size_t wanted = search->question->spread;
    size_t count = 0;
    for (uint64_t number = 1; number <= 4 * wanted && count < wanted; number++) {
        const uint32_t candidate = search->by_point[spread_point(search->question->plan, number)];
        if (candidate == 0 || tried[candidate - 1])
            continue;
        tried[candidate - 1] = true;
        list[count++] = candidate - 1;
    }
    return count;
}

/* --- the race -------------------------------------------------------------------------------------------------------------------------------- */

/* So many rungs below where it would be the best. */
static int32_t rung_below(const struct tune_search *search, uint32_t candidate, int32_t rungs)
{
    const int32_t floor = tune_search_floor(search, candidate, 0), most = search->question->ladder->count - 1;
    return floor - rungs < 0 ? 0 : floor - rungs > most ? most : floor - rungs;
}

/* Keep those of the list that pass there with the first seed; a race is no proof, and needs no more. */
static enum status pass_on(struct tune_search *search, int32_t rungs, uint32_t *list, size_t *count, struct diag *diag)
{
    size_t kept = 0;
    enum status status = SIM_OK;
    for (size_t next = 0; next < *count && status == SIM_OK; next += TUNE_BATCH) {
        struct tune_job jobs[TUNE_BATCH];
        const size_t made = *count - next < TUNE_BATCH ? *count - next : TUNE_BATCH;
        for (size_t i = 0; i < made; i++)
            jobs[i] = (struct tune_job){.candidate = list[next + i], .verdict = true, .start = rung_below(search, list[next + i], rungs)};
        status = tune_trials_do(&search->trials, jobs, made, diag);
        for (size_t i = 0; i < made && status == SIM_OK; i++)
            if (jobs[i].passes)
                list[kept++] = jobs[i].candidate;
    }
    *count = kept;
    return status;
}

/* The first STARTS of `list` are the nearest afterwards. Who falls out at a load where too few pass stays behind these, in the order of the
 * list. */
static enum status race(struct tune_search *search, uint32_t *list, size_t count, struct diag *diag)
{
    uint32_t *field;
    enum status status = array_zeroed(&field, count, sizeof *field, "candidates", diag);
    if (status != SIM_OK)
        return status;
    for (int32_t rungs = RACE_RUNGS; rungs > 0 && count > STARTS && status == SIM_OK; rungs /= 2) {
        size_t kept = count;
        for (size_t i = 0; i < count; i++)
            field[i] = list[i];
        status = pass_on(search, rungs, field, &kept, diag);
        if (status != SIM_OK || kept == 0)
            break;
        for (size_t i = 0, at = 0, next = kept; i < count; i++) { /* those who passed first, each in their order */
            const bool passed = at < kept && list[i] == field[at];
            at += passed;
            if (!passed && next < count)
                field[next++] = list[i];
        }
        for (size_t i = 0; i < count; i++)
            list[i] = field[i];
        count = kept > STARTS ? kept : STARTS;
    }
    free(field);
    return status;
}

/* The same order by what is known already: the values of an objective. Unknown ones do not meet the limits. */
static void rank_by_objective(const struct tune_search *search, uint32_t *list, size_t count)
{
    for (size_t place = 0; place < STARTS && place < count; place++)
        for (size_t i = place + 1; i < count; i++)
            if (tune_is_better(search, list[i], &search->values[list[i]], list[place], &search->values[list[place]])) {
                const uint32_t moved = list[i];
                list[i] = list[place];
                list[place] = moved;
            }
}

static enum status climb_from_spread(struct tune_search *search, bool *tried, struct diag *diag)
{
    uint32_t *list;
    enum status status = array_zeroed(&list, search->question->spread, sizeof *list, "candidates", diag);
    if (status != SIM_OK)
        return status;
    const size_t count = choose_spread(search, tried, list);
    status = tune_search_try(search, list, count, diag);
    if (status == SIM_OK && search->question->objective.name[0])
        rank_by_objective(search, list, count);
    else if (status == SIM_OK)
        status = race(search, list, count, diag);
    for (size_t i = 0; i < count && i < STARTS && status == SIM_OK; i++)
        status = tune_search_climb_from(search, list[i], rung_below(search, list[i], 1), diag);
    free(list);
    return status;
}

/* --- pairs ------------------------------------------------------------------------------------------------------------------------------------ */

/* Untried candidates that differ from the best in two keys; more than `most`: some of them. */
static size_t list_pairs(const struct tune_search *search, const bool *tried, uint32_t *list, size_t most)
{
    const struct tune_plan *plan = search->question->plan;
    const size_t point = search->candidates[search->best].point;
    size_t count = 0;
    for (uint32_t first = 0; first < plan->points.varied.count; first++)
        for (uint32_t second = first + 1; second < plan->points.varied.count; second++)
            for (uint32_t a = 0; a < plan->digits[first]; a++)
                for (uint32_t b = 0; b < plan->digits[second] && count <= most; b++) {
                    const uint32_t candidate = search->by_point[tune_with(plan, tune_with(plan, point, first, a), second, b)];
                    const bool both = a != tune_digit(plan, point, first) && b != tune_digit(plan, point, second);
                    if (both && candidate > 0 && !tried[candidate - 1])
                        list[count++] = candidate - 1;
                }
    return count;
}

/* Each around the best once more whenever there is a new one. */
static enum status try_pairs(struct tune_search *search, bool *tried, struct diag *diag)
{
    uint32_t *list;
    enum status status = array_zeroed(&list, PAIRS_MOST + 1, sizeof *list, "candidates", diag);
    while (status == SIM_OK && !search->pairs) {
        const uint32_t before = search->best;
        status = tune_search_climb(search, tried, diag);
        const size_t count = status == SIM_OK ? list_pairs(search, tried, list, PAIRS_MOST) : 0;
        if (count > PAIRS_MOST)
            break;
        for (size_t i = 0; i < count; i++)
            tried[list[i]] = true;
        if (status == SIM_OK)
            status = tune_search_try(search, list, count, diag);
        search->pairs = count == 0 && search->best == before;
    }
    free(list);
    return status;
}

enum status tune_race(struct tune_search *search, bool *tried, struct diag *diag)
{
    enum status status = climb_from_spread(search, tried, diag);
    return status == SIM_OK ? try_pairs(search, tried, diag) : status;
}
