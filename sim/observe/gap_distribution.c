/* gap_distribution.c - adding progressions (first half) and percentiles of them (second half). Read gap_distribution.h first, then
 * distribution.c, which selects ranks in the same way.
 *
 * A new progression is added to the sums and counted in buckets right away; one that stays in a single bucket costs one addition. At the
 * end the buckets say where the wanted ranks are, one pass over the progressions collects the gaps in those few buckets, and only these are
 * sorted. Buckets widen with the gap, 1024 to an octave: gaps of 10 ms share a bucket if they differ by less than 8 us. */
#include "observe/gap_distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/integers.h"

#define NS_PER_MS 1e6

enum { OCTAVE_BITS = 10, OCTAVE = 1 << OCTAVE_BITS, BUCKETS = OCTAVE * (64 - OCTAVE_BITS), NEAR_NS = 4096 };
/* So many progressions, a megabyte, are kept as they are before they are packed: more than most replays have. */
enum { UNPACKED_MOST = 64 * GAP_BLOCK };
enum { COUNT_MOST = (1 << GAP_COUNT_BITS) - 1, WEIGHT_MOST = (1 << GAP_WEIGHT_BITS) - 1 };

/* Does a single gap continue the newest progression? The plain schedulers report steps one by one; this turns them into progressions as
 * well, so that both engines need the same memory. */
static bool continues(struct gap_progression *newest, int64_t gap_ns, uint32_t weight)
{
    if (newest->weight != weight || newest->count == COUNT_MOST)
        return false;
    if (newest->count == 1 && llabs(gap_ns - newest->first_ns) < NEAR_NS) /* farther apart they are hardly consecutive decode steps */
        newest->change_ns = (int32_t)(gap_ns - newest->first_ns);
    else if (newest->count == 1 || gap_ns != newest->first_ns + (int64_t)newest->change_ns * newest->count)
        return false;
    newest->count++;
    return true;
}

static int64_t last_of(const struct gap_progression *progression)
{
    return progression->first_ns + (int64_t)progression->change_ns * (progression->count - 1);
}

/* A floating-point number in integers: below OCTAVE the gap itself, then an exponent and the OCTAVE_BITS bits after the leading one. It
 * never falls when the gap rises, so buckets are in order of gaps. */
static inline size_t bucket_of(int64_t gap_ns)
{
    const uint64_t gap = (uint64_t)gap_ns;
    const unsigned shift = 63 - OCTAVE_BITS - (unsigned)__builtin_clzll(gap | OCTAVE);
    return (size_t)shift * OCTAVE + (gap >> shift);
}

/* The least gap of a bucket: the inverse of bucket_of. */
static int64_t least_gap_of(size_t bucket)
{
    const unsigned shift = bucket < 2 * (size_t)OCTAVE ? 0 : (unsigned)(bucket / OCTAVE) - 1;
    return (int64_t)((bucket - (size_t)shift * OCTAVE) << shift);
}

/* Counts a progression that leaves its first bucket. A rising one, the common case as decode steps get slower with the context, is counted
 * bucket by bucket; others gap by gap. */
static void count_weights(struct gap_distribution *gaps, const struct gap_progression *progression)
{
    int64_t gap_ns = progression->first_ns;
    for (uint32_t left = progression->count, in; left > 0; left -= in) {
        const size_t bucket = bucket_of(gap_ns);
        in = 1;
        if (progression->change_ns > 0) {
            const int64_t fit = (least_gap_of(bucket + 1) - gap_ns + progression->change_ns - 1) / progression->change_ns;
            in = fit < left ? (uint32_t)fit : left;
        }
        gaps->weights[bucket] += (uint64_t)in * progression->weight;
        gap_ns += (int64_t)progression->change_ns * in;
    }
}

/* Adds to the sums of gap and gap^2 in closed form. The gaps are f + k c for k = 0 .. n - 1. With N the sum of all k and M the sum of all
 * k^2, the gaps add up to s = n f + c N and their squares to n f^2 + 2 f c N + c^2 M = f (2 s - n f) + c^2 M. */
static void add_sums(struct gap_distribution *gaps, const struct gap_progression *progression)
{
    if (progression->count == 1) { /* each step with drafts is one */
        const unsigned __int128 gap = (uint64_t)progression->first_ns;
        gaps->sum += gap * progression->weight;
        gaps->squares += gap * gap * progression->weight;
        return;
    }
    const int64_t n = progression->count, change = progression->change_ns, numbers = n * (n - 1) / 2,
                  number_squares = numbers * (2 * n - 1) / 3;
    /* A gap alone may take half of what the clock can count, and falling ones start above their mean. */
    const __int128 firsts = (__int128)n * progression->first_ns, sum = firsts + (__int128)change * numbers;
    const __int128 squares = progression->first_ns * (2 * sum - firsts) + (__int128)(change * change) * number_squares;
    gaps->sum += (unsigned __int128)sum * progression->weight;
    gaps->squares += (unsigned __int128)squares * progression->weight;
}

/* Everything that does not need the list: extremes, total, sums and bucket counts. A progression has its extremes at its ends. */
static void account(struct gap_distribution *gaps, const struct gap_progression *progression)
{
    const int64_t first = progression->first_ns, last = last_of(progression), low = first < last ? first : last,
                  high = first < last ? last : first;
    const size_t bucket = bucket_of(first);
    if (gaps->total == 0) {
        gaps->min_ns = low;
        gaps->max_ns = high;
    }
    gaps->min_ns = low < gaps->min_ns ? low : gaps->min_ns;
    gaps->max_ns = high > gaps->max_ns ? high : gaps->max_ns;
    gaps->total += (uint64_t)progression->count * progression->weight;
    add_sums(gaps, progression);
    if (bucket == bucket_of(last))
        gaps->weights[bucket] += (uint64_t)progression->count * progression->weight;
    else
        count_weights(gaps, progression);
}

/* What comes after the last whole block moves to the front. */
enum status gap_distribution_pack(struct gap_distribution *gaps, struct diag *diag)
{
    size_t done = 0;
    enum status status = SIM_OK;
    for (; gaps->progression_count - done >= GAP_BLOCK && status == SIM_OK; done += status == SIM_OK ? GAP_BLOCK : 0)
        status = gap_packing_add(&gaps->packed, gaps->progressions + done, diag);
    gaps->progression_count -= done;
    memmove(gaps->progressions, gaps->progressions + done, gaps->progression_count * sizeof *gaps->progressions);
    return status;
}

static enum status make_room(struct gap_distribution *gaps, struct diag *diag)
{
    if (gaps->progression_count >= UNPACKED_MOST)
        return gap_distribution_pack(gaps, diag);
    return gap_distribution_reserve(gaps, gaps->progression_count + 1, diag);
}

static inline enum status room_for_one(struct gap_distribution *gaps, struct diag *diag)
{
    return gaps->progression_count == gaps->capacity || !gaps->weights ? make_room(gaps, diag) : SIM_OK;
}

/* What does not fit the bit fields of one progression: gap by gap, and the weight in parts. Rare, so it need not be compact. */
static enum status add_in_pieces(struct gap_distribution *gaps, int64_t first_ns, int64_t change_ns, uint32_t count, uint32_t weight,
                                 struct diag *diag)
{
    enum status status = SIM_OK;
    for (; count > 0 && status == SIM_OK; count--, first_ns += change_ns)
        for (uint32_t left = weight, part; left > 0 && status == SIM_OK; left -= part) {
            part = min_u32(left, WEIGHT_MOST);
            status = gap_distribution_add(gaps, first_ns, 0, 1, part, diag);
        }
    return status;
}

enum status gap_distribution_add(struct gap_distribution *gaps, int64_t first_ns, int64_t change_ns, uint32_t count, uint32_t weight,
                                 struct diag *diag)
{
    if (count > COUNT_MOST || weight > WEIGHT_MOST || change_ns != (int32_t)change_ns)
        return add_in_pieces(gaps, first_ns, change_ns, count, weight, diag);
    const struct gap_progression progression = {
        .first_ns = first_ns, .change_ns = (int32_t)change_ns, .count = count & COUNT_MOST, .weight = weight & WEIGHT_MOST};
    enum status status = room_for_one(gaps, diag);
    if (status != SIM_OK)
        return status;
    account(gaps, &progression); /* also when the newest progression takes the gap in */
    if (count > 1 || gaps->progression_count == 0 || !continues(&gaps->progressions[gaps->progression_count - 1], first_ns, weight))
        gaps->progressions[gaps->progression_count++] = progression;
    return SIM_OK;
}

enum status gap_distribution_reserve(struct gap_distribution *gaps, size_t progressions, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!gaps->weights)
        status = array_zeroed(&gaps->weights, BUCKETS, sizeof *gaps->weights, "the gaps between tokens", diag);
    return status == SIM_OK ? array_reserve(&gaps->progressions, &gaps->capacity, min_size(progressions, UNPACKED_MOST),
                                            sizeof *gaps->progressions, "the gaps between tokens", diag)
                            : status;
}

/* Sums and buckets add up; what is packed changes hands. */
enum status gap_distribution_take(struct gap_distribution *gaps, struct gap_distribution *part, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < part->progression_count && status == SIM_OK; i++) {
        status = room_for_one(gaps, diag);
        if (status == SIM_OK)
            gaps->progressions[gaps->progression_count++] = part->progressions[i];
    }
    if (status != SIM_OK || part->total == 0)
        return status;
    gap_packing_take(&gaps->packed, &part->packed);
    gaps->min_ns = gaps->total == 0 ? part->min_ns : min_i64(gaps->min_ns, part->min_ns);
    gaps->max_ns = max_i64(gaps->max_ns, part->max_ns);
    gaps->total += part->total;
    gaps->sum += part->sum;
    gaps->squares += part->squares;
    for (size_t bucket = bucket_of(part->min_ns); bucket <= bucket_of(part->max_ns); bucket++)
        gaps->weights[bucket] += part->weights[bucket];
    gap_distribution_deinit(part);
    return SIM_OK;
}

enum status gap_distribution_visit(const struct gap_distribution *gaps, gap_visitor *visit, void *self, struct diag *diag)
{
    struct gap_progression block[GAP_BLOCK];
    enum status status = visit(self, gaps->progressions, gaps->progression_count, diag);
    for (struct gap_packing_walk walk = {0}; status == SIM_OK && gap_packing_next(&gaps->packed, &walk, block);)
        status = visit(self, block, GAP_BLOCK, diag);
    return status;
}

void gap_distribution_deinit(struct gap_distribution *gaps)
{
    free(gaps->progressions);
    gap_packing_deinit(&gaps->packed);
    free(gaps->weights);
    *gaps = (struct gap_distribution){0};
}

/* --- percentiles ------------------------------------------------------------------------------------------------------------------ */

/* Collects the gaps that lie in wanted buckets. Equal gaps of a progression are one entry with the weight of all. `least` is the search's
 * first bucket, so that only the used range is walked. */
static enum status collect_from(const struct gap_progression *progressions, size_t progression_count, size_t least,
                                struct rank_search *search, struct diag *diag)
{
    enum status status = SIM_OK;
    for (size_t i = 0; i < progression_count && status == SIM_OK; i++) {
        const struct gap_progression *progression = &progressions[i];
        const int64_t first = progression->first_ns, last = last_of(progression);
        const size_t low = bucket_of(first < last ? first : last) - least, high = bucket_of(first < last ? last : first) - least;
        if (search->wanted[low] > high)
            continue;
        const uint32_t steps = progression->change_ns == 0 ? 1 : progression->count;
        const uint32_t weight = progression->count / steps * progression->weight;
        int64_t gap_ns = first;
        for (uint32_t k = 0; k < steps && status == SIM_OK; k++, gap_ns += progression->change_ns) {
            const size_t bucket = bucket_of(gap_ns) - least;
            if (search->wanted[bucket] == bucket)
                status = rank_search_add(search, (double)gap_ns, weight, bucket, diag);
        }
    }
    return status;
}

struct collecting {
    size_t least;
    struct rank_search *search;
};

static enum status collect(void *self, const struct gap_progression *progressions, size_t count, struct diag *diag)
{
    const struct collecting *collecting = self;
    return collect_from(progressions, count, collecting->least, collecting->search, diag);
}

enum status gap_distribution_percentiles(const struct gap_distribution *gaps, const double *percentiles, size_t count, double *out_ms,
                                         struct diag *diag)
{
    const size_t least = bucket_of(gaps->min_ns);
    struct rank_search search = {.total = gaps->total, .min = (double)gaps->min_ns, .max = (double)gaps->max_ns};
    memset(out_ms, 0, count * sizeof *out_ms);
    if (gaps->total == 0)
        return SIM_OK;
    enum status status = rank_search_begin(&search, bucket_of(gaps->max_ns) + 1 - least, diag);
    if (status == SIM_OK) {
        memcpy(search.below + 1, gaps->weights + least, search.buckets * sizeof *search.below);
        rank_search_want(&search, percentiles, count);
        status = gap_distribution_visit(gaps, collect, &(struct collecting){least, &search}, diag);
    }
    if (status == SIM_OK) {
        rank_search_percentiles(&search, percentiles, count, out_ms);
        for (size_t i = 0; i < count; i++)
            out_ms[i] /= NS_PER_MS;
    }
    rank_search_deinit(&search);
    return status;
}

enum status gap_distribution_summary(const struct gap_distribution *gaps, struct summary *out, struct diag *diag)
{
    double found[SUMMARY_PERCENTILES];
    *out = (struct summary){.count = gaps->total};
    enum status status = gap_distribution_percentiles(gaps, summary_percentiles, SUMMARY_PERCENTILES, found, diag);
    if (status != SIM_OK || gaps->total == 0)
        return status;
    summary_set_percentiles(out, found);
    /* The variance is E[(x - m)^2] - (E[x] - m)^2 for any m. With m the whole nanoseconds of the mean the first sum is exact in integers
     * and the second is below 1, so nothing is lost to rounding. */
    const unsigned __int128 mean_ns = gaps->sum / gaps->total, sum = gaps->sum % gaps->total;
    const unsigned __int128 squares = gaps->squares - 2 * mean_ns * gaps->sum + mean_ns * mean_ns * gaps->total;
    const double off = (double)sum / (double)gaps->total;
    out->mean = ((double)mean_ns + off) / NS_PER_MS;
    out->std = sqrt((double)squares / (double)gaps->total - off * off) / NS_PER_MS;
    return SIM_OK;
}
