/* two_ways.h - one replay made step by step and in the quick way of its engine, which must say the same. */
#ifndef TESTS_TWO_WAYS_H
#define TESTS_TWO_WAYS_H

#include "config/config.h"
#include "trace/trace.h"

/* Sums over all comparisons, for tests that want to know what their random cases reached. */
struct two_ways {
    uint64_t steps, preemptions, swaps, gaps, readmissions_with_hits, drops, rejections, finishes, long_runs, vain_tokens, ended_waiting;
    uint64_t drafts;
    bool by_events; /* of the last one: the event replay ran */
};

/* Replay with single steps asked for (`reference`) and without: every field of every tally and event must be the same. Then twice more
 * without anybody who wants tallies, so that runs are told, with block ids (but for groups of layers) and without; they must add up.
 * For one full group of layers of V1 without drafts the lists of every step are compared, too. False: `text` says what differs.
 * A third of the seeds of the configuration put a model in the place of its own that is no line and looks at all that a shape tells. */
bool two_ways_equal(const struct trace *trace, const struct config *config, struct two_ways *reached, char *text, size_t size);

#endif
