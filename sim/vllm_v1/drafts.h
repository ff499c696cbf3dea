/* drafts.h - how many drafts a request gets, and how many of them are right (doc/vllm_v1.md, section 14).
 *
 * What a drafter writes depends on texts, which a trace does not have; so luck is drawn. It depends on the request and on the place of the
 * output token, and not on the step, so a preempted request meets the same.
 */
#ifndef PAGESIM_DRAFTS_H
#define PAGESIM_DRAFTS_H

#include "base/seeded_random.h"
#include "config/config.h"
#include "trace/trace.h"

struct drafts {
    const struct trace *trace;
    uint32_t most; /* of a request in a step; 0: no speculation */
    bool varies;   /* n-gram lookup on the host proposes what it finds */
    bool sure;     /* all are right */
    uint64_t seed;
    uint64_t chance[SPECULATIVE_TOKENS_MOST]; /* that draft j is right where those before it are: so many of 2^53 draws */
};

#define DRAFTS_SURE (UINT64_C(1) << 53) /* the chance of a draft that is always right */

void drafts_init(struct drafts *drafts, const struct trace *trace, const struct config *config);

/* What a request's luck starts from. */
uint64_t drafts_luck(const struct drafts *drafts, uint32_t position);

/* Is draft j of a step right, which is for output token `output` (from 0)? */
static inline bool drafts_right(const struct drafts *drafts, uint64_t luck, uint32_t output, uint32_t j)
{
    uint64_t state = luck ^ output;
    return seeded_bits(&state) >> 11 < drafts->chance[j];
}

/* Of `count` drafts, the first for output token `output`: how many leading ones are right? All are drawn: mostly they are few, and guessing where to
 * stop costs the processor more than a draw. */
static inline uint32_t drafts_accepted(const struct drafts *drafts, uint64_t luck, uint32_t output, uint32_t count)
{
    uint32_t right = 0, goes_on = 1;
    for (uint32_t j = 0; j < count; j++) {
        goes_on &= drafts_right(drafts, luck, output + j, j);
        right += goes_on;
    }
    return right;
}

/* How many are proposed when `output` tokens are generated. */
uint32_t drafts_proposed(const struct drafts *drafts, uint64_t luck, uint32_t output);

#endif
