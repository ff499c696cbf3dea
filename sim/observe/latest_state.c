/* latest_state.c - keeps the last of each batch. Read latest_state.h first. */
#include "observe/latest_state.h"

#include <math.h>

#include "base/integers.h"

/* The first pieces are a millisecond wide: few halvings make them days. */
#define FIRST_PIECE_NS INT64_C(1000000)

/* The next piece becomes the newest; where there is no place for one, two pieces become one. */
static void next_piece(struct latest_state *state)
{
    if (++state->newest == LATEST_PIECES) {
        for (size_t i = 0; i < LATEST_PIECES / 2; i++)
            state->pieces[i] = fmax(state->pieces[2 * i], state->pieces[2 * i + 1]);
        state->newest = LATEST_PIECES / 2;
        state->piece_ns *= 2;
    }
    state->pieces[state->newest] = 0;
    state->newest_ends_ns = (int64_t)(state->newest + 1) * state->piece_ns;
}

/* A run reaches over all pieces up to its end; nearly all lie in the newest one. */
static void add(struct latest_state *state, const struct step_run *run)
{
    const int64_t end_ns = run->first.decided_ns + run->state_ns;
    for (;;) {
        if (run->first.decided_ns < state->newest_ends_ns && state->pieces[state->newest] < run->first.running)
            state->pieces[state->newest] = run->first.running;
        if (end_ns <= state->newest_ends_ns)
            break;
        next_piece(state);
    }
    state->peak_used_blocks = max_u32(state->peak_used_blocks, run->peak_used_blocks);
}

static enum status on_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct latest_state *state = self;
    (void)diag;
    for (size_t i = 0; i < count; i++)
        add(state, &runs[i]);
    const struct step_tally *last = &runs[count - 1].first;
    state->time_ns = last->decided_ns + runs[count - 1].state_ns;
    state->running = last->running;
    state->waiting = last->waiting;
    state->used_blocks = last->used_blocks;
    return SIM_OK;
}

/* No step shows that all is given back after the last request. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct latest_state *state = self;
    (void)diag;
    state->time_ns = end->end_ns;
    if (end->unfinished == 0)
        state->running = state->waiting = state->used_blocks = 0;
    return SIM_OK;
}

struct observer latest_state_observer(struct latest_state *state)
{
    *state = (struct latest_state){.piece_ns = FIRST_PIECE_NS, .newest_ends_ns = FIRST_PIECE_NS};
    return (struct observer){.self = state, .runs = on_runs, .finish = on_finish};
}
