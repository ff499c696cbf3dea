/* gap_distribution.c - see gap_distribution.h. Percentiles: one pass counts weights in buckets (a progression that stays in one is counted
 * at once), a second collects what lies in the few buckets that hold a wanted rank; only those are sorted. Buckets start at 4 us and widen
 * with the distance from the least gap, 1024 to an octave, because most gaps of a replay are short and a few are very long. */
#include "observe/gap_distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/array.h"

#define NS_PER_MS 1e6

enum { FINEST_BITS = 12, OCTAVE_BITS = 10, OCTAVE = 1 << OCTAVE_BITS, LONGEST = 4096 };

struct weighted_gap {
    int64_t gap_ns;
    uint64_t weight;
};

/* Does a single gap continue the newest progression? So the plain schedulers' steps, told one by one, become progressions as well. */
static bool continues(struct gap_progression *newest, int64_t gap_ns, uint32_t weight)
{
    if (newest->weight != weight || newest->count == LONGEST)
        return false;
    if (newest->count == 1 && llabs(gap_ns - newest->first_ns) < 1 << FINEST_BITS) /* else they have nothing to do with each other */
        newest->change_ns = gap_ns - newest->first_ns;
    else if (newest->count == 1 || gap_ns != newest->first_ns + newest->change_ns * (int64_t)newest->count)
        return false;
    newest->count++;
    return true;
}

enum status gap_distribution_add(struct gap_distribution *gaps, int64_t first_ns, int64_t change_ns, uint32_t count, uint32_t weight,
                                 struct diag *diag)
{
    gaps->total += (uint64_t)count * weight;
    if (count == 1 && gaps->run_count > 0 && continues(&gaps->runs[gaps->run_count - 1], first_ns, weight))
        return SIM_OK;
    if (gaps->run_count == gaps->capacity) {
        enum status status =
            array_reserve(&gaps->runs, &gaps->capacity, gaps->run_count + 1, sizeof *gaps->runs, "the gaps between tokens", diag);
        if (status != SIM_OK)
            return status;
    }
    gaps->runs[gaps->run_count++] =
        (struct gap_progression){.first_ns = first_ns, .change_ns = change_ns, .count = count, .weight = weight};
    return SIM_OK;
}

enum status gap_distribution_reserve(struct gap_distribution *gaps, size_t runs, struct diag *diag)
{
    return array_reserve(&gaps->runs, &gaps->capacity, runs, sizeof *gaps->runs, "the gaps between tokens", diag);
}

void gap_distribution_deinit(struct gap_distribution *gaps)
{
    free(gaps->runs);
    *gaps = (struct gap_distribution){0};
}

/* --- percentiles ------------------------------------------------------------------------------------------------------------------ */

struct gap_ranking {
    const struct gap_distribution *gaps;
    int64_t min_ns, max_ns;
    size_t buckets;
    uint64_t *below;             /* buckets + 1: weight in the buckets before */
    bool *wanted;                /* buckets: holds a rank that is asked for */
    struct weighted_gap *sorted; /* the gaps in all wanted buckets */
    size_t sorted_count, sorted_capacity;
};

static int64_t last_of(const struct gap_progression *run)
{
    return run->first_ns + run->change_ns * (int64_t)(run->count - 1);
}

/* Rises with the gap: the distance itself below an octave, then an exponent and the OCTAVE_BITS bits behind the leading one. */
static size_t bucket_of(const struct gap_ranking *ranking, int64_t gap_ns)
{
    const uint64_t distance = (uint64_t)(gap_ns - ranking->min_ns) >> FINEST_BITS;
    if (distance < OCTAVE)
        return distance;
    const unsigned shift = 63 - OCTAVE_BITS - (unsigned)__builtin_clzll(distance);
    return (size_t)((shift * (uint64_t)OCTAVE) + (distance >> shift));
}

/* The least gap of a bucket: the inverse of bucket_of. */
static int64_t least_gap_of(const struct gap_ranking *ranking, size_t bucket)
{
    const unsigned shift = bucket < 2 * (size_t)OCTAVE ? 0 : (unsigned)(bucket / OCTAVE) - 1;
    return ranking->min_ns + (int64_t)((bucket - shift * (uint64_t)OCTAVE) << shift << FINEST_BITS);
}

static void find_range(struct gap_ranking *ranking)
{
    const struct gap_distribution *gaps = ranking->gaps;
    ranking->min_ns = INT64_MAX;
    ranking->max_ns = INT64_MIN;
    for (size_t i = 0; i < gaps->run_count; i++) {
        int64_t first = gaps->runs[i].first_ns, last = last_of(&gaps->runs[i]);
        int64_t low = first < last ? first : last, high = first < last ? last : first;
        ranking->min_ns = low < ranking->min_ns ? low : ranking->min_ns;
        ranking->max_ns = high > ranking->max_ns ? high : ranking->max_ns;
    }
    ranking->buckets = bucket_of(ranking, ranking->max_ns) + 1;
}

/* A rising progression, bucket by bucket. */
static void count_rising(struct gap_ranking *ranking, const struct gap_progression *run, size_t bucket)
{
    int64_t gap_ns = run->first_ns;
    for (uint32_t left = run->count, in; left > 0; left -= in) {
        const int64_t room_ns = least_gap_of(ranking, bucket + 1) - gap_ns; /* > 0 */
        const int64_t fit = (room_ns + run->change_ns - 1) / run->change_ns;
        in = fit < left ? (uint32_t)fit : left;
        ranking->below[bucket + 1] += (uint64_t)in * run->weight;
        gap_ns += run->change_ns * in;
        bucket = in < left ? bucket_of(ranking, gap_ns) : bucket;
    }
}

static void count_weights(struct gap_ranking *ranking)
{
    for (size_t i = 0; i < ranking->gaps->run_count; i++) {
        const struct gap_progression *run = &ranking->gaps->runs[i];
        size_t first = bucket_of(ranking, run->first_ns);
        if (first == bucket_of(ranking, last_of(run))) {
            ranking->below[first + 1] += (uint64_t)run->count * run->weight;
            continue;
        }
        if (run->change_ns > 0) {
            count_rising(ranking, run, first);
            continue;
        }
        int64_t gap_ns = run->first_ns;
        for (uint32_t k = 0; k < run->count; k++, gap_ns += run->change_ns)
            ranking->below[bucket_of(ranking, gap_ns) + 1] += run->weight;
    }
    for (size_t bucket = 0; bucket < ranking->buckets; bucket++)
        ranking->below[bucket + 1] += ranking->below[bucket];
}

static enum status collect_run(struct gap_ranking *ranking, const struct gap_progression *run, struct diag *diag)
{
    const uint32_t steps = run->change_ns == 0 ? 1 : run->count;
    const uint64_t weight = run->change_ns == 0 ? (uint64_t)run->count * run->weight : run->weight;
    enum status status = array_reserve(&ranking->sorted, &ranking->sorted_capacity, ranking->sorted_count + steps, sizeof *ranking->sorted,
                                       "the gaps between tokens", diag);
    int64_t gap_ns = run->first_ns;
    for (uint32_t k = 0; k < steps && status == SIM_OK; k++, gap_ns += run->change_ns)
        if (ranking->wanted[bucket_of(ranking, gap_ns)])
            ranking->sorted[ranking->sorted_count++] = (struct weighted_gap){gap_ns, weight};
    return status;
}

static int by_gap(const void *a, const void *b)
{
    int64_t left = ((const struct weighted_gap *)a)->gap_ns, right = ((const struct weighted_gap *)b)->gap_ns;
    return left < right ? -1 : left > right;
}

static enum status collect(struct gap_ranking *ranking, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < ranking->gaps->run_count && status == SIM_OK; i++) {
        const struct gap_progression *run = &ranking->gaps->runs[i];
        size_t first = bucket_of(ranking, run->first_ns), last = bucket_of(ranking, last_of(run));
        size_t low = first < last ? first : last, high = first < last ? last : first;
        while (low < high && !ranking->wanted[low])
            low++;
        if (ranking->wanted[low])
            status = collect_run(ranking, run, diag);
    }
    if (ranking->sorted_count > 0)
        qsort(ranking->sorted, ranking->sorted_count, sizeof *ranking->sorted, by_gap);
    return status;
}

static int64_t gap_at(const struct gap_ranking *ranking, uint64_t rank)
{
    size_t bucket = bucket_of_rank(ranking->below, ranking->buckets, rank), i = 0;
    uint64_t before = ranking->below[bucket];
    while (bucket_of(ranking, ranking->sorted[i].gap_ns) < bucket)
        i++;
    while (before + ranking->sorted[i].weight <= rank)
        before += ranking->sorted[i++].weight;
    return ranking->sorted[i].gap_ns;
}

static enum status rank_gaps(struct gap_ranking *ranking, const double *percentiles, size_t count, double *out_ms, struct diag *diag)
{
    double fraction;
    find_range(ranking);
    enum status status = array_zeroed(&ranking->below, ranking->buckets + 1, sizeof *ranking->below, "the gaps between tokens", diag);
    if (status == SIM_OK)
        status = array_zeroed(&ranking->wanted, ranking->buckets, sizeof *ranking->wanted, "the gaps between tokens", diag);
    if (status != SIM_OK)
        return status;
    count_weights(ranking);
    for (size_t i = 0; i < count; i++) {
        uint64_t rank = percentile_rank(percentiles[i], ranking->gaps->total, &fraction);
        ranking->wanted[bucket_of_rank(ranking->below, ranking->buckets, rank)] = true;
        ranking->wanted[bucket_of_rank(ranking->below, ranking->buckets, fraction > 0 ? rank + 1 : rank)] = true;
    }
    status = collect(ranking, diag);
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        uint64_t rank = percentile_rank(percentiles[i], ranking->gaps->total, &fraction);
        double low = (double)gap_at(ranking, rank), high = fraction > 0 ? (double)gap_at(ranking, rank + 1) : low;
        out_ms[i] = (low + fraction * (high - low)) / NS_PER_MS;
    }
    return status;
}

enum status gap_distribution_percentiles(const struct gap_distribution *gaps, const double *percentiles, size_t count, double *out_ms,
                                         struct diag *diag)
{
    struct gap_ranking ranking = {.gaps = gaps};
    for (size_t i = 0; i < count; i++)
        out_ms[i] = 0;
    enum status status = gaps->total > 0 ? rank_gaps(&ranking, percentiles, count, out_ms, diag) : SIM_OK;
    free(ranking.below);
    free(ranking.wanted);
    free(ranking.sorted);
    return status;
}

/* --- mean and deviation ----------------------------------------------------------------------------------------------------------- */

/* Sums over all gaps of (gap - origin) and its square. */
static void power_sums(const struct gap_distribution *gaps, int64_t origin_ns, __int128 *sum, __int128 *squares)
{
    *sum = *squares = 0;
    for (size_t i = 0; i < gaps->run_count; i++) {
        const struct gap_progression *run = &gaps->runs[i];
        const int64_t first = run->first_ns - origin_ns, weight = run->weight;
        const __int128 square = (__int128)first * first;
        if (run->count == 1) {
            *sum += (__int128)first * weight;
            *squares += square * weight;
            continue;
        }
        /* Sums of k and of k^2 for k below n; n is a few thousand at the most (step.h). */
        const uint64_t n = run->count, numbers = n * (n - 1) / 2, number_squares = numbers * (2 * n - 1) / 3;
        const __int128 change = run->change_ns;
        *sum += (__int128)weight * ((__int128)first * (int64_t)n + change * (int64_t)numbers);
        *squares += weight * (square * (int64_t)n + (__int128)(2 * numbers) * first * change + change * change * (int64_t)number_squares);
    }
}

enum status gap_distribution_figures(const struct gap_distribution *gaps, struct figures *out, struct diag *diag)
{
    static const double wanted[] = {0, 50, 90, 95, 99, 100};
    double found[sizeof wanted / sizeof *wanted];
    *out = (struct figures){.count = gaps->total};
    enum status status = gap_distribution_percentiles(gaps, wanted, sizeof wanted / sizeof *wanted, found, diag);
    if (status != SIM_OK || gaps->total == 0)
        return status;
    const double total = (double)gaps->total;
    const int64_t origin_ns = (int64_t)(found[1] * NS_PER_MS); /* squares around the median lose no digits that matter */
    __int128 sum, squares;
    power_sums(gaps, origin_ns, &sum, &squares);
    const double off = (double)sum / total;
    out->mean = ((double)origin_ns + off) / NS_PER_MS;
    out->std = sqrt((double)squares / total - off * off) / NS_PER_MS;
    out->min = found[0];
    out->median = found[1];
    out->p90 = found[2];
    out->p95 = found[3];
    out->p99 = found[4];
    out->max = found[5];
    return SIM_OK;
}
