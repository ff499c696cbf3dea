/* trace_facts.h - a trace in numbers, before anything is replayed: size, lengths, rate, and how much its prompts share.
 *
 * Sharing is counted in the trace's own blocks. A prompt's leading ids whose whole chain was seen before would hit in a cache that never
 * evicts, so their tokens are an upper bound for every pool at that granularity. Sharing of less than a trace block is invisible.
 */
#ifndef PAGESIM_TRACE_FACTS_H
#define PAGESIM_TRACE_FACTS_H

#include "observe/distribution.h"
#include "trace/trace.h"

struct trace_facts {
    uint64_t input_tokens, output_tokens;
    struct summary input, output; /* tokens a request */
    double duration_s, requests_per_s;
    uint64_t hash_references, distinct_hashes;
    uint64_t reusable_tokens; /* prompt tokens whose chain was seen before */
    uint32_t with_priority, with_samples, with_beams;
};

SIM_NODISCARD enum status trace_facts_collect(const struct trace *trace, uint32_t trace_block_tokens, struct trace_facts *out,
                                              struct diag *diag);

#endif
