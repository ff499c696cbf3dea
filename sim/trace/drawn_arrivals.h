/* drawn_arrivals.h - arrivals other than those of the trace: its own times divided (arrival_speedup_ratio), or drawn at a rate
 * (request_rate, burstiness, ramp_up_*).
 *
 * Divided times are rounded to nanoseconds, half to even; requests that then arrive together are in file order. All else is about rates:
 * the rules are those of `vllm bench serve` (vllm/benchmarks/serve.py, get_request).
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
 * (base/seeded_random.h) and are the same on every machine.
 *
 * With arrival_generator they are those of the client itself, which calls numpy.random.seed(seed) and numpy.random.gamma (numpy_random.h), as
 * long as nothing else was drawn from numpy before them; ShareGPT's requests are not. "numpy" keeps the rules above. The
 * client of vLLM 0.6.3 sent the first request at once, waited for a gap after each, and scaled nothing: "numpy-unscaled".
 */
#ifndef PAGESIM_DRAWN_ARRIVALS_H
#define PAGESIM_DRAWN_ARRIVALS_H

#include <stdbool.h>

#include "config/config.h"
#include "trace/trace.h"

/* Does the configuration want other arrivals than the trace has already? */
bool drawn_arrivals_wanted(const struct trace *trace, const struct config *config);

/* A new trace with the same requests, arriving as drawn and in the order of the file, or faster and in order of arrival; the caller ends it
 * with trace_destroy. A pure function of requests, keys and seed. Drawing again from its own result gives the same; to speed up twice is
 * an error. SIM_BAD_INPUT: an arrival would be later than the clock counts (292 years). */
SIM_NODISCARD enum status drawn_arrivals_make(const struct trace *trace, const struct config *config, struct trace **out,
                                              struct diag *diag);

#endif
