/* drafts.h - how many drafts a request gets, and how many of them are right (doc/vllm_v1.md, section 14).
 *
 * What a drafter writes depends on texts, which a trace does not have; so luck is drawn. It depends on the request and on the place of the
 * output token, and not on the step, so a preempted request meets the same.
 */
#ifndef PAGESIM_DRAFTS_H
#define PAGESIM_DRAFTS_H

#include "config/config.h"
#include "trace/trace.h"

struct drafts {
    const struct trace *trace;
    uint32_t most; /* of a request in a step; 0: no speculation */
    bool varies;   /* n-gram lookup on the host proposes what it finds */
    uint64_t seed;
    double chance[SPECULATIVE_TOKENS_MOST]; /* that draft j is right where those before it are */
};

void drafts_init(struct drafts *drafts, const struct trace *trace, const struct config *config);

/* Of `count` drafts, the first for output token `output` (from 0): how many leading ones are right? */
uint32_t drafts_accepted(const struct drafts *drafts, uint32_t position, uint32_t output, uint32_t count);

/* How many are proposed when `output` tokens are generated. */
uint32_t drafts_proposed(const struct drafts *drafts, uint32_t position, uint32_t output);

#endif
