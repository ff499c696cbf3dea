/* size_search.c - closes gaps between probed pools from the top down. size_search.h says why neighbours that decide alike prove all
 * between them; start with size_search at the end. Two neighbouring probes leave
 *
 *     no gap         there is no pool between them, or both may be ends of a sandwich and decide alike
 *     an open gap    otherwise: choose() picks pools in it for the next batch */
#include "study/size_search.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/compare.h"

struct search {
    size_probe_function *probe;
    void *context;
    struct size_found *found;
    uint32_t prove;           /* most pools to replay one by one */
    uint32_t start;           /* where the bound's own class ends: it is wide and closes in no time, what takes time begins below it */
    uint64_t verified, total; /* for the progress bar */
    uint64_t tries, open;     /* replays at the last look at what is open, and how much was */
    double pace;              /* pools that a replay closed before that look; 0: there were fewer than two */
};

/* Equality of hashes of all decisions (observe/decision_hash.h): 64 bits, so a difference is overlooked once in 2^64. */
bool size_sandwich(const struct size_probe *low, const struct size_probe *high)
{
    return low->skips && high->skips && low->decisions == high->decisions;
}

static int by_pool(const void *left, const void *right)
{
    const struct size_probe *a = left, *b = right;
    return compare_u64(a->pool, b->pool);
}

/* Probe pools that were not probed yet, and file them. The batch is written at the end of the list and counted only when all of it
 * succeeded; then the list is sorted again. A few hundred probes take no time to sort next to one replay. */
static enum status make_probes(struct search *search, const uint32_t *pools, size_t count, struct diag *diag)
{
    struct size_found *found = search->found;
    enum status status =
        array_reserve(&found->probes, &found->probe_capacity, found->probe_count + count, sizeof *found->probes, "tried pools", diag);
    if (status != SIM_OK)
        return status;
    struct size_probe *probes = &found->probes[found->probe_count];
    for (size_t i = 0; i < count; i++)
        probes[i] = (struct size_probe){.pool = pools[i]};
    status = search->probe(search->context, probes, count, search->verified, search->total, diag);
    if (status != SIM_OK)
        return status;
    found->probe_count += count;
    found->replays += count;
    qsort(found->probes, found->probe_count, sizeof *found->probes, by_pool);
    return SIM_OK;
}

/* Pools in the gap (low, high), `most` at most: all of them, or the guess at the edge of high's class and a spread of others. The guess
 * is the most blocks that high's replay ever used: a pool of that size often decides the same, and the pool below it does not, so the two
 * probes close a wide gap at once and mark where the next class begins. The others cut what is left into equal parts, in case the guess
 * is wrong. A gap no wider than the number of parts would give the same pool twice, so nothing is spread there. */
static size_t pick(uint32_t low, const struct size_probe *high, uint32_t *pools, size_t most)
{
    uint32_t top = high->pool;
    size_t count = 0;
    if (top - low - 1 <= most) {
        while (--top > low)
            pools[count++] = top;
        return count;
    }
    if (high->hint > low && high->hint < top) {
        pools[count++] = top = high->hint;
        if (count < most && top - 1 > low)
            pools[count++] = --top;
    }
    const uint64_t width = top - low, parts = most - count + 1;
    for (uint64_t i = 1; i < parts && width > parts; i++)
        pools[count++] = (uint32_t)(low + width * i / parts);
    return count;
}

/* Index of the largest failing probe; probe_count when none fails. */
static size_t largest_failing(const struct size_found *found)
{
    for (size_t i = found->probe_count; i-- > 0;)
        if (!found->probes[i].passes)
            return i;
    return found->probe_count;
}

/* Pools to try next in (floor, top], of which `top` is probed, from the topmost gap down. *verified: the lowest pool down to which no gap is open. A batch
 * goes on into lower gaps when the topmost one does not fill it: these probes are wasted if a pool above fails, but the processors would
 * be idle otherwise. */
static size_t choose(const struct size_found *found, uint32_t floor, uint32_t top, uint32_t pools[SIZE_BATCH], uint32_t *verified)
{
    size_t count = 0;
    bool open = false;
    for (size_t i = found->probe_count; i-- > 0 && found->probes[i].pool > floor && count < SIZE_BATCH;) {
        const struct size_probe *high = &found->probes[i], *low = i > 0 ? high - 1 : NULL;
        if (high->pool > top)
            continue;
        const uint32_t from = low && low->pool > floor ? low->pool : floor;
        if (!open)
            *verified = high->pool;
        if (high->pool - from <= 1 || (low && low->pool >= floor && size_sandwich(low, high)))
            continue;
        open = true;
        count += pick(from, high, pools + count, SIZE_BATCH - count);
    }
    return count;
}

/* Pools above the floor of which nothing is known: those of open gaps. `sure`: only of gaps whose upper end may not be one of a sandwich, so
 * that each has to be replayed; smaller pools evict more, so hardly any of them may. */
static uint64_t open_pools(const struct size_found *found, uint32_t floor, bool sure)
{
    uint64_t pools = 0;
    for (size_t i = found->probe_count; i-- > 0 && found->probes[i].pool > floor;) {
        const struct size_probe *high = &found->probes[i], *low = i > 0 ? high - 1 : NULL;
        const bool closed = sure ? high->skips : low && low->pool >= floor && size_sandwich(low, high);
        pools += closed ? 0 : high->pool - (low && low->pool > floor ? low->pool : floor) - 1;
    }
    return pools;
}

/* Every SIZE_TRIES replays: how many pools does one of them close? */
static void look_at_pace(struct search *search, uint32_t floor)
{
    const uint64_t replays = search->found->replays;
    if (replays < search->tries + SIZE_TRIES)
        return;
    const uint64_t open = open_pools(search->found, floor, false);
    if (search->open > 0)
        search->pace = open < search->open ? (double)(search->open - open) / (double)(replays - search->tries) : 1;
    search->tries = replays;
    search->open = open;
}

/* Will it take too many replays? Where neighbours decide the same a replay closes many pools, and it may take a few to see how many. */
static bool is_dear(struct search *search, uint32_t floor)
{
    const struct size_found *found = search->found;
    look_at_pace(search, floor);
    return open_pools(found, floor, true) > search->prove ||
           (search->pace > 0 && (double)open_pools(found, floor, false) > search->pace * search->prove);
}

static bool is_probed(const struct size_found *found, uint32_t pool)
{
    const struct size_probe key = {.pool = pool};
    return bsearch(&key, found->probes, found->probe_count, sizeof key, by_pool) != NULL;
}

/* Was it probed, or does it lie between two that decide the same? */
static bool is_known(const struct size_found *found, uint32_t pool)
{
    size_t low = 0, high = found->probe_count; /* the first probe that is not below the pool is in [low, high] */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (found->probes[middle].pool < pool)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == found->probe_count)
        return false;
    const struct size_probe *next = &found->probes[low];
    return next->pool == pool || (low > 0 && size_sandwich(next - 1, next));
}

/* The next pools of the sample: of the grid; then, if the grid is done, cuts of the bracket, whose upper end is the smallest pool above the
 * floor that was probed; then, if the bracket is closed and `near`, what closes the SIZE_NEAR pools above the floor. 0: there are none. */
static size_t choose_sample(const struct size_found *found, uint32_t floor, bool near, uint32_t pools[SIZE_BATCH])
{
    const uint32_t top = found->bound - floor < SIZE_NEAR ? found->bound : floor + SIZE_NEAR;
    uint32_t verified;
    size_t count = 0, above = floor > 0 ? largest_failing(found) + 1 : 0;
    for (uint32_t pool = found->bound; pool > floor + 1 && count < SIZE_BATCH; pool -= pool / 16 + 1)
        if (!is_known(found, pool))
            pools[count++] = pool;
    if (count > 0)
        return count;
    const uint64_t width = found->probes[above].pool - floor, parts = width < SIZE_BATCH + 1 ? width : SIZE_BATCH + 1;
    for (uint64_t i = 1; i < parts; i++)
        pools[count++] = (uint32_t)(floor + width * i / parts);
    if (count > 0 || !near)
        return count;
    pools[0] = top;
    return is_probed(found, top) ? choose(found, floor, top, pools, &verified) : 1;
}

static uint32_t floor_of(const struct size_found *found)
{
    const size_t failing = largest_failing(found);
    return failing < found->probe_count ? found->probes[failing].pool : 0;
}

/* Sample until nothing is left to choose. */
static enum status sample(struct search *search, bool near, struct diag *diag)
{
    uint32_t pools[SIZE_BATCH];
    size_t count;
    enum status status = SIM_OK;
    while (status == SIM_OK && (count = choose_sample(search->found, floor_of(search->found), near, pools)) > 0)
        status = make_probes(search, pools, count, diag);
    return status;
}

/* What follows from all probes, whatever ended the search. */
static void conclude(struct size_found *found)
{
    found->failing = floor_of(found);
    found->least_passing = found->probes[found->failing > 0 ? largest_failing(found) + 1 : 0].pool;
    found->proved_from = found->bound;
    while (found->proved_from > found->failing + 1) {
        const struct size_probe key = {.pool = found->proved_from};
        const struct size_probe *high = bsearch(&key, found->probes, found->probe_count, sizeof key, by_pool), *low = high - 1;
        if (high == found->probes || low->pool < found->failing || (!size_sandwich(low, high) && low->pool + 1 < high->pool))
            break;
        found->proved_from = low->pool > found->failing ? low->pool : low->pool + 1;
    }
    found->verified = found->failing + 1;
    while (found->verified < found->bound && is_known(found, found->verified + 1))
        found->verified++;
    if (found->verified + 1 >= found->proved_from)
        found->verified = found->bound;
    for (size_t i = 0; i < found->probe_count; i++)
        found->sampled += found->probes[i].pool > found->verified && found->probes[i].pool < found->proved_from;
}

/* Close all gaps between the largest failing pool and the bound; each new failing one raises the floor. What is below the floor does not
 * matter for the answer, so a failing pool near the top ends the search early. Each round probes a pool of an open gap that was not
 * probed, so the loop ends; at worst when every pool above the floor was replayed. */
static enum status close_above(struct search *search, struct diag *diag)
{
    struct size_found *found = search->found;
    for (;;) {
        uint32_t pools[SIZE_BATCH], verified = found->bound;
        /* The bracket first: most of those pools may lie below a failing one that was not met yet. */
        if (is_dear(search, floor_of(found))) {
            if (sample(search, false, diag) != SIM_OK)
                return diag->status;
            if (is_dear(search, floor_of(found)))
                return sample(search, true, diag);
        }
        const uint32_t floor = floor_of(found);
        const size_t count = choose(found, floor, found->bound, pools, &verified);
        if (count == 0)
            return SIM_OK;
        if (search->start == 0 && verified < found->bound)
            search->start = verified;
        if (search->start > floor) {
            search->total = search->start - floor;
            search->verified = search->start - verified;
        }
        if (make_probes(search, pools, count, diag) != SIM_OK)
            return diag->status;
    }
}

/* --- below the answer -------------------------------------------------------------------------------------------------------------- */

/* Ranges come from the top down, so a new one can only touch the last, at its lower end. */
static enum status add_passing(struct size_found *found, uint32_t from, uint32_t to, struct diag *diag)
{
    if (found->passing_count > 0 && found->passing_below[found->passing_count - 1].from == to + 1) {
        found->passing_below[found->passing_count - 1].from = from;
        return SIM_OK;
    }
    const struct size_range range = {.from = from, .to = to};
    return array_append(&found->passing_below, &found->passing_count, &found->passing_capacity, &range, sizeof range, "tried pools", diag);
}

/* Shows the user that verdicts are not monotone: pools below the largest failing one that pass all the same. */
static enum status list_passing(struct size_found *found, uint32_t lowest, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = found->probe_count; i-- > 0 && status == SIM_OK;) {
        const struct size_probe *probe = &found->probes[i];
        if (probe->pool >= found->failing || probe->pool < lowest || !probe->passes)
            continue;
        /* Down to the next probe when the gap was closed by a sandwich. */
        const bool closed = i > 0 && probe[-1].pool >= lowest && size_sandwich(probe - 1, probe);
        status = add_passing(found, closed ? probe[-1].pool + 1 : probe->pool, probe->pool, diag);
    }
    return status;
}

/* The lowest pool of the stretch is the floor now and must be probed first, as the gap above it needs an end. Then the gaps in the
 * stretch are closed as before; those above it are closed already. A failing pool does not raise this floor, because here every pool
 * counts. */
static enum status look_below(struct search *search, uint32_t below, struct diag *diag)
{
    struct size_found *found = search->found;
    if (found->failing <= 1 || below == 0)
        return SIM_OK;
    const uint32_t lowest = found->failing > below ? found->failing - below : 1;
    uint32_t pools[SIZE_BATCH] = {lowest}, verified = 0;
    size_t count = is_probed(found, lowest) ? choose(found, lowest, found->failing, pools, &verified) : 1;
    for (; count > 0; count = choose(found, lowest, found->failing, pools, &verified))
        if (make_probes(search, pools, count, diag) != SIM_OK)
            return diag->status;
    found->looked_at = found->failing - lowest;
    return list_passing(found, lowest, diag);
}

/* The bound first: if it fails there is no answer in the range, and nothing else is worth a replay. If it passes, it is the upper end of
 * the first gap. */
enum status size_search(uint32_t bound, uint32_t prove, uint32_t below, size_probe_function *probe, void *context, struct size_found *out,
                        struct diag *diag)
{
    struct search search = {.probe = probe, .context = context, .found = out, .prove = prove};
    *out = (struct size_found){.bound = bound};
    enum status status = make_probes(&search, &bound, 1, diag);
    if (status != SIM_OK)
        return status;
    if (!out->probes[0].passes) {
        out->failing = bound;
        return SIM_OK;
    }
    status = close_above(&search, diag);
    conclude(out);
    if (status == SIM_OK) {
        out->answer = out->failing + 1;
        status = look_below(&search, below, diag);
    }
    return status;
}

void size_found_deinit(struct size_found *found)
{
    free(found->passing_below);
    free(found->probes);
    *found = (struct size_found){0};
}
