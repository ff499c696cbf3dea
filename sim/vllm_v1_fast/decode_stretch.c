/* decode_stretch.c - steps in which everybody who runs decodes, nobody comes or goes, and nobody who waits could enter: most steps of most
 * replays. From one to the next, the clock moves, each request has one token more, and those that cross a block boundary take a block.
 *
 * A stretch ends with the step in which somebody gets the last token or the scheduling policy has to be told of somebody, or before the one
 * in which an arrival is seen or blocks run out. With asynchronous scheduling the step after one that brings last tokens is a stretch by
 * itself: it was decided before they were back, and what comes after it has other requests and blocks.
 * Under the linear model the durations of its steps are an arithmetic progression. So its length and all its sums are known beforehand, and
 * the only work is per block: the calendar's bits lead from one step with a crossing to the next. Other models are asked for every step.
 *
 * While a stretch lasts, the replay's clock, calendar and sums stay at its start. decide_last_step() brings them up to date. Read
 * decode_stretch_run() first, at the end; then advance(). */
#include "vllm_v1_fast/step_kinds.h"

#include <assert.h>
#include <math.h>

#include "base/integers.h"
#include "vllm_v1_fast/admission.h"
#include "vllm_v1_fast/event_policy.h"
#include "vllm_v1_fast/outputs.h"
#include "vllm_v1_fast/step_parts.h"
#include "vllm_v1_fast/stretch.h"
#include "vllm_v1_fast/window_turns.h"

enum { STEPS_MOST = 4096 };
#define LONGEST_RUN_NS (INT64_C(1) << 42) /* more than an hour; times some million blocks it fits 64 bits */

/* For how many steps is it sure that the head of the queue cannot enter, whatever happens, until somebody finishes? Only a release or newly
 * registered content could help a refused head, and a stretch has neither before its last step; the budget is the same in each step. Asked once,
 * then, and not once a step. With sliding windows blocks get free on the way. */
static uint32_t nobody_enters(const struct event_replay *replay)
{
    const uint32_t budget = v1_budget(replay->base.config) - replay->calendar.decoders;
    if (replay->waiting.count == 0)
        return UINT32_MAX;
    if (admission_head_may_enter(replay, budget))
        return 0;
    const bool refused = replay->blocks.windowed && budget > 0 && replay->calendar.running < v1_seats(replay->base.config);
    return refused ? window_turns_below(replay, event_windows_least(&replay->blocks, UINT64_MAX)) : UINT32_MAX;
}

/* Sums of a run are first made as if all its blocks had been taken at its start. What is taken later is charged back with the time before,
 * so that steps in which nothing is taken cost nothing. Without ids, the free queue hears of the blocks once, in the end. */
struct charges {
    uint64_t used_ns, empty_ns, runs_ns;   /* progression_steps sees to it that they fit */
    uint32_t taken, free, without_content; /* blocks so far; free ones; those in front of all cached ones */
};

/* A block for everybody in a phase list. Returns at how many places ids do not follow each other. Nearly all blocks of a full pool come
 * from orphans, which are one straight read of the ring; the check is made once for the whole list. Only with ids: without, a count is
 * enough. */
static inline uint32_t take_blocks(struct event_replay *replay, uint32_t phase, uint32_t count)
{
    const struct live *live = replay->calendar.live;
    struct event_blocks *blocks = &replay->blocks;
    uint32_t slot = replay->calendar.phase_first[phase], breaks = 0, at = segment_queue_orphans_next(&blocks->queue, count);
    if (at == UINT32_MAX) {
        for (; slot != LIVE_NONE; slot = live[slot].next_phase)
            breaks += event_blocks_append(blocks, slot);
    } else {
        for (; slot != LIVE_NONE; slot = live[slot].next_phase)
            breaks += event_blocks_append_orphan(blocks, slot, &at);
        segment_queue_orphans_taken(&blocks->queue, at, count);
    }
    event_blocks_add_runs(blocks, breaks);
    return breaks;
}

/* Those who cross a boundary in a step that is decided `elapsed_ns` after the run's first take a block. Blocks are taken from those without content
 * first, and only after these are gone does a taking lower the cached ones: `empty` is how many of this step's blocks held no content. */
static inline void cross(struct event_replay *replay, uint32_t phase, uint64_t elapsed_ns, struct charges *charges)
{
    const uint32_t count = replay->calendar.phase_count[phase];
    if (replay->blocks.queue.track_ids) {
        const uint32_t breaks = take_blocks(replay, phase, count);
        charges->runs_ns += elapsed_ns * breaks;
    }
    charges->taken += count;
    charges->used_ns += elapsed_ns * count;
    if (charges->without_content > 0) {
        const uint32_t empty = min_u32(count, charges->without_content);
        charges->without_content -= empty;
        charges->empty_ns += elapsed_ns * empty;
    }
}

/* Run `steps` steps, of which the coming one takes duration_ns and each next one change_ns more. A run is open and there are blocks.
 * Work is per step with a crossing, found by bits up to 64 steps at a time; all other steps are in the closed sums. Empty slots fall by
 * one for each decoder and step and rise by a block's worth at each crossing, so their peak is right after some crossing. */
static void advance(struct stretch *stretch, uint32_t steps, int64_t change_ns, struct charges *charges)
{
    struct event_replay *replay = stretch->replay;
    const uint32_t size = replay->calendar.block_size, decoders = stretch->decoders;
    const int64_t first_ns = stretch->duration_ns, decided_ns = stretch->decided_ns - stretch->run_decided_ns;
    const int64_t lag = replay->base.overlaps, since_ns = lag ? stretch->now_ns - stretch->run_decided_ns : decided_ns;
    const uint64_t empty_slots = replay->blocks.table_blocks * size - stretch->first_held_tokens - (uint64_t)decoders * stretch->steps;
    uint64_t peak_empty_slots = stretch->run->peak_empty_slots;
    uint32_t phase = stretch->phase;
    for (uint32_t done = 0, window; done < steps; done += window) {
        uint64_t bits = event_calendar_crossings(&replay->calendar, phase, &window);
        if (steps - done < window) {
            window = steps - done;
            bits &= (UINT64_C(1) << window) - 1;
        }
        for (; bits; bits &= bits - 1) { /* the steps with a crossing */
            const uint32_t in = (uint32_t)__builtin_ctzll(bits), ahead = done + in;
            const uint64_t elapsed_ns =
                (uint64_t)(ahead < lag ? decided_ns : since_ns + time_of(ahead - (uint32_t)lag, first_ns, change_ns));
            cross(replay, event_calendar_phase(&replay->calendar, phase, in), elapsed_ns, charges);
            /* Slots that stand empty are most just after blocks were taken. */
            const uint64_t empty = empty_slots + (uint64_t)charges->taken * size - (uint64_t)decoders * ahead;
            peak_empty_slots = empty > peak_empty_slots ? empty : peak_empty_slots;
        }
        phase = event_calendar_phase(&replay->calendar, phase, window);
    }
    stretch->run->peak_empty_slots = peak_empty_slots;
    stretch->duration_ns += change_ns * (steps - 1);
    move_clock(stretch, steps, first_ns, change_ns);
    stretch->phase = phase;
}

/* What used blocks were charged too much is what cached blocks got too little, but for blocks that held no content. */
static void charge(struct step_run *run, const struct charges *charges)
{
    run->used_blocks_ns -= charges->used_ns;
    run->cached_blocks_ns += charges->used_ns - charges->empty_ns;
    run->table_runs_ns -= charges->runs_ns;
}

/* Tokens held rise by `decoders` a step; tables and used blocks grow alike. Blocks are those at the end of the run, from which charge() has
 * subtracted what was taken later than its start: the two make the exact sum over all steps. */
static void sum_run(struct stretch *stretch)
{
    struct step_run *run = stretch->run;
    const struct event_blocks *blocks = &stretch->replay->blocks;
    assert(run);
    const struct step_tally *first = &run->first;
    const step_sum ns = (step_sum)(uint64_t)(stretch->decided_ns - stretch->run_decided_ns);
    const uint32_t used_blocks = blocks->queue.usable - event_blocks_free(blocks);
    if (blocks->windowed) {
        window_stretch_sum(stretch);
        return;
    }
    run->steps = stretch->run_steps;
    run->duration_ns = stretch->now_ns - stretch->run_start_ns;
    run->state_ns = stretch->decided_ns - stretch->run_decided_ns;
    run->used_blocks_ns += used_blocks * ns;
    run->cached_blocks_ns += blocks->queue.back_blocks * ns;
    run->table_runs_ns += blocks->table_runs * ns;
    run->table_blocks_ns = run->used_blocks_ns + (first->table_blocks - first->used_blocks) * ns;
    run->held_tokens_ns = first->held_tokens * ns + stretch->decoders * stretch->run_moment;
    run->peak_used_blocks = used_blocks; /* both only grow */
    run->peak_held_tokens = first->held_tokens + (uint64_t)stretch->decoders * (stretch->run_steps - 1);
    stretch->run = NULL;
}

/* Could the clock end while the linear model's stretch lasts? A bound on all its prices, once a stretch instead of a test in each step. So
 * near the end of the clock no stretch is run: steps then come one by one, and the one that does not fit is refused there. */
static bool nears_end_of_clock(const struct stretch *stretch, uint32_t most)
{
    const struct step_time_model *model = stretch->replay->base.model;
    const uint64_t last_context = stretch->first_context_tokens + (uint64_t)stretch->decoders * most;
    const double step_ns = step_time_linear_most(&model->config, stretch->decoders, last_context) + (double)stretch->host_ns;
    return model->is_linear && (double)stretch->now_ns + most * step_ns >= 0x1.ffffp62;
}

/* How long the device waits for the host before the coming step. */
static int64_t waits_for_host(const struct stretch *stretch)
{
    return max_i64(stretch->decided_ns + stretch->host_ns - stretch->now_ns, 0);
}

/* The duration of the coming step, by whatever model. Every context grows by one a step, so shapes follow from the first one: sums by
 * the number of decoders, extremes by one. SIM_BAD_INPUT: the clock ends before the step does. */
static enum status price_step(struct stretch *stretch, struct diag *diag)
{
    const struct step_time_model *model = stretch->replay->base.model;
    const uint64_t more_context = (uint64_t)stretch->decoders * stretch->steps;
    if (model->is_linear) { /* nears_end_of_clock has seen to it that it fits */
        const int64_t ns = step_time_linear(&model->config, stretch->decoders, stretch->first_context_tokens + more_context);
        stretch->hidden = stretch->host_ns <= min_i64(ns, stretch->now_ns - stretch->decided_ns);
        stretch->duration_ns = ns + waits_for_host(stretch);
        return SIM_OK;
    }
    struct step_shape shape = stretch->first_shape;
    shape.context_tokens += more_context;
    shape.decode_context += more_context;
    shape.min_decode_context += stretch->steps;
    shape.max_decode_context += stretch->steps;
    shape.step = stretch->replay->base.step_number + stretch->steps;
    const int64_t ns = step_time_price(model, &shape);
    if (!step_time_fits(stretch->now_ns, ns) || !step_time_fits(stretch->now_ns + ns, stretch->host_ns))
        return step_time_refuse(model, &shape, stretch->now_ns, diag);
    stretch->duration_ns = ns + waits_for_host(stretch);
    return SIM_OK;
}

/* The largest number of steps, the coming one first, that are over before `until_ns` > 0; each takes `change_ns` more than the one
 * before it. The root of a quadratic equation, corrected for rounding. It is known to be less than `most`. From n first + n (n - 1) / 2
 * change = until, in the form that divides by the sum with the root: it holds for change 0 too and loses no digits. */
static uint32_t steps_before(int64_t until_ns, int64_t first_ns, int64_t change_ns, uint32_t most)
{
    const double change = (double)change_ns, half = (double)first_ns - change / 2, until = (double)until_ns;
    const double root = 2 * until / (half + sqrt(half * half + 2 * change * until));
    uint32_t steps = root < most ? (uint32_t)root : most - 1;
    while (time_of(steps, first_ns, change_ns) >= until_ns)
        steps--;
    while (time_of(steps + 1, first_ns, change_ns) < until_ns)
        steps++;
    return steps;
}

/* How many of `most` steps start before `until_ns`, if one does. */
static inline uint32_t starting_before(const struct stretch *stretch, uint32_t most, int64_t change_ns, int64_t until_ns)
{
    const int64_t left_ns = until_ns - stretch->now_ns;
    if (left_ns <= 0)
        return 0;
    if (time_of(most - 1, stretch->duration_ns, change_ns) < left_ns)
        return most;
    return 1 + steps_before(left_ns, stretch->duration_ns, change_ns, most);
}

/* How many of `most` steps can run as one progression: blocks are there for all, and no arrival is seen before the last one. At least 1.
 * In block_size steps everybody crosses one boundary, so free blocks give whole turns. Two turns are kept back for the one that has
 * begun and for rounding; near the end of the pool progressions become short, then single steps, for which decode_stretch_run compares
 * the exact count. With asynchronous scheduling a step is decided when the one before it starts. Where the host holds the device up,
 * durations are no progression; nor do they go on with a run in which it did. */
static uint32_t progression_steps(const struct stretch *stretch, uint32_t most, int64_t change_ns)
{
    const struct stepper *base = &stretch->replay->base;
    const uint32_t size = stretch->replay->calendar.block_size;
    const uint64_t a_turn = (uint64_t)stretch->decoders * stretch->replay->blocks.groups; /* each takes a block of each group at the most */
    const uint32_t turns = (uint32_t)(event_blocks_free(&stretch->replay->blocks) / a_turn);
    if (most > 1 && turns < most / size + 2)
        most = turns < 3 ? 1 : min_u32(most, (turns - 2) * size);
    const uint64_t blocks = (uint64_t)stretch->decoders * (most / size + 1);
    if (change_ns >= LONGEST_RUN_NS / STEPS_MOST / STEPS_MOST || blocks > INT64_MAX / LONGEST_RUN_NS / 2)
        return 1;                                                /* charges could leave 64 bits */
    if (stretch->duration_ns >= LONGEST_RUN_NS / 2 / STEPS_MOST) /* half for the first step's duration each, half for what it grows by */
        most = min_u32(most, 1 + (uint32_t)(LONGEST_RUN_NS / 2 / (stretch->duration_ns + 1)));
    if (base->overlaps && (!stretch->hidden || (stretch->run && stretch->run->change_ns != change_ns)))
        return 1;
    if (stretch->replay->due_ns < INT64_MAX)
        most = starting_before(stretch, most, change_ns, stretch->replay->due_ns);
    return min_u32(most, starting_before(stretch, most, change_ns, base->arrivals.next_ns) + base->overlaps);
}

/* `steps` steps in one call, with a run for them if none is open. Blocks are reported to the tables once. */
static enum status advance_plainly(struct stretch *stretch, uint32_t steps, int64_t change_ns)
{
    struct event_blocks *blocks = &stretch->replay->blocks;
    const uint32_t free_blocks = event_blocks_free(blocks);
    struct charges charges = {.free = free_blocks, .without_content = free_blocks - blocks->queue.back_blocks};
    if (!stretch->run) {
        if (stretch->replay->calendar.phase_count[stretch->phase] > 0)
            cross(stretch->replay, stretch->phase, 0, &charges);
        const uint32_t left = charges.free - charges.taken;
        open_run(stretch, change_ns, left, left - charges.without_content, blocks->table_blocks + charges.taken);
        if (--steps > 0)
            stretch->duration_ns += change_ns;
    }
    if (steps > 0)
        advance(stretch, steps, change_ns, &charges);
    charge(stretch->run, &charges);
    event_blocks_appended(blocks, charges.taken);
    return SIM_OK;
}

/* The coming step and, under the linear model, those that continue its progression. Under other models steps whose durations rise evenly
 * still share a run: its change is known with the second step, and the first step that breaks the progression closes it. So does a run
 * that lasts too long for 64-bit charges. */
static enum status run_steps(struct stretch *stretch, uint32_t most, struct diag *diag)
{
    const struct step_time_model *model = stretch->replay->base.model;
    const int64_t last_ns = stretch->duration_ns;
    enum status status = price_step(stretch, diag);
    if (status != SIM_OK)
        return status;
    if (stretch->run && stretch->run_steps == 1)
        stretch->run->change_ns = stretch->duration_ns - last_ns;
    if (stretch->run &&
        (stretch->duration_ns - last_ns != stretch->run->change_ns || stretch->now_ns - stretch->run_start_ns >= LONGEST_RUN_NS)) {
        sum_run(stretch);
        status = close_run(stretch->replay, diag);
        if (status != SIM_OK)
            return status;
    }
    const int64_t change_ns = model->is_linear ? model->config.kv_ns * stretch->decoders : 0;
    uint32_t steps = model->is_linear ? progression_steps(stretch, most, change_ns) : 1;
    return stretch->replay->blocks.windowed ? window_stretch_advance(stretch, steps, change_ns, diag)
                                            : advance_plainly(stretch, steps, change_ns);
}

/* Move clock, calendar and sums to the last step of the stretch, then decide it: somebody may get the last token. The last step goes through
 * the same hands as any other, so finishing is written once. Sums are closed before it: they hold for the time while the step ran, with the
 * blocks of those who finish still in use. */
static void decide_last_step(struct stretch *stretch, bool finishes)
{
    struct event_replay *replay = stretch->replay;
    struct event_calendar *calendar = &replay->calendar;
    struct flight *step = replay->step;
    const uint32_t before = stretch->steps - 1;
    event_calendar_skip(calendar, before, stretch->phase == 0 ? calendar->block_size - 1 : stretch->phase - 1);
    replay->held_tokens = stretch->first_held_tokens + (uint64_t)stretch->decoders * before;
    step->tally.step = replay->base.step_number + before;
    step->tally.start_ns = stretch->now_ns - stretch->duration_ns;
    step->tally.duration_ns = stretch->duration_ns;
    step->tally.sampled_tokens = stretch->decoders;
    step->end_ns = replay->base.device_ns = stretch->now_ns;
    sum_run(stretch);
    if (event_policy_listens(replay))
        event_policy_tell_computed(replay);
    if (finishes)
        outputs_of_calendar(replay);
    else
        event_calendar_advance(calendar);
    replay->base.now_ns = stretch->decided_ns;
    replay->base.step_number += stretch->steps;
}

/* A stretch from the coming step on, which is possible. */
static void begin(struct event_replay *replay, struct stretch *stretch)
{
    const struct event_calendar *calendar = &replay->calendar;
    if (!replay->base.model->is_linear)
        step_parts_decodes(replay, &stretch->first_shape);
    stretch->replay = replay;
    stretch->first_context_tokens = calendar->decoder_tokens + calendar->decoders;
    stretch->first_held_tokens = replay->held_tokens + calendar->decoders;
    stretch->decoders = calendar->decoders;
    stretch->phase = calendar->tick_phase;
    stretch->decided_ns = replay->base.now_ns;
    stretch->host_ns = step_time_host(replay->base.model, stretch->decoders);
    stretch->now_ns = max_i64(replay->base.device_ns, replay->base.now_ns);
    stretch->steps = 0;
    stretch->duration_ns = 0;
    stretch->vain = 0;
    stretch->hidden = false;
    stretch->run = NULL;
    stretch->run_steps = 0;
    stretch->run_start_ns = stretch->run_decided_ns = 0;
    stretch->run_moment = 0;
}

/* Is the coming step one of the stretch, which goes on for `most` steps? */
static bool goes_on(const struct stretch *stretch, uint32_t most)
{
    const struct event_replay *replay = stretch->replay;
    return stretch->steps < most && replay->base.arrivals.next_ns > stretch->decided_ns && replay->due_ns > stretch->now_ns &&
           (uint64_t)replay->calendar.phase_count[stretch->phase] * replay->blocks.groups <= event_blocks_free(&replay->blocks);
}

/* How far: to the step in which the first request gets its last token, which is included; no further than STEPS_MOST steps, which bounds the
 * charges and the time until an interrupt is noticed; to an arrival that the coming step would see; to the last block. A closed loop's
 * next arrival cannot change on the way, since only an end could change it. First tokens that are on their way change nothing when they are
 * back, so they are taken before. */
enum status decode_stretch_run(struct event_replay *replay, uint32_t *steps, uint32_t *tokens, struct diag *diag)
{
    const struct event_calendar *calendar = &replay->calendar;
    const bool ends = replay->in_flight && replay->in_flight->lasts > 0;
    struct stretch stretch;
    enum status status = SIM_OK;
    *steps = 0;
    const uint32_t quiet = nobody_enters(replay);
    if (quiet == 0)
        return SIM_OK;
    const uint32_t most = ends ? 1 : min_u32(quiet, 1 + event_calendar_until_finish(calendar, STEPS_MOST));
    begin(replay, &stretch);
    if (!goes_on(&stretch, most) || nears_end_of_clock(&stretch, most))
        return SIM_OK;
    if (ends)
        stretch.vain = replay->in_flight->goes_on;
    else if (replay->in_flight)
        status = outputs_wait(replay, tokens, diag);
    outputs_begin(replay);
    replay->step->run = place_of_run(replay);
    while (status == SIM_OK && goes_on(&stretch, most))
        status = run_steps(&stretch, most - stretch.steps, diag);
    *steps = stretch.steps;
    if (status != SIM_OK)
        return status;
    decide_last_step(&stretch, stretch.steps == most);
    return outputs_submit(replay, tokens, diag);
}
