/* load.h - arrivals drawn at a rate instead of those of the trace: request_rate, burstiness, ramp_up_*, as `vllm bench serve` means them.
 *
 * Request i of n (in file order) follows the one before it after a gap drawn from a gamma distribution with shape `burstiness` and mean
 * 1 / rate: 1 is a Poisson process, less comes in bursts, more is more regular, inf is a metronome. The first gap stands before the first
 * request. At a constant rate all times are then scaled so that the last request arrives at exactly n / rate; a rate of inf lets all arrive
 * at 0. Ramping up, the rate at request i goes from start to end over p = i / (n - 1):
 *
 *     linear       start + (end - start) * p
 *     exponential  start * (end / start) ^ p
 *
 * Samples of one request (trace_expand_samples) arrive together. Times are rounded to nanoseconds. Draws come from `seed` (base/draw.h) and
 * are the same on every machine; they are not numpy's. Source of the rules: vllm/benchmarks/serve.py, get_request().
 */
#ifndef PAGESIM_LOAD_H
#define PAGESIM_LOAD_H

#include <stdbool.h>

#include "config/config.h"
#include "trace/trace.h"

/* Does the configuration draw arrivals, and others than the trace has already? */
bool load_changes_arrivals(const struct trace *trace, const struct config *config);

/* The combinations that `vllm bench serve` refuses, and half-given ramps. `where` as in config_check. */
SIM_NODISCARD enum status load_check(const struct config *config, const char *where, struct diag *diag);

/* A new trace with the same requests in the order of the file, arriving as drawn; the caller ends it with trace_destroy. A pure function of
 * requests, load keys and seed: applied to its own result it gives the same. SIM_BAD_INPUT: the load would last longer than the clock
 * counts (292 years). */
SIM_NODISCARD enum status load_apply(const struct trace *trace, const struct config *config, struct trace **out, struct diag *diag);

#endif
