/* drawn_arrivals.h - arrivals drawn at a rate instead of those of the trace: request_rate, burstiness, ramp_up_*.
 *
 * The rules are those of `vllm bench serve` (vllm/benchmarks/serve.py, get_request).
 *
 * Request i of n (in file order) follows the one before it after a gap drawn from a gamma distribution with shape `burstiness` and mean
 * 1 / rate: 1 is a Poisson process, less comes in bursts, more is more regular, inf is a metronome. The first gap comes before the
 * first request. At a constant rate all times are then scaled so that the last request arrives at exactly n / rate; at a rate of inf all
 * arrive at 0. In a ramp, the rate at request i goes from start to end over p = i / (n - 1):
 *
 *     linear       start + (end - start) * p
 *     exponential  start * (end / start) ^ p
 *
 * Samples of one request (trace_expand_samples) arrive together. Times are rounded to nanoseconds. The numbers come from `seed`
 * (base/seeded_random.h) and are the same on every machine; they are not those that numpy would draw.
 */
#ifndef PAGESIM_DRAWN_ARRIVALS_H
#define PAGESIM_DRAWN_ARRIVALS_H

#include <stdbool.h>

#include "config/config.h"
#include "trace/trace.h"

/* Does the configuration draw arrivals, and others than the trace has already? */
bool drawn_arrivals_wanted(const struct trace *trace, const struct config *config);

/* A new trace with the same requests in the order of the file, arriving as drawn; the caller ends it with trace_destroy. A pure function of
 * requests, rate keys and seed: applied to its own result it gives the same. SIM_BAD_INPUT: the last arrival would be later than the clock
 * counts (292 years). */
SIM_NODISCARD enum status drawn_arrivals_make(const struct trace *trace, const struct config *config, struct trace **out,
                                              struct diag *diag);

#endif
