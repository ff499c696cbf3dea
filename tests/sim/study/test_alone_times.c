/* test_alone_times.c - the time of a request alone is that of a trace which has it alone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"
#include "study/alone_times.h"
#include "support/random.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 12, ROUNDS = 60 };

/* Lengths repeat, so that several requests are of one kind; what they have in common would be hit in the cache if it were seen. */
static struct tiny_request random_request(uint64_t *seed, bool samples)
{
    struct tiny_request request = {.input = 17 + 16 * random_below(seed, 4), .output = 1 + 5 * random_below(seed, 5)};
    request.hash_count = 1;
    request.hash_ids[0] = random_below(seed, 2);
    request.priority = (int32_t)random_below(seed, 3);
    request.samples = samples ? 1 + random_below(seed, 3) : 0;
    return request;
}

/* From arrival to the end of the last sample; -1: not all end. */
static int64_t time_of(const struct tiny_request *request, const struct config *config)
{
    struct tiny_request alone = *request;
    struct diag diag = {0};
    struct run run;
    int64_t end = -1;
    alone.arrival_ns = 0;
    struct trace *trace = tiny_trace(&alone, 1);
    cr_assert_eq(run_open(&run, trace, config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
    for (uint32_t position = 0; position < run.trace->count; position++) {
        const struct request_story story = metrics_story(&run.metrics, position);
        end = story.finish_ns < 0 || (position > 0 && end < 0) ? -1 : story.finish_ns > end ? story.finish_ns : end;
    }
    run_close(&run);
    trace_destroy(trace);
    return end;
}

static struct config random_config(uint64_t *seed)
{
    struct config config = tiny_config_v1(16, 4 + random_below(seed, 20));
    config.max_num_batched_tokens = 16 + random_below(seed, 100);
    config.max_num_seqs = 3 + random_below(seed, 4);
    config.async_scheduling = random_below(seed, 2);
    config.finish_reason = random_below(seed, 2) ? FINISH_STOP : FINISH_LENGTH;
    if (random_below(seed, 3) == 0) {
        config.scheduler = SCHEDULER_VLLM_V0;
        config.enable_prefix_caching = config.enable_chunked_prefill = config.async_scheduling = false;
        config.max_model_len = config.max_num_batched_tokens = 2048;
    }
    return config;
}

Test(alone_times, are_those_of_a_trace_with_the_request_alone)
{
    uint64_t seed = 1;
    int served = 0, refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct tiny_request requests[REQUESTS];
        struct diag diag = {0};
        int64_t times[REQUESTS];
        struct config config = random_config(&seed);
        for (uint32_t i = 0; i < REQUESTS; i++) {
            requests[i] = random_request(&seed, round % 2);
            requests[i].arrival_ns = i; /* nearly all at once: together they would wait for each other */
        }
        struct trace *trace = tiny_trace(requests, REQUESTS);
        cr_assert_eq(alone_times(trace, &config, times, &diag), SIM_OK, "%s", diag.text);
        for (uint32_t i = 0; i < REQUESTS; i++) {
            const int64_t want = time_of(&requests[i], &config);
            cr_assert_eq(times[i], want, "round %d, request %u: %lld, want %lld", round, i, (long long)times[i], (long long)want);
            served += want >= 0;
            refused += want < 0;
        }
        trace_destroy(trace);
    }
    cr_expect(served > ROUNDS * REQUESTS / 2 && refused > 0, "%d served, %d not", served, refused);
}

Test(alone_times, depend_neither_on_policies_nor_on_arrivals)
{
    const struct tiny_request requests[] = {{.input = 100, .output = 9}, {.input = 100, .output = 9}, {.input = 30, .output = 2}};
    struct trace *trace = tiny_trace(requests, 3);
    struct config plain = tiny_config_v1(16, 50), other = plain, slower = plain;
    int64_t a[3], b[3];
    struct diag diag = {0};
    snprintf(other.scheduling_policy, sizeof other.scheduling_policy, "sjf");
    snprintf(other.eviction_policy, sizeof other.eviction_policy, "lru");
    other.request_rate = 5;
    other.max_concurrency = 1;
    other.max_num_queued_reqs = 1;
    slower.step_time.base_ns *= 2;
    cr_expect(alone_times_alike(&plain, &other));
    cr_expect_not(alone_times_alike(&plain, &slower));
    cr_assert_eq(alone_times(trace, &plain, a, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(alone_times(trace, &other, b, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(memcmp(a, b, sizeof a), 0);
    cr_expect(a[0] == a[1] && a[2] < a[0]);
    trace_destroy(trace);
}
