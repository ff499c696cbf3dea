/* usage_timeline.c - fills buckets of equal width and joins neighbours when the run outgrows them (widen). Read usage_timeline.h first. */
#include "observe/usage_timeline.h"

#include <string.h>

/* 1 ms: all buckets together cover half a second at first, less than any run worth a chart. */
#define FIRST_WIDTH_NS 1000000

void usage_timeline_init(struct usage_timeline *timeline)
{
    memset(timeline, 0, sizeof *timeline);
    timeline->origin_ns = -1;
    timeline->width_ns = FIRST_WIDTH_NS;
}

/* Join neighbours until `end_ns` lies within the buckets. In place, from the left: what is read for a bucket lies to its right or is
 * itself. A run that doubles in length joins once, so the cost of all joins together is a logarithm of the run's length. */
static void widen(struct usage_timeline *timeline, int64_t end_ns)
{
    while (end_ns - timeline->origin_ns > timeline->width_ns * TIMELINE_BUCKETS) {
        timeline->width_ns *= 2;
        for (int bucket = 0; bucket < TIMELINE_BUCKETS; bucket++)
            for (int series = 0; series < TIMELINE_SERIES; series++) {
                const int from = 2 * bucket;
                timeline->sums[bucket][series] =
                    from < TIMELINE_BUCKETS ? timeline->sums[from][series] + timeline->sums[from + 1][series] : 0;
            }
    }
}

void usage_timeline_add(struct usage_timeline *timeline, int64_t start_ns, int64_t duration_ns, const slot_time sums[TIMELINE_SERIES])
{
    if (timeline->origin_ns < 0)
        timeline->origin_ns = start_ns;
    timeline->end_ns = start_ns + duration_ns;
    widen(timeline, timeline->end_ns);
    /* Each bucket gets its share by time. The product below is slots x ns^2: 10^7 slots over one step of an hour are 10^32, which 128
     * bits hold. */
    int64_t from = start_ns - timeline->origin_ns, begin = from, end = from + duration_ns;
    if (from / timeline->width_ns == (end - 1) / timeline->width_ns) { /* nearly all steps: no need to divide */
        for (int series = 0; series < TIMELINE_SERIES; series++)
            timeline->sums[from / timeline->width_ns][series] += sums[series];
        return;
    }
    while (from < end) {
        int64_t bucket = from / timeline->width_ns, until = (bucket + 1) * timeline->width_ns;
        if (until > end)
            until = end;
        for (int series = 0; series < TIMELINE_SERIES; series++) /* as differences of the sum so far, so that rounding cancels out */
            timeline->sums[bucket][series] += sums[series] * (until - begin) / duration_ns - sums[series] * (from - begin) / duration_ns;
        from = until;
    }
}

/* Whole buckets, not parts of them: within a bucket the course is not known. The last bucket may reach beyond the end of the run, so the
 * mean is over the time that is really covered. */
void usage_timeline_means(const struct usage_timeline *timeline, double from, double to, double means[TIMELINE_SERIES])
{
    double length = (double)(timeline->end_ns - timeline->origin_ns), width = (double)timeline->width_ns;
    int64_t first = (int64_t)(from * length / width), last = (int64_t)(to * length / width);
    /* `to` is not included: a range that ends on a bucket's edge does not touch the bucket that begins there. */
    if ((double)last * width >= to * length && last > first)
        last--;
    if (last >= TIMELINE_BUCKETS)
        last = TIMELINE_BUCKETS - 1;
    slot_time sums[TIMELINE_SERIES] = {0};
    for (int64_t bucket = first; bucket <= last; bucket++)
        for (int series = 0; series < TIMELINE_SERIES; series++)
            sums[series] += timeline->sums[bucket][series];
    double end = (double)(last + 1) * width < length ? (double)(last + 1) * width : length, covered = end - (double)first * width;
    for (int series = 0; series < TIMELINE_SERIES; series++)
        means[series] = covered > 0 ? (double)sums[series] / covered : 0;
}
