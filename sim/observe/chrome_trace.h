/* chrome_trace.h - a replay to look at: trace events in JSON for Perfetto (ui.perfetto.dev) and chrome://tracing.
 *
 *     process "pool and queues"    counter tracks: running, waiting, used blocks, cached blocks (idle, findable), wasted blocks (empty
 *                                  slots of used blocks, in blocks)
 *     process "running requests"   a lane a slot; a request takes the lowest free lane when it is admitted, so that the number of lanes
 *                                  in use is the number of running requests
 *
 *     slot 0   |  request 7                    |  | request 12           |        a slice a residence, with lengths, prefix hits and
 *              | prefill | decode              |  | recompute | decode   |        how it ended; inside it what the request did
 *     slot 1   | request 8          |x                                             x: preempted, an instant, with who needed the block
 *              | prefill | decode   |<---- arrow from the lane of the request that took it
 *
 * A residence is begun when it begins and ended when it ends, in about 700 bytes: the file grows with admissions, not with steps. Counters
 * are thinned to at most 16,384 points a track with exact extremes (counter_track.h) and written at the end. Times are microseconds with
 * three decimals. Slices are pairs of B and E rather than X, as viewers that round times then still nest them rightly, and an arrow's
 * ends, written before the victim's E, find both slices open.
 *
 * Source of the format: "Trace Event Format" (Google); phases used: M, C, B, E, i, s, f.
 */
#ifndef PAGESIM_CHROME_TRACE_H
#define PAGESIM_CHROME_TRACE_H

#include "base/text_file.h"
#include "config/config.h"
#include "observe/metrics.h"

struct chrome_trace; /* an observer */

/* Writes the head at once. All is borrowed; `metrics` must watch the same replay (arrival times are its). */
SIM_NODISCARD enum status chrome_trace_create(const struct metrics *metrics, const struct config *config, struct text_writer *writer,
                                              struct chrome_trace **out, struct diag *diag);
void chrome_trace_destroy(struct chrome_trace *chrome);
/* Its finish writes counters and the end of the JSON. */
struct observer chrome_trace_observer(struct chrome_trace *chrome);

#endif
