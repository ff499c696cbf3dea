/* test_event_calendar.c - what the calendar says of the steps to come against a list of the decoding requests. */
#include <criterion/criterion.h>

#include "support/random.h"
#include "vllm_v1_fast/event_calendar.h"

enum { CAPACITY = 24, LOOK = 300, CHANGES = 400 };

/* Who decodes: computed tokens when it entered, the tick of that, and the tick of its last token. */
struct decoder {
    uint32_t slot, computed;
    uint64_t since, last;
};

static uint32_t computed_at(const struct decoder *decoder, uint64_t tick)
{
    return decoder->computed + (uint32_t)(tick - decoder->since);
}

static void expect_crossings(const struct event_calendar *calendar, const struct decoder *decoders, uint32_t count)
{
    uint32_t phase = calendar->tick_phase;
    for (uint32_t ahead = 0, window; ahead < LOOK; ahead += window) {
        const uint64_t bits = event_calendar_crossings(calendar, phase, &window);
        cr_assert(window >= 1 && window <= 64 && (window == 64 || bits >> window == 0));
        for (uint32_t in = 0; in < window; in++) {
            uint32_t crossing = 0;
            for (uint32_t i = 0; i < count; i++)
                crossing += computed_at(&decoders[i], calendar->tick + ahead + in) % calendar->block_size == 0;
            cr_assert_eq(bits >> in & 1, crossing > 0, "blocks of %u, %u steps ahead", calendar->block_size, ahead + in);
            cr_assert_eq(calendar->phase_count[event_calendar_phase(calendar, phase, in)], crossing);
        }
        phase = event_calendar_phase(calendar, phase, window);
    }
}

static void expect_finish(const struct event_calendar *calendar, const struct decoder *decoders, uint32_t count)
{
    uint64_t next = calendar->tick + LOOK;
    for (uint32_t i = 0; i < count; i++)
        next = decoders[i].last < next ? decoders[i].last : next;
    cr_assert_eq(event_calendar_until_finish(calendar, LOOK), next - calendar->tick);
}

static void enter(struct event_calendar *calendar, struct decoder *decoder, uint64_t *seed)
{
    const uint32_t remaining = 1 + random_below(seed, random_below(seed, 4) ? 200 : 9000);
    decoder->slot = event_calendar_admit(calendar, 0);
    decoder->computed = 1 + random_below(seed, 1000);
    decoder->since = calendar->tick;
    decoder->last = calendar->tick + remaining - 1;
    calendar->live[decoder->slot].computed = decoder->computed;
    calendar->live[decoder->slot].known = decoder->computed + 1;
    event_calendar_enter(calendar, decoder->slot, remaining);
}

Test(event_calendar, tells_who_crosses_a_boundary_and_who_finishes_in_the_steps_to_come)
{
    static const uint32_t sizes[] = {1, 2, 3, 8, 16, 24, 32, 48, 64, 100, 128, 192, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct event_calendar calendar;
        struct decoder decoders[CAPACITY];
        struct diag diag = {0};
        uint32_t count = 0;
        uint64_t seed = i + 1;
        cr_assert_eq(event_calendar_init(&calendar, sizes[i], CAPACITY, &diag), SIM_OK);
        for (int change = 0; change < CHANGES; change++) {
            if (count < CAPACITY && random_below(&seed, 3) == 0)
                enter(&calendar, &decoders[count++], &seed);
            for (uint32_t j = count; j-- > 0;) /* in the step of its last token, or any other one */
                if (decoders[j].last == calendar.tick || random_below(&seed, 40) == 0) {
                    event_calendar_remove(&calendar, decoders[j].slot);
                    decoders[j] = decoders[--count];
                }
            cr_assert(event_calendar_check(&calendar));
            expect_crossings(&calendar, decoders, count);
            expect_finish(&calendar, decoders, count);
            event_calendar_advance(&calendar);
        }
        event_calendar_deinit(&calendar);
    }
}
