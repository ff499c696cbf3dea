/* event_calendar.h - when each running request needs its next block and when it finishes, so that a step touches only those due.
 *
 * While a request decodes, it computes one token in every step. One counter, `tick`, counts steps for all of them; a request stores its
 * computed tokens minus the tick (`base`), and nothing about it changes until it is due:
 *
 *     phases[tick % block_size]      who needs a block in this step         (computed is a multiple of the block size)
 *     finishes[tick % FINISH_RING]   who gets its last token in this step, or a whole number of ring turns later
 *
 * Invariants: every running request is in the running list, in the order of admission (`order` rises along it); a decoding one is in
 * exactly one phase and one finish list, its tokens are base + tick; each phase list is in running order, as that is the order in which
 * blocks are handed out; decoders and decoder_tokens are the count and the sum of computed tokens of the decoding ones.
 */
#ifndef PAGESIM_EVENT_CALENDAR_H
#define PAGESIM_EVENT_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/integers.h"

#define LIVE_NONE UINT32_MAX
enum { FINISH_RING = 4096 };

/* A running request. Slots are reused. */
struct live {
    uint64_t order;        /* rises with every admission */
    uint64_t finish_tick;  /* decoding: the tick of the step that brings its last token */
    uint64_t seen_tick;    /* decoding: if this is the tick, its newest computed token was known when it was scheduled */
    int64_t last_token_ns; /* not decoding, or late: the end of the step that brings its newest token; -1 before the first */
    uint32_t position;     /* in the trace */
    uint32_t known;        /* not decoding: tokens known or on their way; decoding: computed + 1 */
    uint32_t computed;     /* not decoding: tokens present; decoding: that minus the tick, modulo 2^32 */
    uint32_t scheduled;    /* scratch of the current step */
    uint32_t phase;
    uint32_t next_running, prev_running, next_phase, prev_phase, next_finish, prev_finish;
    bool decoding;  /* in the calendar */
    bool got_token; /* was given a token since it was admitted: from now on one a step */
    bool late;      /* decoding, but it had no turn in the last step: last_token_ns tells of its newest token */
    bool over;      /* all its tokens are known or on their way: it runs on until they are back */
    bool preempted; /* the slot is free, but its request's last token may still come */
    /* Asynchronous scheduling, not in the calendar: is its newest output token on its way? And was that so of the one before when it had its
     * last turn? Both: the block that its newest computed token completes is not registered. */
    bool coming, blind;
};

struct event_calendar {
    uint32_t block_size;
    uint64_t tick;
    uint32_t tick_phase; /* tick % block_size */
    struct live *live;   /* `capacity` slots */
    uint32_t capacity;
    uint32_t *free_slots;
    uint32_t free_count;
    uint64_t next_order;
    uint32_t first_running, last_running, running;
    uint32_t *phase_first, *phase_last, *phase_count; /* block_size each; LIVE_NONE: empty */
    uint32_t *finish_first;                           /* FINISH_RING of them; likewise */
    uint64_t *phase_bits, *finish_bits;               /* a bit for each list that is not empty */
    uint64_t phase_pattern; /* of one phase in phase_bits: if block_size divides 64, it stands in the first word 64 / block_size times */
    uint32_t phase_mask;    /* block_size - 1 if block_size divides 64, else UINT32_MAX */
    uint32_t decoders;
    uint64_t decoder_tokens;
};

SIM_NODISCARD enum status event_calendar_init(struct event_calendar *calendar, uint32_t block_size, uint32_t capacity, struct diag *diag);
void event_calendar_deinit(struct event_calendar *calendar);

/* A new running request at the end of the running list, not decoding. There must be a free slot. */
uint32_t event_calendar_admit(struct event_calendar *calendar, uint32_t position);
/* Out of the running list (and of the calendar); the slot's content stays readable until the next admission. */
void event_calendar_remove(struct event_calendar *calendar, uint32_t slot);
/* Start decoding: `known` = computed + 1 and `remaining` tokens are to come. 0: one step in vain is. */
void event_calendar_enter(struct event_calendar *calendar, uint32_t slot, uint32_t remaining);
/* Stop decoding; known and computed are numbers of their own again. */
void event_calendar_leave(struct event_calendar *calendar, uint32_t slot);
/* One step in which every decoding request got its token is over. */
static inline void event_calendar_advance(struct event_calendar *calendar)
{
    calendar->tick++;
    calendar->tick_phase = calendar->tick_phase + 1 == calendar->block_size ? 0 : calendar->tick_phase + 1;
    calendar->decoder_tokens += calendar->decoders;
}

/* The same for `steps` such steps, in none of which anybody is due: nobody crosses a boundary or finishes that the caller has not dealt
 * with. `phase`: that of the step after them, tick % block_size, which the caller knows. */
static inline void event_calendar_skip(struct event_calendar *calendar, uint32_t steps, uint32_t phase)
{
    calendar->tick += steps;
    calendar->tick_phase = phase;
    calendar->decoder_tokens += (uint64_t)calendar->decoders * steps;
}

/* The phase `steps` steps after `phase`, for as many steps as event_calendar_crossings covers. */
static inline uint32_t event_calendar_phase(const struct event_calendar *calendar, uint32_t phase, uint32_t steps)
{
    phase = (phase + steps) & calendar->phase_mask;
    return phase == calendar->block_size ? 0 : phase;
}

/* In which steps does somebody cross a block boundary, counted from a step with `phase` on? A bit each, the first step lowest. *steps: how
 * many steps the bits cover, at least 1; all further bits are 0. */
static inline uint64_t event_calendar_crossings(const struct event_calendar *calendar, uint32_t phase, uint32_t *steps)
{
    const uint64_t bits = calendar->phase_bits[phase / 64];
    const uint32_t at = phase % 64;
    if (calendar->phase_mask == UINT32_MAX) {
        *steps = min_u32(64 - at, calendar->block_size - phase);
        return bits >> at;
    }
    *steps = 64;
    return bits >> at | bits << (-at % 64);
}

static inline uint32_t event_calendar_computed(const struct event_calendar *calendar, const struct live *live)
{
    return live->decoding ? live->computed + (uint32_t)calendar->tick : live->computed;
}

/* Steps from the coming one until one in which somebody gets the last token: 0 = that very one; at most `most`. */
uint32_t event_calendar_until_finish(const struct event_calendar *calendar, uint32_t most);

/* Walk all invariants. */
bool event_calendar_check(const struct event_calendar *calendar);

#endif
