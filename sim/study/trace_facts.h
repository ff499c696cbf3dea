/* trace_facts.h - a trace in numbers, before anything is replayed: size, lengths, rate, sessions, and how much its prompts share.
 *
 * Sharing is counted in the trace's own blocks. A prompt's leading ids whose whole chain was seen before would hit in a cache that never
 * evicts, so their tokens are an upper bound for every pool at that granularity. Sharing of less than a trace block is invisible. A later turn
 * of a session that has no ids shares all that was said before it.
 *
 * How far apart: the reuse distance of an id is the number of different trace blocks that were used since its last use (stack_distance.h), so a
 * cache of that many blocks and one more, least recently used first out, would just hold it.
 */
#ifndef PAGESIM_TRACE_FACTS_H
#define PAGESIM_TRACE_FACTS_H

#include "observe/distribution.h"
#include "trace/trace.h"

struct trace_facts {
    uint64_t input_tokens, output_tokens;
    struct summary input, output; /* tokens a request */
    double duration_s, requests_per_s;
    double
        gap_cv; /* standard deviation of the gaps between arrivals by their mean: 0 is a clock, 1 Poisson, above it bursts; NaN: no gaps */
    uint64_t hash_references, distinct_hashes;
    uint64_t reusable_tokens;             /* prompt tokens whose chain was seen before */
    struct summary reuse_blocks, reuse_s; /* of each id seen before: trace blocks and seconds since then */
    uint32_t with_priority, with_samples, with_beams, without_time;
    uint32_t end_by_stop, end_by_length; /* of those whose rows say it */
    uint32_t sessions, in_sessions;      /* sessions with a request; requests that belong to one */
    struct summary turns, think_s;       /* requests a session; delays of later turns in seconds */
};

SIM_NODISCARD enum status trace_facts_collect(const struct trace *trace, uint32_t trace_block_tokens, struct trace_facts *out,
                                              struct diag *diag);

#endif
