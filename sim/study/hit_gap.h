/* hit_gap.h - why a scheduler hits less (or more) than the hit curve says: one replay next to the curve, and the way between them in steps.
 *
 * Each step changes one thing of the model and is computed exactly, so the steps add up to the difference, token for token:
 *
 *     curve          plain LRU, as in hit_curve.h
 *     partial        partial last blocks are not cached (they neither hit nor take room)
 *     last_token     a prompt that is cached whole gives up its last block, as one token must be computed
 *     order          only requests that are admitted, looked up in the order of their admission
 *     ends           a request that ends makes its blocks recent once more, and its output stays, too
 *     running        the rest: blocks of running requests cannot be evicted, what they write takes room before they end, and what
 *                    preemptions release and admit again
 *     replay         what the scheduler found cached at first admissions
 *
 * All are prompt tokens hit; as shares they refer to all prompt tokens of the trace.
 */
#ifndef PAGESIM_HIT_GAP_H
#define PAGESIM_HIT_GAP_H

#include "config/config.h"
#include "study/hit_curve.h"

enum hit_model { HIT_CURVE, HIT_PARTIAL, HIT_LAST_TOKEN, HIT_ORDER, HIT_ENDS, HIT_REPLAY, HIT_MODELS };
/* The step that leads to each model from the one before: "curve", "partial", "last_token", "order", "ends", "running". */
extern const char *const hit_step_names[HIT_MODELS];

struct hit_gap {
    uint64_t pool_blocks;
    uint64_t hit_tokens[HIT_MODELS];
    uint64_t preemptions, dropped, unfinished;
    double prefix_hit_rate; /* as replay reports it: of the prompt tokens of admitted requests */
    bool stalled;           /* or died: what it did until then is counted */
};

/* Curves of one block size under the three rules, shared by all pools. */
struct hit_curves {
    struct hit_curve rules[HITS_LAST_TOKEN + 1];
};

/* Replay the trace in a pool of `pool_blocks` usable blocks (V1's null block comes on top), with prefix caching, and say how it compares.
 * The rest is as in `config`. SIM_BAD_INPUT: the configuration does not allow that block size. */
SIM_NODISCARD enum status hit_gap_measure(const struct prompt_tree *tree, const struct trace *trace, const struct config *config,
                                          const struct hit_curves *curves, uint64_t pool_blocks, struct hit_gap *out, struct diag *diag);

#endif
