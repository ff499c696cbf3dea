/* window_stretch.c - stretches of steps that only decode, with sliding windows: blocks are not only taken, but given back on the way. So who is
 * due has his turn in the very step, in running order, and sums are made from one such step to the next. Read decode_stretch.c first. */
#include "vllm_v1_fast/stretch.h"
#include "vllm_v1_fast/window_turns.h"

/* Tokens that the tables hold after the run's newest step. */
static uint64_t newest_held(const struct stretch *stretch)
{
    const struct event_blocks *blocks = &stretch->replay->blocks;
    return stretch->run->first.held_tokens + (uint64_t)stretch->decoders * (stretch->run_steps - 1) * blocks->groups -
           (blocks->passed_blocks - stretch->run_passed) * blocks->block_size;
}

/* Add the time up to `until_ns` after the run's start to its sums, with blocks as they are. */
static void sum_blocks(struct stretch *stretch, int64_t until_ns)
{
    const struct event_blocks *blocks = &stretch->replay->blocks;
    struct step_run *run = stretch->run;
    const uint64_t ns = (uint64_t)(until_ns - stretch->run_summed_ns);
    run->used_blocks_ns += (step_sum)(blocks->queue.usable - event_blocks_free(blocks)) * ns;
    run->cached_blocks_ns += (step_sum)blocks->queue.back_blocks * ns;
    run->table_blocks_ns += (step_sum)blocks->table_blocks * ns;
    stretch->run_passed_ns += (step_sum)(blocks->passed_blocks - stretch->run_passed) * ns;
    stretch->run_summed_ns = until_ns;
}

/* All whose turn matters in a step that comes `steps` steps after the stretch's first: windows give back before blocks are taken. */
static enum status cross_windows(struct stretch *stretch, uint32_t phase, uint32_t steps, struct diag *diag)
{
    struct event_replay *replay = stretch->replay;
    const struct live *live = replay->calendar.live;
    const uint32_t back = (uint32_t)replay->calendar.tick + steps - (uint32_t)replay->base.overlaps;
    struct window_turns turns;
    uint32_t slot;
    enum status status = SIM_OK;
    window_turns_begin(replay, phase, &turns);
    while (status == SIM_OK && (slot = window_turns_next(replay, &turns)) != LIVE_NONE) {
        status = event_windows_pass(&replay->blocks, slot, live[slot].computed + back, diag);
        if (live[slot].phase == phase)
            event_blocks_take_each(&replay->blocks);
    }
    return status;
}

/* How many of the coming `most` steps come before one in which somebody's turn matters? */
static uint32_t until_turns(const struct stretch *stretch, uint32_t most)
{
    uint32_t phase = stretch->phase, done = 0, window;
    for (; done < most; done += window) {
        const uint64_t bits = window_turns_crossings(stretch->replay, phase, &window);
        if (bits)
            return min_u32(most, done + (uint32_t)__builtin_ctzll(bits));
        phase = (phase + window) % stretch->replay->calendar.block_size;
    }
    return most;
}

/* Steps in which nobody's turn matters, or did already. */
static void move_on(struct stretch *stretch, uint32_t steps, int64_t first_ns, int64_t change_ns)
{
    stretch->duration_ns = first_ns + change_ns * (steps - 1);
    stretch->phase = (stretch->phase + steps) % stretch->replay->calendar.block_size;
    move_clock(stretch, steps, first_ns, change_ns);
}

static void open_run_now(struct stretch *stretch, int64_t change_ns)
{
    const struct event_blocks *blocks = &stretch->replay->blocks;
    open_run(stretch, change_ns, event_blocks_free(blocks), blocks->queue.back_blocks, blocks->table_blocks);
    stretch->run->table_blocks_ns = 0;
    stretch->run->peak_used_blocks = stretch->run->first.used_blocks;
    stretch->run->peak_held_tokens = stretch->run->first.held_tokens;
    stretch->run_summed_ns = 0;
    stretch->run_passed = blocks->passed_blocks;
    stretch->run_passed_ns = 0;
}

/* Observers take what is cached, what is free without content, and what sharing saves to be most in a run's first step. After a turn that breaks
 * it there has to be a new run. */
static bool breaks_run(const struct stretch *stretch)
{
    const struct event_blocks *blocks = &stretch->replay->blocks;
    const struct step_tally *first = &stretch->run->first;
    const uint32_t free_blocks = event_blocks_free(blocks), cached = blocks->queue.back_blocks;
    return cached > first->cached_blocks || free_blocks - cached > first->free_blocks - first->cached_blocks ||
           (uint32_t)blocks->table_blocks + free_blocks != first->table_blocks + first->free_blocks;
}

static void note_peaks(struct stretch *stretch)
{
    const struct event_blocks *blocks = &stretch->replay->blocks;
    struct step_run *run = stretch->run;
    run->peak_used_blocks = max_u32(run->peak_used_blocks, blocks->queue.usable - event_blocks_free(blocks));
    run->peak_empty_slots = max_u64(run->peak_empty_slots, blocks->table_blocks * blocks->block_size - newest_held(stretch));
}

void window_stretch_sum(struct stretch *stretch)
{
    const struct event_blocks *blocks = &stretch->replay->blocks;
    struct step_run *run = stretch->run;
    run->steps = stretch->run_steps;
    run->duration_ns = stretch->now_ns - stretch->run_start_ns;
    run->state_ns = stretch->decided_ns - stretch->run_decided_ns;
    sum_blocks(stretch, run->state_ns);
    run->held_tokens_ns = run->first.held_tokens * (step_sum)(uint64_t)run->state_ns +
                          (step_sum)stretch->decoders * blocks->groups * stretch->run_moment - blocks->block_size * stretch->run_passed_ns;
    run->peak_held_tokens = max_u64(run->peak_held_tokens, newest_held(stretch));
    stretch->run = NULL;
}

/* Says what advance_plainly() in decode_stretch.c says. Sums are made from one step with turns to the next. */
enum status window_stretch_advance(struct stretch *stretch, uint32_t steps, int64_t change_ns, struct diag *diag)
{
    enum status status = SIM_OK;
    int64_t next_ns = stretch->duration_ns;
    if (!stretch->run) {
        status = cross_windows(stretch, stretch->phase, stretch->steps, diag);
        open_run_now(stretch, change_ns);
        next_ns += change_ns;
        steps--;
    }
    while (steps > 0 && status == SIM_OK) {
        const uint32_t quiet = until_turns(stretch, steps);
        if (quiet > 0) {
            move_on(stretch, quiet, next_ns, change_ns);
            next_ns += change_ns * quiet;
            steps -= quiet;
            continue;
        }
        sum_blocks(stretch, stretch->decided_ns - stretch->run_decided_ns);
        stretch->run->peak_held_tokens = max_u64(stretch->run->peak_held_tokens, newest_held(stretch));
        status = cross_windows(stretch, stretch->phase, stretch->steps, diag);
        if (status == SIM_OK && breaks_run(stretch)) {
            window_stretch_sum(stretch);
            status = close_run(stretch->replay, diag);
            stretch->duration_ns = next_ns;
            open_run_now(stretch, change_ns);
        } else {
            move_on(stretch, 1, next_ns, change_ns);
            note_peaks(stretch);
        }
        next_ns += change_ns;
        steps--;
    }
    return status;
}
