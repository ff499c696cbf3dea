/* test_front_door.c - who is turned away, against the definition: what the server's book holds when a request comes, counted from what the
 * replay says of all others. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "engine/front_door.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/stream_recorder.h"
#include "support/tiny_trace.h"

enum { REQUESTS_MAX = 40, SAMPLES_MAX = 3, CASES = 1500 };

/* What became of each position; -1: it never happened. */
struct life {
    int64_t arrival_ns, first_ns, end_ns;
    size_t order; /* in which the events of arrival and rejection came */
    bool rejected, dropped;
};

static void read_lives(const struct stream *stream, struct life *lives, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        lives[i] = (struct life){-1, -1, -1, 0, false, false};
    for (size_t i = 0; i < stream->event_count; i++) {
        const struct event *event = &stream->events[i];
        struct life *life = &lives[event->request];
        if (event->kind == EVENT_ARRIVE || event->kind == EVENT_DROP) {
            life->arrival_ns = event->time_ns;
            life->order = i;
            life->dropped = event->kind == EVENT_DROP && event->extra != DROP_QUEUE_FULL;
            life->rejected = event->kind == EVENT_DROP && event->extra == DROP_QUEUE_FULL;
        }
        if (event->kind == EVENT_FIRST_TOKEN)
            life->first_ns = event->time_ns;
        if (event->kind == EVENT_FINISH)
            life->end_ns = event->time_ns;
    }
}

/* The book when `position` came: those that had come before it, or in front of it at the same time, and whose output was not back. */
static bool should_reject(const struct trace *trace, const struct config *config, const struct life *lives, uint32_t position,
                          uint32_t samples)
{
    const struct life *comes = &lives[position];
    uint64_t unfinished = 0, tokens = 0;
    for (uint32_t other = 0; other < trace->count; other++) {
        const struct life *life = &lives[other];
        if (life->arrival_ns < 0 || life->rejected || life->dropped || life->order >= comes->order)
            continue;
        unfinished += life->end_ns < 0 || life->end_ns > comes->arrival_ns;
        tokens += life->first_ns < 0 || life->first_ns > comes->arrival_ns ? trace->input_tokens[other] : 0;
    }
    return (config->max_num_queued_reqs > 0 && unfinished + samples > config->max_num_queued_reqs) ||
           (config->max_num_queued_tokens > 0 && tokens >= config->max_num_queued_tokens);
}

/* Times are whole steps' and half steps', so that many arrivals meet the end of a step or come in its middle. */
static struct trace *random_trace(uint64_t *seed)
{
    struct tiny_request requests[REQUESTS_MAX] = {0};
    const uint32_t count = 1 + random_below(seed, REQUESTS_MAX), spread = 1 + random_below(seed, 20), most = 1 + random_below(seed, 3);
    int64_t now_ns = 0;
    for (uint32_t i = 0; i < count; i++) {
        now_ns += (int64_t)random_below(seed, spread) * 500000;
        requests[i] = (struct tiny_request){.arrival_ns = now_ns,
                                            .input = 1 + random_below(seed, 40),
                                            .output = 1 + random_below(seed, 12),
                                            .samples = 1 + random_below(seed, most)};
    }
    struct trace *trace = tiny_trace(requests, count), *expanded = NULL;
    struct diag diag = {0};
    cr_assert_eq(trace_expand_samples(trace, &expanded, &diag), SIM_OK);
    trace_destroy(trace);
    return expanded;
}

static struct config random_config(uint64_t *seed)
{
    struct config config = tiny_config_v1(4, 16 + random_below(seed, 60));
    config.max_num_seqs = 1 + random_below(seed, 6);
    config.max_num_batched_tokens = config.max_num_seqs + random_below(seed, 30);
    config.max_concurrency = random_below(seed, 3) ? 0 : 1 + random_below(seed, 8);
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 1000000};
    config.max_num_queued_reqs = random_below(seed, 3) ? 1 + random_below(seed, 10) : 0;
    config.max_num_queued_tokens = random_below(seed, 3) ? 1 + random_below(seed, 120) : 0;
    return config;
}

static void replay(const struct trace *trace, const struct config *config, bool reference, struct stream *stream)
{
    struct replay_facts facts;
    struct diag diag = {0};
    cr_assert_eq(stream_record(trace, config, reference, stream, &facts, &diag), SIM_OK, "%s", diag.text);
}

Test(front_door, both_engines_turn_away_whom_the_definition_says)
{
    struct life lives[REQUESTS_MAX * SAMPLES_MAX];
    uint32_t rejected = 0, taken = 0, with_samples = 0;
    for (uint64_t number = 1; number <= CASES; number++) {
        uint64_t seed = number;
        char text[256];
        const struct config config = random_config(&seed);
        struct trace *trace = random_trace(&seed);
        struct stream plain = {0}, fast = {0};
        replay(trace, &config, true, &plain);
        replay(trace, &config, false, &fast);
        cr_assert(stream_equal(&plain, &fast, text, sizeof text), "case %llu: %s", (unsigned long long)number, text);
        read_lives(&plain, lives, trace->count);
        for (uint32_t position = 0, samples; position < trace->count; position += samples) {
            samples = 1;
            while (position + samples < trace->count && trace_sample_of(trace, position + samples) > 0)
                samples++;
            if (lives[position].dropped)
                continue;
            const bool want = should_reject(trace, &config, lives, position, samples);
            for (uint32_t i = 0; i < samples; i++)
                cr_assert_eq(lives[position + i].rejected, want, "case %llu, position %u", (unsigned long long)number, position + i);
            rejected += want;
            taken += !want;
            with_samples += want && samples > 1;
        }
        stream_deinit(&plain);
        stream_deinit(&fast);
        trace_destroy(trace);
    }
    cr_expect(rejected > CASES && taken > CASES && with_samples > CASES / 10, "%u, %u, %u", rejected, taken, with_samples);
}

/* Two outputs: at 10 a first token, at 20 an end. Between them the book is that of after 10, though the loop asks only after 20. */
Test(front_door, a_request_meets_the_book_of_when_it_came)
{
    const struct config config = {.max_num_queued_reqs = 2, .max_num_queued_tokens = 100};
    struct front_door door;
    front_door_init(&door, &config);
    door.queued_tokens = 99;
    cr_expect(!front_door_rejects(&door, 1, 1, 5));
    cr_expect(front_door_rejects(&door, 1, 2, 5) && front_door_rejects(&door, 2, 1, 5));
    door.queued_tokens = 100;
    cr_expect(front_door_rejects(&door, 1, 1, 5), "100 of 100 is full, whatever the request's own length");
    front_door_first_token(&door, 60, 10);
    cr_expect(front_door_rejects(&door, 1, 1, 9) && !front_door_rejects(&door, 1, 1, 10));
    front_door_end(&door, 20);
    cr_expect(!front_door_rejects(&door, 0, 1, 15), "the first token is long back");
    cr_expect(front_door_rejects(&door, 1, 1, 19) && !front_door_rejects(&door, 1, 1, 20));
}

Test(front_door, limits_of_0_keep_no_book)
{
    const struct config config = {.max_num_queued_reqs = 0};
    struct front_door door;
    front_door_init(&door, &config);
    cr_expect(!door.watched && !front_door_rejects(&door, UINT32_MAX, 1000, 0));
}
