/* trace_edit.h - what can be done to a whole trace: take a part of it, stretch it, put several into one, take out what names people.
 *
 * Read trace.h first. Each function takes a trace that its caller owns (trace_load) and replaces or changes it; on an error *trace is still
 * whole and the caller's. A turn whose earlier turns are left out keeps the earliest time that was known for it.
 */
#ifndef PAGESIM_TRACE_EDIT_H
#define PAGESIM_TRACE_EDIT_H

#include "trace/trace.h"

/* Each session is kept with probability `share`, with all of its turns; a request without a session is one by itself. The same seed keeps the
 * same ones. SIM_BAD_INPUT: nobody is kept. */
SIM_NODISCARD enum status trace_sample(struct trace **trace, double share, uint64_t seed, struct diag *diag);

/* What trace_filter keeps. All ends are included. */
struct trace_filter {
    uint32_t input_least, input_most, output_least, output_most;
    int32_t priority_least, priority_most;
    const char *const *sessions; /* their names; a request of any of them is kept */
    uint32_t session_count;      /* 0: sessions do not matter */
};
SIM_NODISCARD enum status trace_filter(struct trace **trace, const struct trace_filter *filter, struct diag *diag);

/* Times and delays become `times` as long, prompts and outputs `lengths` as long, at least 1 token. A hash id then names `lengths` times as
 * many tokens, of `block_tokens` that it names now, so who shares how much with whom stays; facts.tokens_per_hash_id says so. Ratios are above
 * 0; 1 changes nothing. SIM_BAD_INPUT: a time or a length leaves its range. */
SIM_NODISCARD enum status trace_scale(struct trace *trace, double times, double lengths, uint32_t block_tokens, struct diag *diag);

/* Hash ids become their numbers, sessions the numbers of their first appearance, and the first arrival is at 0. */
SIM_NODISCARD enum status trace_anonymise(struct trace *trace, struct diag *diag);

/* All requests of `count` traces by arrival, ties in the order of the traces. Hash ids get new numbers, so that files share nothing with each
 * other; a session whose name an earlier file has gets ".2" and so on after it. SIM_BAD_INPUT: ids of two of them name different numbers of
 * tokens (block_tokens, by trace). */
SIM_NODISCARD enum status trace_merge(struct trace *const *traces, const uint32_t *block_tokens, uint32_t count, struct trace **out,
                                      struct diag *diag);

#endif
