/* replay_course.h - how a replay went, for pictures: queues, blocks and steps over time, a map of the pool, gaps between tokens, and when each
 * request was preempted.
 *
 * Values over time are thinned as they come (counter_track.h), with exact extremes, so memory does not grow with steps. What queues and
 * blocks are holds from a step's decision on, what a step computes from its start on the device (step.h): with asynchronous scheduling these
 * are two clocks.
 */
#ifndef PAGESIM_REPLAY_COURSE_H
#define PAGESIM_REPLAY_COURSE_H

#include "engine/observer.h"
#include "observe/counter_track.h"
#include "observe/memory_map.h"
#include "observe/sample_track.h"
#include "trace/trace.h"

enum course_track {
    COURSE_RUNNING,
    COURSE_WAITING,
    COURSE_USED_BLOCKS,
    COURSE_CACHED_BLOCKS, /* free, but still findable */
    COURSE_FREE_BLOCKS,   /* without those */
    COURSE_EMPTY_SLOTS,   /* of used blocks: room for tokens that are not there (yet) */
    COURSE_PREEMPTIONS,   /* so far */
    COURSE_PREFILL_TOKENS,
    COURSE_DECODE_TOKENS,
    COURSE_VAIN_TOKENS,
    COURSE_STEP_MS,
    COURSE_TRACKS
};

/* From a preemption to the return, or to the end if the last token was on its way; then, unless the blocks came back by a swap, what was
 * lost is computed once more, up to the next token or preemption. Times that were not reached are -1. */
struct course_pause {
    int64_t from_ns, to_ns, caught_up_ns;
    uint32_t request;
    bool recomputes;
};

struct replay_course {
    const struct trace *trace;
    uint32_t block_size;
    struct memory_map map;
    struct sample_track gaps; /* ns, at the moment of the later token */
    struct counter_track tracks[COURSE_TRACKS];
    uint64_t preemptions;
    struct course_pause *pauses; /* in order of their beginning */
    size_t pause_count, pause_capacity;
    uint32_t *newest; /* by position: its newest pause + 1, or 0 if it is over and done with; NULL before the first preemption */
};

SIM_NODISCARD enum status replay_course_init(struct replay_course *course, const struct trace *trace, const struct config *config,
                                             struct diag *diag);
void replay_course_deinit(struct replay_course *course);
struct observer replay_course_observer(struct replay_course *course);

#endif
