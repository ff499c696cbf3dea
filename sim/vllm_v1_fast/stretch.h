/* stretch.h - a stretch of steps that only decode, while it lasts: its clock, and the run of steps that it tells of. For decode_stretch.c, which
 * says what a stretch is, and window_stretch.c. Inline, as each has its own loop over it and a fast replay does little else. */
#ifndef PAGESIM_STRETCH_H
#define PAGESIM_STRETCH_H

#include "base/integers.h"
#include "vllm_v1_fast/replay_state.h"

struct stretch {
    struct event_replay *replay;
    uint32_t decoders, steps, phase; /* steps so far; tick_phase of the coming one */
    struct step_shape first_shape;   /* unless the model is linear, which needs no shapes */
    uint64_t first_context_tokens;   /* of its first step */
    uint64_t first_held_tokens;      /* after its first step */
    int64_t decided_ns;              /* when the coming step is decided */
    int64_t host_ns;                 /* and for how long */
    int64_t now_ns;                  /* start of the coming step */
    int64_t duration_ns;             /* of the newest step */
    uint32_t vain;                   /* decoders that compute in vain, if this is the step for it */
    bool hidden;                     /* the host is ready before the device, in all steps */
    struct step_run *run;            /* NULL: none is open */
    uint32_t run_steps;
    int64_t run_start_ns, run_decided_ns;
    step_sum run_moment; /* sum over the run's steps of number x state_ns, from number 0 */
    /* With sliding windows (window_stretch.c): the run's sums over blocks are made up to here; blocks that had left windows when it began; those that did since, times
     * the time after it. */
    int64_t run_summed_ns;
    uint64_t run_passed;
    step_sum run_passed_ns;
};

/* How long `steps` steps take together, of which the first takes `first_ns` and each next one `change_ns` more. Exact in integers, as all
 * times are. */
static inline int64_t time_of(uint32_t steps, int64_t first_ns, int64_t change_ns)
{
    return steps * first_ns + (int64_t)((uint64_t)steps * (steps - 1) / 2) * change_ns;
}

/* Sum over n >= 1 numbers from `number` on of number x time, where times begin with first_ns and grow by change_ns. A run has few enough
 * steps for the sums of numbers. */
static inline step_sum moment_of(uint64_t number, int64_t first_ns, int64_t change_ns, uint64_t n)
{
    const uint64_t sum = n * (n - 1) / 2, squares = sum * (2 * n - 1) / 3; /* of 0 ... n - 1 */
    return (step_sum)((__int128)first_ns * (int64_t)(number * n + sum) + (__int128)change_ns * (int64_t)(number * sum + squares));
}

/* `steps` steps more, of which the first takes first_ns, each next one change_ns more, and the last duration_ns. Without asynchronous scheduling the next one is
 * decided when the last one ends; with it when the last one starts, or when the host is done with it, in which case it was the only one. */
static inline void move_clock(struct stretch *stretch, uint32_t steps, int64_t first_ns, int64_t change_ns)
{
    const int64_t start_ns = stretch->now_ns, before_ns = stretch->decided_ns, ns = time_of(steps, first_ns, change_ns);
    stretch->now_ns += ns;
    if (!stretch->replay->base.overlaps) {
        stretch->decided_ns = stretch->now_ns;
        stretch->run_moment += moment_of(stretch->run_steps, first_ns, change_ns, steps);
    } else {
        const int64_t first_state_ns = max_i64(before_ns + stretch->host_ns, start_ns) - before_ns;
        stretch->decided_ns = before_ns + first_state_ns + ns - stretch->duration_ns;
        stretch->run_moment += (step_sum)stretch->run_steps * (uint64_t)first_state_ns;
        if (steps > 1)
            stretch->run_moment += moment_of(stretch->run_steps + UINT64_C(1), first_ns, change_ns, steps - 1);
    }
    stretch->steps += steps;
    stretch->run_steps += steps;
}

/* Open a run with the coming step, which takes duration_ns and leaves so many blocks free and in tables. What has no place in a stretch stays
 * 0. */
static inline void open_run(struct stretch *stretch, int64_t change_ns, uint32_t free_blocks, uint32_t cached_blocks, uint64_t table_blocks)
{
    static const struct step_tally nothing; /* copying it takes the processor less than clearing */
    struct event_replay *replay = stretch->replay;
    const struct event_blocks *blocks = &replay->blocks;
    const uint32_t decoders = stretch->decoders, before = stretch->steps;
    struct step_run *run = stretch->run = replay->step->run;
    struct step_tally *first = &run->first;
    *first = nothing;
    first->step = replay->base.step_number + before;
    first->start_ns = stretch->now_ns;
    first->duration_ns = stretch->duration_ns;
    first->context_tokens = stretch->first_context_tokens + (uint64_t)decoders * before;
    first->held_tokens = event_blocks_held_tokens(blocks, stretch->first_held_tokens + (uint64_t)decoders * before);
    first->scheduled_tokens = first->scheduled_sequences = decoders;
    first->sampled_tokens = first->regular_gaps = decoders - stretch->vain;
    first->vain_tokens = stretch->vain;
    first->running = replay->calendar.running;
    first->waiting = replay->waiting.count;
    first->free_blocks = free_blocks;
    first->cached_blocks = cached_blocks;
    first->used_blocks = blocks->queue.usable - first->free_blocks;
    first->table_blocks = (uint32_t)table_blocks;
    first->table_runs = (uint32_t)blocks->table_runs;
    first->mode = STEP_MODE_DECODE;
    run->change_ns = change_ns;
    run->used_blocks_ns = run->cached_blocks_ns = run->table_runs_ns = 0;
    run->peak_empty_slots = (uint64_t)first->table_blocks * blocks->block_size - first->held_tokens;
    first->decided_ns = stretch->run_decided_ns = stretch->decided_ns;
    stretch->run_start_ns = stretch->now_ns;
    stretch->run_steps = 0;
    stretch->run_moment = 0;
    move_clock(stretch, 1, stretch->duration_ns, 0);
    first->state_ns = stretch->decided_ns - first->decided_ns;
    stretch->phase = event_calendar_phase(&replay->calendar, stretch->phase, 1);
}

/* Runs are built in the stream, or with asynchronous scheduling in the flight of the stretch's last step: a run that ended before may hold the
 * stream's place until its output is back. */
static inline struct step_run *place_of_run(struct event_replay *replay)
{
    return replay->base.overlaps ? &replay->step->own_run : step_stream_run(&replay->base.stream);
}

/* A run is over, and the stretch is not: by now nothing is in flight before it. */
static inline enum status close_run(struct event_replay *replay, struct diag *diag)
{
    struct step_stream *stream = &replay->base.stream;
    if (replay->base.overlaps)
        *step_stream_run(stream) = replay->step->own_run;
    enum status status = step_stream_run_done(stream, diag);
    replay->step->run = place_of_run(replay);
    return status;
}

/* With sliding windows: the coming `steps` steps, of which the first takes duration_ns and each next one change_ns more. A run is opened if none
 * is, and others as they are needed. */
SIM_NODISCARD enum status window_stretch_advance(struct stretch *stretch, uint32_t steps, int64_t change_ns, struct diag *diag);
/* Make the sums of the run that ends with the newest step; its durations are known. */
void window_stretch_sum(struct stretch *stretch);

#endif
