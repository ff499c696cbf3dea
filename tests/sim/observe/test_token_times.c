/* test_token_times.c - inter-token latencies out of step ends and gaps equal those of an observer that looks at every token. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_keys.h"
#include "observe/token_times.h"
#include "replay/replay.h"
#include "support/random.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 24, TOKENS_MOST = 64, STEPS_MOST = 20000 };

/* Every token time of every request. The stream's pauses are those of the configuration, token by token. */
struct naive {
    const struct step_time_config *config;
    int64_t stands_until_ns;
    uint64_t pairs;
    int64_t at_ns[REQUESTS][TOKENS_MOST];
    uint32_t count[REQUESTS];
    bool finished[REQUESTS];
    uint64_t steps;
};

/* What the cases reached, so that a change of the generator cannot make the test empty. */
static struct {
    uint64_t waits, gaps, by_events, empty_steps, finished, unfinished, pauses;
} reached;

static enum status naive_completed(void *self, const struct step *step, struct diag *diag)
{
    struct naive *naive = self;
    const int64_t end_ns = step->tally.start_ns + step->tally.duration_ns;
    naive->pairs += (uint64_t)step->tally.sampled_tokens * step->tally.sampled_tokens;
    for (; naive->config->pause_ns > 0 && naive->pairs >= naive->config->pause_every_pairs; reached.pauses++) {
        naive->pairs -= naive->config->pause_every_pairs;
        naive->stands_until_ns = (end_ns > naive->stands_until_ns ? end_ns : naive->stands_until_ns) + naive->config->pause_ns;
    }
    for (uint32_t i = 0; i < step->sampled_count; i++) {
        const uint32_t request = step->sampled[i].request;
        cr_assert_lt(naive->count[request], TOKENS_MOST);
        naive->at_ns[request][naive->count[request]++] = end_ns > naive->stands_until_ns ? end_ns : naive->stands_until_ns;
    }
    for (uint32_t i = 0; i < step->finished_count; i++)
        naive->finished[step->finished[i]] = true;
    return ++naive->steps < STEPS_MOST ? SIM_OK : diag_set(diag, SIM_INTERRUPTED, "requests preempt each other for ever");
}

static bool replay(const struct trace *trace, const struct config *config, struct naive *naive, struct token_times *times, bool *by_events)
{
    struct diag diag = {0};
    struct step_time_model *model;
    struct replay_facts facts;
    const struct replay_options how = {0};
    struct observer observers[2] = {token_times_observer(times), {.self = naive, .completed = naive_completed}};
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK, "%s", diag.text);
    enum status status = replay_run(trace, config, model, observers, naive ? 2 : 1, &how, &facts, &diag);
    cr_assert(status == SIM_OK || status == SIM_INTERRUPTED, "%s", diag.text);
    *by_events = facts.by_events;
    step_time_destroy(model);
    return status == SIM_OK;
}

static void expect_same(const struct naive *naive, const struct token_times *times, uint64_t number, const char *engine)
{
    for (uint32_t request = 0; request < times->trace->count; request++) {
        struct token_walk walk = token_walk_begin(times, request);
        uint32_t token = 1;
        for (int64_t itl_ns; token_walk_next(&walk, &itl_ns); token++) {
            cr_assert(naive->finished[request] && token < naive->count[request], "case %llu, %s: request %u has a wait too many",
                      (unsigned long long)number, engine, request);
            cr_assert_eq(itl_ns, naive->at_ns[request][token] - naive->at_ns[request][token - 1], "case %llu, %s: request %u, token %u",
                         (unsigned long long)number, engine, request, token);
            reached.waits++;
        }
        if (naive->finished[request])
            cr_assert_eq(token, naive->count[request], "case %llu, %s: request %u", (unsigned long long)number, engine, request);
        *(naive->finished[request] ? &reached.finished : &reached.unfinished) += 1;
    }
    reached.gaps += times->gap_count;
    reached.empty_steps += times->has_empty_step;
}

static struct config random_config(uint64_t *seed, bool v0)
{
    struct config config = tiny_config_v1(1 + random_below(seed, 8), 0);
    if (v0) {
        config_defaults(SCHEDULER_VLLM_V0, &config);
        config.block_size = 1 + random_below(seed, 8);
        config.max_model_len = 256;
        config.enable_chunked_prefill = random_below(seed, 2);
        config.preemption_mode = random_below(seed, 2) ? PREEMPTION_SWAP : PREEMPTION_AUTO;
        config.num_cpu_blocks = 4000;
    }
    config.num_gpu_blocks = 100 / config.block_size + 4 + random_below(seed, 60);
    config.max_num_seqs = 1 + random_below(seed, 8);
    config.max_num_batched_tokens = config.enable_chunked_prefill ? 8 + random_below(seed, 60) : 256;
    if (!v0 && random_below(seed, 2))
        strcpy(config.scheduling_policy, "priority");
    if (!v0 && random_below(seed, 3) == 0)
        config.long_prefill_token_threshold = 1 + random_below(seed, 10);
    if (random_below(seed, 4) == 0) /* steps that may take no time at all */
        config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .kv_ns = random_below(seed, 2)};
    else if (random_below(seed, 2)) { /* several steps may end at once there, and pauses go by time */
        config.step_time.pause_ns = 1 + random_below(seed, 40000000);
        config.step_time.pause_every_pairs = 1 + random_below(seed, 300);
    }
    return config;
}

static struct trace *random_trace(uint64_t *seed, bool v0)
{
    struct tiny_request requests[REQUESTS] = {0};
    int64_t now_ns = 0;
    for (int i = 0; i < REQUESTS; i++) {
        now_ns += random_below(seed, 4) ? (int64_t)random_below(seed, 30000000) : 0;
        requests[i] = (struct tiny_request){.arrival_ns = now_ns,
                                            .input = 1 + random_below(seed, 60),
                                            .output = 1 + random_below(seed, 40),
                                            .priority = (int32_t)random_below(seed, 3),
                                            .samples = v0 && random_below(seed, 3) == 0 ? 1 + random_below(seed, 4) : 0,
                                            .beam_width = v0 && random_below(seed, 5) == 0 ? 2 + random_below(seed, 2) : 0};
    }
    return tiny_trace(requests, REQUESTS);
}

Test(token_times, equal_those_of_an_observer_of_every_token_on_both_engines)
{
    static struct naive naive;
    for (uint64_t number = 1; number <= 1200; number++) {
        uint64_t seed = number;
        const bool v0 = number % 3 == 0;
        struct config config = random_config(&seed, v0);
        struct trace *trace = random_trace(&seed, v0);
        struct diag diag = {0};
        memset(&naive, 0, sizeof naive);
        naive.config = &config.step_time;
        for (int fast = 0; fast < 2; fast++) {
            struct token_times times;
            bool by_events;
            cr_assert_eq(token_times_init(&times, trace, &diag), SIM_OK);
            stream_pauses_init(&times.pauses, &config.step_time);
            if (!replay(trace, &config, fast ? NULL : &naive, &times, &by_events)) {
                token_times_deinit(&times);
                break;
            }
            reached.by_events += by_events;
            expect_same(&naive, &times, number, by_events ? "events" : "steps");
            token_times_deinit(&times);
        }
        trace_destroy(trace);
    }
    cr_expect_gt(reached.waits, 500000);
    cr_expect_gt(reached.gaps, 10000);
    cr_expect_gt(reached.by_events, 500);
    cr_expect_gt(reached.empty_steps, 200);
    cr_expect_gt(reached.finished, 30000);
    cr_expect_gt(reached.pauses, 10000);
    cr_log_info("%llu waits, %llu gaps, %llu replays by events, %llu with empty steps, %llu finished, %llu not\n",
                (unsigned long long)reached.waits, (unsigned long long)reached.gaps, (unsigned long long)reached.by_events,
                (unsigned long long)reached.empty_steps, (unsigned long long)reached.finished, (unsigned long long)reached.unfinished);
}
