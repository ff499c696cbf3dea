/* chrome_trace.h - a replay to look at: trace events in JSON for Perfetto (ui.perfetto.dev) and chrome://tracing.
 *
 *     process "pool and queues"    counter tracks: running, waiting, used blocks, cached blocks (idle, findable), wasted blocks (empty
 *                                  slots of used blocks, in blocks)
 *     process "running requests"   one lane for each slot of the batch; an admitted request takes the lowest free lane, so that the
 *                                  number of lanes in use is the number of running requests
 *
 *     slot 0   |  request 7                    |  | request 12           |        a slice for each residence, with lengths, prefix hits
 *              | prefill | decode              |  | recompute | decode   |        and how it ended; inside it the request's phases
 *     slot 1   | request 8          |x                                             x: preempted, an instant, with who needed the block
 *              | prefill | decode   |<---- arrow from the lane of the request that took it
 *
 * A residence, from an admission to the next preemption or the end, takes about 700 bytes: the file grows with admissions, not with steps.
 * Counters are thinned to at most 16,384 points a track with exact extremes (counter_track.h) and written at the end. Times are
 * microseconds with three decimals. Slices are pairs of B and E events, not X events: viewers that round times then still nest them
 * correctly, and an arrow that is written before the victim's E finds both its slices open.
 *
 * Source of the format: "Trace Event Format" (Google); phases used: M, C, B, E, i, s, f.
 */
#ifndef PAGESIM_CHROME_TRACE_H
#define PAGESIM_CHROME_TRACE_H

#include "base/text_writer.h"
#include "config/config.h"
#include "observe/metrics.h"

struct chrome_trace; /* an observer */

/* Writes the head at once. Everything is borrowed. `metrics` must watch the same replay: the arrival times are taken from it. */
SIM_NODISCARD enum status chrome_trace_create(const struct metrics *metrics, const struct config *config, struct text_writer *writer,
                                              struct chrome_trace **out, struct diag *diag);
void chrome_trace_destroy(struct chrome_trace *chrome);
/* Its finish callback writes the counters and closes the JSON. */
struct observer chrome_trace_observer(struct chrome_trace *chrome);

#endif
