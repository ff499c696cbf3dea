/* random_case.h - small random configurations and traces that reach corners: tiny pools that preempt, shared prefixes that part inside
 * blocks, priorities, thresholds, samples and beams. The same case for the same seed everywhere. */
#ifndef TESTS_RANDOM_CASE_H
#define TESTS_RANDOM_CASE_H

#include "config/config.h"
#include "support/tiny_trace.h"
#include "trace/trace.h"

/* `v0`: for that engine, with forks, swaps and its prefix caching. */
struct config random_case_config(uint64_t *seed, bool v0);
/* Gives a configuration of V1 layers of several kinds (some with blocks of another size), or drafts, or both. */
void random_case_layers(uint64_t *seed, struct config *config);
/* Gives it drafts alone, unless its steps are too small for them. */
void random_case_drafts(uint64_t *seed, struct config *config);
/* Fills in the request's hash ids, for its input as it stands: chains that often go together for a while, then part to one of `others`. */
void random_case_chain(uint64_t *seed, struct tiny_request *request, const struct config *config, uint32_t others);
/* For V1 samples are expanded. Aborts when memory is out. */
struct trace *random_case_trace(uint64_t *seed, const struct config *config);

#endif
