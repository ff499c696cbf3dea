/* usage_timeline.h - what the pool held over time, for a chart: time-weighted means in at most TIMELINE_BUCKETS equal pieces of the run.
 *
 * How long a run will last is not known at its start. So buckets begin narrow, and when the run grows out of them neighbours are joined and
 * the width doubles: at the end between half and all of the buckets are in use.
 */
#ifndef PAGESIM_USAGE_TIMELINE_H
#define PAGESIM_USAGE_TIMELINE_H

#include <stdint.h>

enum { TIMELINE_BUCKETS = 512, TIMELINE_SERIES = 5 };

typedef __int128 slot_time; /* slots x nanoseconds: what 64 bits do not hold (a pool of 10^7 slots for an hour is 10^19.5) */

struct usage_timeline {
    int64_t origin_ns, end_ns; /* of what was added; origin < 0: nothing yet */
    int64_t width_ns;          /* of a bucket */
    slot_time sums[TIMELINE_BUCKETS][TIMELINE_SERIES];
};

void usage_timeline_init(struct usage_timeline *timeline);

/* From start_ns on for duration_ns (>= 0) each series added up to this sum (value x ns). Calls come in order of time. A piece that reaches over
 * several buckets is spread over them as if it were even; nothing is lost. */
void usage_timeline_add(struct usage_timeline *timeline, int64_t start_ns, int64_t duration_ns, const slot_time sums[TIMELINE_SERIES]);

/* Means over [from, to) of the run, as fractions 0..1 of its length, in buckets that it touches. */
void usage_timeline_means(const struct usage_timeline *timeline, double from, double to, double means[TIMELINE_SERIES]);

#endif
