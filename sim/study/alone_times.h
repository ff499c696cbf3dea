/* alone_times.h - how long would each request take if it were the only one? What a slowdown is measured against.
 *
 * Alone: an empty server with an empty cache, the same engine, limits and step-time model; nobody else runs, waits or has left anything to hit.
 * The time depends on lengths, samples and beams and on how the request ends, and on nothing else, so each distinct kind of request is replayed
 * once: all kinds in one replay, each arriving long after the one before has ended. That costs less than the replay of the trace itself.
 */
#ifndef PAGESIM_ALONE_TIMES_H
#define PAGESIM_ALONE_TIMES_H

#include "config/config.h"
#include "trace/trace.h"

/* out[position]: nanoseconds from arrival to the last token of all its samples, -1 where the engine would not serve the request. Policies and
 * arrivals of the configuration do not matter. Not for recorded step times, which belong to the steps of another run. */
SIM_NODISCARD enum status alone_times(const struct trace *trace, const struct config *config, int64_t *out, struct diag *diag);

/* Would they be the same? */
bool alone_times_alike(const struct config *a, const struct config *b);

#endif
