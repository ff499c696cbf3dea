/* eviction_workload.c - workload-aware: the block goes whose chance to be used again soon is the least, as its class of requests has it.
 *
 *   classes  of requests (pagesim.h, PAGESIM_EVICTION_CLASSES): priority and turn, or length of the prompt
 *   learnt   of each class, as the replay goes: how many blocks its requests touched, how many of these touches were followed by a hit, and
 *            after how long in the mean
 *   worth    with p the share of touches that were followed by a hit, m the mean time until it, and t the time since the last touch: the chance
 *            of a hit within the window, p (exp(-t / m) - exp(-(t + window) / m)), for times until reuse that are exponential
 *   within   a class worth falls with time: longest untouched first, then the deepest of a request, as prefixes are shared and ends are not
 *
 * The chance changes with time at a pace of its own for each class, so classes have orders of their own and their first blocks are compared at
 * each eviction. As logarithms, which keep apart what has not been touched for ages.
 *
 * What is simplified: the paper's categories are its service's kinds of requests (chat, API, file, ...) and turns. Traces here say priorities,
 * which --assign-priority can make of what is known, and sessions; without sessions the prompt's length stands for the turn. Its window is the
 * time that a block is expected to stay in the cache, sampled as it runs; here it is a key, reuse_window_s. Learning begins with one touch in
 * two reused after a minute. Each eviction compares single blocks, so these replays go step by step.
 * Source: Wang et al., KVCache Cache in the Wild, USENIX ATC 2025 (arXiv 2506.02634), section 5.
 */
#include <stdlib.h>

#include "base/portable_math.h"
#include "policy/policies.h"

static const double first_gap_ns = 60e9;

struct class_facts {
    double touches, hits, gaps_ns;
};

struct workload {
    double window_ns;
    struct class_facts classes[PAGESIM_EVICTION_CLASSES];
};

static bool create(const struct pagesim_eviction_setup *setup, void **self)
{
    struct workload *workload = malloc(sizeof *workload);
    if (!workload)
        return false;
    workload->window_ns = (double)setup->reuse_window_ns;
    for (int class = 0; class < PAGESIM_EVICTION_CLASSES; class ++)
        workload->classes[class] = (struct class_facts){.touches = 2, .hits = 1, .gaps_ns = first_gap_ns};
    *self = workload;
    return true;
}

static uint64_t key(void *self, const struct pagesim_policy_block *block)
{
    (void)self;
    return block->touched;
}

/* A hit tells of the class that touched the block before. */
static void touched(void *self, const struct pagesim_policy_block *before, uint32_t request_class, int64_t now_ns)
{
    struct workload *workload = self;
    workload->classes[request_class].touches++;
    if (!before)
        return;
    struct class_facts *facts = &workload->classes[before->request_class];
    facts->hits++;
    facts->gaps_ns += (double)(now_ns - before->touched_ns);
}

/* The logarithm of the chance. Reuse at once, in a replay that takes no time, is reuse after a nanosecond. */
static double worth(void *self, const struct pagesim_policy_block *first, int64_t now_ns)
{
    const struct workload *workload = self;
    const struct class_facts *facts = &workload->classes[first->request_class];
    const double mean_ns = facts->gaps_ns / facts->hits, gap_ns = mean_ns > 1 ? mean_ns : 1;
    const double within = 1 - portable_exp(-workload->window_ns / gap_ns);
    return portable_log(facts->hits / facts->touches) + portable_log(within) - (double)(now_ns - first->touched_ns) / gap_ns;
}

const struct pagesim_eviction_policy eviction_workload = {
    .info = {"workload-aware", "least likely to be used again soon, by class (Wang et al. 2025)"},
    .key = key,
    .create = create,
    .destroy = free,
    .touched = touched,
    .worth = worth,
};
