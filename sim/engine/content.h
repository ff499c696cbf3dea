/* content.h - what a token is, for checking K/V data: a 64-bit value for each position of a sequence that stands for the whole prefix.
 *
 * Real keys and values depend on all tokens before them, so the value is a chain: link[j] = mix(link[j - 1], token j). Two positions have
 * equal links when their prefixes are equal token for token, and (but for chances of 2^-64) only then; a block shared between different
 * prefixes is found even where its own tokens agree. Token identities follow trace.h.
 */
#ifndef PAGESIM_CONTENT_H
#define PAGESIM_CONTENT_H

#include <stdint.h>

#include "trace/trace.h"

/* Identity of token j of a sequence: prompt tokens by hash id while there are any, else by (request, j); output token o = j - prompt by
 * lineage[o], or by (request, sample, o) when lineage is NULL. */
uint64_t content_token(const struct trace *trace, uint32_t trace_block_tokens, uint32_t position, uint32_t sample, const uint64_t *lineage,
                       uint32_t j);

/* The identity that content_token gives output token o of sample s of a request: what a lineage is made of. */
uint64_t content_output_token(uint32_t position, uint32_t sample, uint32_t o);

/* The link that follows `previous` (0 before the first token). */
uint64_t content_link(uint64_t previous, uint64_t token);

#endif
