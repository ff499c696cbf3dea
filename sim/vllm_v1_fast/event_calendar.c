/* event_calendar.c - the lists of event_calendar.h: running requests, phases, finishes, and a bit for each list that is not empty, so
 * that the next one due is found without walking.
 *
 * Why two kinds of list: boundaries come every block_size steps for everybody, so a phase is for the whole time of decoding and a
 * request stays in its list; a finish comes once, anywhere in the future, so the ring is a timer wheel with turns. Entering, leaving and
 * asking who is next are all O(1) but for rare walks. */
#include "vllm_v1_fast/event_calendar.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

enum status event_calendar_init(struct event_calendar *calendar, uint32_t block_size, uint32_t capacity, struct diag *diag)
{
    *calendar = (struct event_calendar){
        .block_size = block_size, .capacity = capacity, .first_running = LIVE_NONE, .last_running = LIVE_NONE, .free_count = capacity};
    const struct array_request arrays[] = {ARRAY_OF(calendar->live, capacity),
                                           ARRAY_OF(calendar->free_slots, capacity),
                                           ARRAY_OF(calendar->phase_first, block_size),
                                           ARRAY_OF(calendar->phase_last, block_size),
                                           ARRAY_OF(calendar->phase_count, block_size),
                                           ARRAY_OF(calendar->finish_first, FINISH_RING),
                                           ARRAY_OF(calendar->phase_bits, ceil_div(block_size, 64)),
                                           ARRAY_OF(calendar->finish_bits, FINISH_RING / 64)};
    enum status status = array_zeroed_all(arrays, sizeof arrays / sizeof *arrays, "the event calendar", diag);
    if (status != SIM_OK) {
        event_calendar_deinit(calendar);
        return status;
    }
    memset(calendar->phase_first, 0xff, block_size * sizeof *calendar->phase_first); /* LIVE_NONE: all lists are empty */
    memset(calendar->phase_last, 0xff, block_size * sizeof *calendar->phase_last);
    memset(calendar->finish_first, 0xff, FINISH_RING * sizeof *calendar->finish_first);
    /* A block size that divides 64 stands several times in one word of bits: then the word tells of 64 steps ahead, around the ring. */
    calendar->phase_pattern = 1;
    calendar->phase_mask = UINT32_MAX;
    if (64 % block_size == 0) {
        calendar->phase_mask = block_size - 1;
        for (uint32_t at = block_size; at < 64; at += block_size)
            calendar->phase_pattern |= UINT64_C(1) << at;
    }
    for (uint32_t i = 0; i < capacity; i++)
        calendar->free_slots[i] = capacity - 1 - i;
    return SIM_OK;
}

void event_calendar_deinit(struct event_calendar *calendar)
{
    free(calendar->live);
    free(calendar->free_slots);
    free(calendar->phase_first);
    free(calendar->phase_last);
    free(calendar->phase_count);
    free(calendar->finish_first);
    free(calendar->phase_bits);
    free(calendar->finish_bits);
    *calendar = (struct event_calendar){0};
}

/* `order` numbers admissions and never repeats; slots do. Comparing it tells who comes first in the running list without walking it. */
uint32_t event_calendar_admit(struct event_calendar *calendar, uint32_t position)
{
    assert(calendar->free_count > 0);
    uint32_t slot = calendar->free_slots[--calendar->free_count];
    struct live *live = &calendar->live[slot];
    *live = (struct live){.order = calendar->next_order++,
                          .position = position,
                          .last_token_ns = -1,
                          .next_running = LIVE_NONE,
                          .prev_running = calendar->last_running};
    *(live->prev_running == LIVE_NONE ? &calendar->first_running : &calendar->live[live->prev_running].next_running) = slot;
    calendar->last_running = slot;
    calendar->running++;
    return slot;
}

/* A victim can stand anywhere in the list (priority) and a finish happens anywhere, hence links both ways. */
void event_calendar_remove(struct event_calendar *calendar, uint32_t slot)
{
    struct live *all = calendar->live, *live = &all[slot];
    if (live->decoding)
        event_calendar_leave(calendar, slot);
    *(live->prev_running == LIVE_NONE ? &calendar->first_running : &all[live->prev_running].next_running) = live->next_running;
    *(live->next_running == LIVE_NONE ? &calendar->last_running : &all[live->next_running].prev_running) = live->prev_running;
    calendar->running--;
    calendar->free_slots[calendar->free_count++] = slot;
}

/* Into its phase list, in running order. Nearly always the place is the end: who was admitted last starts decoding last. After an
 * ordered step everybody enters in running order, and the place is the end again. */
static void link_phase(struct event_calendar *calendar, uint32_t slot)
{
    struct live *all = calendar->live, *live = &all[slot];
    uint32_t *first = &calendar->phase_first[live->phase], *last = &calendar->phase_last[live->phase], before = *last;
    while (before != LIVE_NONE && all[before].order > live->order)
        before = all[before].prev_phase;
    live->prev_phase = before;
    live->next_phase = before == LIVE_NONE ? *first : all[before].next_phase;
    *(before == LIVE_NONE ? first : &all[before].next_phase) = slot;
    *(live->next_phase == LIVE_NONE ? last : &all[live->next_phase].prev_phase) = slot;
    calendar->phase_count[live->phase]++;
    calendar->phase_bits[live->phase / 64] |= calendar->phase_pattern << (live->phase % 64);
}

/* The bit goes with the last of the list, so that bits tell of crossings without looking into lists. */
static void unlink_phase(struct event_calendar *calendar, const struct live *live)
{
    struct live *all = calendar->live;
    *(live->prev_phase == LIVE_NONE ? &calendar->phase_first[live->phase] : &all[live->prev_phase].next_phase) = live->next_phase;
    *(live->next_phase == LIVE_NONE ? &calendar->phase_last[live->phase] : &all[live->next_phase].prev_phase) = live->prev_phase;
    if (--calendar->phase_count[live->phase] == 0)
        calendar->phase_bits[live->phase / 64] &= ~(calendar->phase_pattern << (live->phase % 64));
}

/* From here on the request costs nothing until it is due. Its phase is that of the step in which `computed` is a multiple of the block
 * size, so that the step's token needs a new block: the coming one, if all its blocks are full. The first of `remaining` tokens is that
 * of the coming step, hence the - 1. `computed` becomes the difference to the tick, modulo 2^32, which event_calendar_computed undoes.
 * Finish lists are in no order; those due in a step are few and are sorted then. */
void event_calendar_enter(struct event_calendar *calendar, uint32_t slot, uint32_t remaining)
{
    struct live *live = &calendar->live[slot];
    assert(!live->decoding && live->known == live->computed + 1 && calendar->tick + remaining > 0);
    const uint32_t size = calendar->block_size, inside = live->computed % size; /* a block is due when a whole number of them is full */
    live->phase = calendar->tick_phase + (inside > 0 ? size - inside : 0);
    live->phase -= live->phase >= size ? size : 0;
    live->finish_tick = calendar->tick + remaining - 1;
    calendar->decoders++;
    calendar->decoder_tokens += live->computed;
    live->computed -= (uint32_t)calendar->tick;
    live->decoding = true;
    link_phase(calendar, slot);
    const uint32_t place = (uint32_t)(live->finish_tick % FINISH_RING);
    uint32_t *first = &calendar->finish_first[place];
    live->prev_finish = LIVE_NONE;
    live->next_finish = *first;
    if (*first != LIVE_NONE)
        calendar->live[*first].prev_finish = slot;
    *first = slot;
    calendar->finish_bits[place / 64] |= UINT64_C(1) << (place % 64);
}

/* The inverse of enter, at any tick: counters give back the tokens of now, including those decoded since. */
void event_calendar_leave(struct event_calendar *calendar, uint32_t slot)
{
    struct live *live = &calendar->live[slot];
    const uint32_t place = (uint32_t)(live->finish_tick % FINISH_RING);
    unlink_phase(calendar, live);
    *(live->prev_finish == LIVE_NONE ? &calendar->finish_first[place] : &calendar->live[live->prev_finish].next_finish) = live->next_finish;
    if (live->next_finish != LIVE_NONE)
        calendar->live[live->next_finish].prev_finish = live->prev_finish;
    if (calendar->finish_first[place] == LIVE_NONE)
        calendar->finish_bits[place / 64] &= ~(UINT64_C(1) << (place % 64));
    live->computed += (uint32_t)calendar->tick;
    live->known = live->computed + 1;
    live->decoding = false;
    calendar->decoders--;
    calendar->decoder_tokens -= live->computed;
}

/* How far ahead of `from` the next list of the finish ring is that holds somebody; UINT32_MAX: none does. The first word is looked at
 * from `from` on, the others whole, and the first once more in the end for its bits before `from`, which are a whole turn ahead. */
static uint32_t next_finish_list(const struct event_calendar *calendar, uint32_t from)
{
    uint32_t word = from / 64;
    const uint64_t *bits = calendar->finish_bits, rest = bits[word] >> (from % 64);
    if (rest)
        return (uint32_t)__builtin_ctzll(rest);
    for (uint32_t i = 0; i < FINISH_RING / 64; i++) {
        word = (word + 1) % (FINISH_RING / 64);
        if (bits[word])
            return (word * 64 + (uint32_t)__builtin_ctzll(bits[word]) - from) % FINISH_RING;
    }
    return UINT32_MAX;
}

/* A list can hold only those of later turns, so its members are compared and the search goes on. Outputs of more than FINISH_RING tokens
 * are what makes that happen. */
uint32_t event_calendar_until_finish(const struct event_calendar *calendar, uint32_t most)
{
    uint32_t ahead = 0;
    while (ahead < most) {
        uint32_t distance = next_finish_list(calendar, (uint32_t)((calendar->tick + ahead) % FINISH_RING));
        if (distance >= most - ahead)
            return most;
        ahead += distance;
        const uint64_t tick = calendar->tick + ahead;
        for (uint32_t slot = calendar->finish_first[tick % FINISH_RING]; slot != LIVE_NONE; slot = calendar->live[slot].next_finish)
            if (calendar->live[slot].finish_tick == tick)
                return ahead;
        ahead++; /* those in the list finish whole turns of the ring later */
    }
    return most;
}

/* The header's invariants: running order, each decoder's phase against its tokens, no finish in the past, but for the last step's, bits against lists, counters
 * against sums. */
bool event_calendar_check(const struct event_calendar *calendar)
{
    uint32_t running = 0, decoders = 0;
    uint64_t tokens = 0, last_order = 0;
    for (uint32_t slot = calendar->first_running; slot != LIVE_NONE; slot = calendar->live[slot].next_running) {
        const struct live *live = &calendar->live[slot];
        if (running++ > 0 && live->order <= last_order)
            return false;
        last_order = live->order;
        if (!live->decoding)
            continue;
        uint32_t computed = event_calendar_computed(calendar, live);
        decoders++;
        tokens += computed;
        uint32_t ahead = (live->phase + calendar->block_size - calendar->tick_phase) % calendar->block_size;
        if (((uint64_t)computed + ahead) % calendar->block_size != 0 || live->finish_tick + 1 < calendar->tick)
            return false;
    }
    uint64_t listed = 0;
    for (uint32_t phase = 0; phase < calendar->block_size; phase++) {
        listed += calendar->phase_count[phase];
        if ((calendar->phase_bits[phase / 64] >> (phase % 64) & 1) != (calendar->phase_count[phase] > 0))
            return false;
    }
    for (uint32_t place = 0; place < FINISH_RING; place++)
        if ((calendar->finish_bits[place / 64] >> (place % 64) & 1) != (calendar->finish_first[place] != LIVE_NONE))
            return false;
    return running == calendar->running && decoders == calendar->decoders && tokens == calendar->decoder_tokens && listed == decoders;
}
