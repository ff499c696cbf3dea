/* test_closed_loop.c - who may start when, against the definition; and what a watermark brings, against a measured server. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/generate.h"
#include "replay/replay.h"
#include "run/run.h"
#include "support/random.h"
#include "support/stream_recorder.h"
#include "support/temp_file.h"
#include "support/tiny_trace.h"
#include "trace/drawn_arrivals.h"

enum { REQUESTS_MAX = 30, SAMPLES_MAX = 3, CASES = 1500, TALLIES_MOST = 20000 };

/* --- the definition --------------------------------------------------------------------------------------------------------------- */

/* What a stream says of each position; -1: it never happened. */
struct life {
    int64_t arrival_ns, seen_ns, end_ns;
    bool dropped, ignored, rejected;
};

static void read_lives(const struct stream *stream, struct life *lives, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        lives[i] = (struct life){-1, -1, -1, false, false, false};
    for (size_t i = 0; i < stream->event_count; i++) {
        const struct event *event = &stream->events[i];
        struct life *life = &lives[event->request];
        if (event->kind == EVENT_ARRIVE) {
            life->arrival_ns = event->time_ns;
            life->seen_ns = event->value;
        }
        if (event->kind == EVENT_FINISH || event->kind == EVENT_IGNORE)
            life->end_ns = event->time_ns;
        life->ignored |= event->kind == EVENT_IGNORE;
        life->rejected |= event->kind == EVENT_DROP && event->extra == DROP_QUEUE_FULL;
        life->dropped |= event->kind == EVENT_DROP && !life->rejected;
        if (life->rejected) /* the call came and returned at once */
            life->arrival_ns = life->seen_ns = life->end_ns = event->time_ns;
    }
}

static int ascending(const void *a, const void *b)
{
    const int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* A request ends when all its samples did: when, or -1. */
static int64_t end_of(const struct trace *trace, const struct life *lives, uint32_t position)
{
    int64_t end_ns = 0;
    for (uint32_t i = position; i < trace->count && trace_index(trace, i) == trace_index(trace, position); i++) {
        if (lives[i].end_ns < 0)
            return -1;
        if (lives[i].end_ns > end_ns)
            end_ns = lives[i].end_ns;
    }
    return end_ns;
}

/* k-th request that is not dropped, N slots: max(drawn, the (k - N)-th of all ends in order of time); it never comes when there are
 * fewer. */
static void expect_definition(const struct trace *trace, const struct config *config, const struct life *lives, uint64_t number)
{
    int64_t ends[REQUESTS_MAX * SAMPLES_MAX];
    const uint32_t slots = config->max_concurrency;
    uint32_t end_count = 0, k = 0;
    for (uint32_t position = 0; position < trace->count; position++)
        if ((position == 0 || trace_index(trace, position) != trace_index(trace, position - 1)) && !lives[position].dropped &&
            end_of(trace, lives, position) >= 0)
            ends[end_count++] = end_of(trace, lives, position);
    qsort(ends, end_count, sizeof *ends, ascending);
    for (uint32_t position = 0; position < trace->count; position++) {
        const struct life *life = &lives[position];
        if (life->dropped)
            continue;
        if (position > 0 && trace_index(trace, position) == trace_index(trace, position - 1)) {
            cr_assert_eq(life->arrival_ns, lives[position - 1].arrival_ns, "case %llu, %u: samples come together",
                         (unsigned long long)number, position);
            continue;
        }
        int64_t want = trace->arrival_ns[position];
        if (slots && k >= slots)
            want = k - slots >= end_count ? -1 : ends[k - slots] > want ? ends[k - slots] : want;
        k++;
        cr_assert_eq(life->arrival_ns, want, "case %llu, %u of %u slots: came at %lld, should at %lld", (unsigned long long)number,
                     position, slots, (long long)life->arrival_ns, (long long)want);
        cr_assert(life->seen_ns >= life->arrival_ns);
    }
}

static struct trace *random_trace(uint64_t *seed, const struct config *config)
{
    struct tiny_request requests[REQUESTS_MAX] = {0};
    const uint32_t count = 1 + random_below(seed, REQUESTS_MAX), spread = 1 + random_below(seed, 60), samples = 1 + random_below(seed, 3);
    int64_t now_ns = 0;
    for (uint32_t i = 0; i < count; i++) {
        now_ns += (int64_t)random_below(seed, spread) * 1000000;
        requests[i] = (struct tiny_request){.arrival_ns = now_ns,
                                            .input = 1 + random_below(seed, random_below(seed, 6) ? 40 : 200),
                                            .output = 1 + random_below(seed, 30),
                                            .samples = 1 + random_below(seed, samples)};
    }
    struct trace *trace = tiny_trace(requests, count), *expanded = NULL;
    struct diag diag = {0};
    if (config->scheduler == SCHEDULER_VLLM_V1) {
        cr_assert_eq(trace_expand_samples(trace, &expanded, &diag), SIM_OK);
        trace_destroy(trace);
        trace = expanded;
    }
    if (drawn_arrivals_wanted(trace, config)) {
        cr_assert_eq(drawn_arrivals_make(trace, config, &expanded, &diag), SIM_OK);
        trace_destroy(trace);
        trace = expanded;
    }
    return trace;
}

static struct config random_config(uint64_t *seed)
{
    struct config config = tiny_config_v1(4, 12 + random_below(seed, 60));
    config.max_num_seqs = 2 + random_below(seed, 6);
    config.max_num_batched_tokens = config.max_num_seqs + random_below(seed, 60);
    config.max_model_len = 150;
    config.max_concurrency = random_below(seed, 8);
    config.seed = random_next(seed);
    if (random_below(seed, 3) == 0)
        config.request_rate = random_below(seed, 4) ? 1 + random_below(seed, 60) : 1.0 / 0.0;
    else if (random_below(seed, 3) == 0) {
        snprintf(config.ramp_up_strategy, sizeof config.ramp_up_strategy, "%s", random_below(seed, 2) ? "linear" : "exponential");
        config.ramp_up_start_rps = 1 + random_below(seed, 20);
        config.ramp_up_end_rps = config.ramp_up_start_rps + random_below(seed, 50);
    }
    config.burstiness = random_below(seed, 2) ? 1 : 0.1 * (1 + random_below(seed, 40));
    if (random_below(seed, 3) == 0) { /* a small budget: prompts above it are ignored in mid-run */
        config.scheduler = SCHEDULER_VLLM_V0;
        config.enable_chunked_prefill = config.enable_prefix_caching = false;
        config.preemption_mode = PREEMPTION_RECOMPUTE;
        config.max_num_batched_tokens = random_below(seed, 3) ? 2048 : 60;
    } else if (random_below(seed, 3) == 0) {
        config.max_num_queued_reqs = 1 + random_below(seed, 8);
        config.max_num_queued_tokens = random_below(seed, 2) ? 1 + random_below(seed, 300) : 0;
    }
    return config;
}

/* Replay with one engine; true when it ended by itself, as some priorities and pools never do. */
static bool record(const struct trace *trace, const struct config *config, bool reference, struct stream *stream)
{
    struct replay_facts facts;
    struct diag diag = {0};
    return stream_record(trace, config, reference, stream, &facts, &diag) == SIM_OK && !facts.end.abort;
}

Test(closed_loop, every_engine_starts_requests_by_the_definition)
{
    struct life lives[REQUESTS_MAX * SAMPLES_MAX] = {0};
    uint32_t waited = 0, dropped = 0, ignored = 0, rejected = 0, of_v0 = 0, with_samples = 0;
    for (uint64_t number = 1; number <= CASES; number++) {
        uint64_t seed = number;
        char text[256];
        const struct config config = random_config(&seed);
        struct trace *trace = random_trace(&seed, &config);
        struct stream plain = {.tally_limit = TALLIES_MOST}, fast = {.tally_limit = TALLIES_MOST};
        if (record(trace, &config, true, &plain)) {
            read_lives(&plain, lives, trace->count);
            expect_definition(trace, &config, lives, number);
            cr_assert(record(trace, &config, false, &fast) && stream_equal(&plain, &fast, text, sizeof text), "case %llu: %s",
                      (unsigned long long)number, text);
            for (uint32_t i = 0; i < trace->count; i++) {
                waited += lives[i].arrival_ns > trace->arrival_ns[i];
                dropped += lives[i].dropped;
                ignored += lives[i].ignored;
                rejected += config.max_concurrency > 0 && lives[i].rejected;
                with_samples += trace->sample && trace->sample[i] > 0;
            }
            of_v0 += config.scheduler == SCHEDULER_VLLM_V0;
        }
        stream_deinit(&plain);
        stream_deinit(&fast);
        trace_destroy(trace);
    }
    /* The cases are what the name says. */
    cr_expect(waited > CASES && dropped > CASES / 10 && ignored > CASES / 20 && rejected > CASES / 10 && of_v0 > CASES / 6 &&
                  with_samples > CASES / 2,
              "%u waited, %u dropped, %u ignored, %u rejected, %u V0, %u samples", waited, dropped, ignored, rejected, of_v0, with_samples);
}

/* --- the watermark of vllm-project/vllm pull request 44594 -------------------------------------------------------------------------- */

enum { SEEDS = 5, WATERMARKS = 5 };

static struct trace *watermark_trace(uint64_t seed)
{
    struct generate_spec spec;
    struct temp_file file = temp_file_make("", 0);
    const struct trace_selection all = trace_select_all();
    struct trace *trace;
    struct diag diag = {0};
    cr_assert_eq(generate_spec_preset(&spec, "uniform", &diag), SIM_OK);
    cr_assert_eq(generate_spec_set(&spec, "arrival", "burst", &diag), SIM_OK);
    cr_assert_eq(generate_spec_set(&spec, "input-tokens", "uniform:min=800,max=1200", &diag), SIM_OK);
    cr_assert_eq(generate_spec_set(&spec, "output-tokens", "uniform:min=4000,max=6000", &diag), SIM_OK);
    cr_assert_eq(generate_spec_check(&spec, &diag), SIM_OK);
    spec.requests = 450;
    spec.seed = seed;
    FILE *out = fopen(file.path, "w");
    cr_assert(out && generate_write(&spec, out, &diag) == SIM_OK && fclose(out) == 0);
    cr_assert_eq(trace_load(file.path, &all, &trace, &diag), SIM_OK, "%s", diag.text);
    temp_file_remove(&file);
    generate_spec_deinit(&spec);
    return trace;
}

static void replay_watermark(const struct trace *trace, double watermark, double *preemptions, double *requests_per_s)
{
    struct config config = tiny_config_v1(16, 18724);
    struct run run;
    struct diag diag = {0};
    config.max_model_len = 8192;
    config.max_num_seqs = 256;
    config.max_num_batched_tokens = 8192;
    config.enable_prefix_caching = false;
    config.max_concurrency = 128;
    config.watermark = watermark;
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 4600000, .token_ns = 20000, .kv_ns = 13};
    cr_assert_eq(run_open(&run, trace, &config, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(run_judge(&run, &diag), SIM_OK, "%s", diag.text);
    *preemptions += run_figure(&run, "preemptions") / SEEDS;
    *requests_per_s += run_figure(&run, "request_throughput") / SEEDS;
    run_close(&run);
}

Test(closed_loop, a_watermark_saves_preemptions_as_it_did_on_a_gpu)
{
    static const double watermarks[WATERMARKS] = {0, 0.02, 0.05, 0.10, 0.15}, measured[WATERMARKS] = {1065, 400, 187, 168, 168};
    double preemptions[WATERMARKS] = {0}, requests_per_s[WATERMARKS] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct trace *trace = watermark_trace(seed);
        for (int i = 0; i < WATERMARKS; i++)
            replay_watermark(trace, watermarks[i], &preemptions[i], &requests_per_s[i]);
        trace_destroy(trace);
    }
    int best = 0;
    for (int i = 0; i < WATERMARKS; i++) {
        cr_log_info("watermark %g: %.1f preemptions, %.4f requests/s\n", watermarks[i], preemptions[i], requests_per_s[i]);
        cr_expect_float_eq(preemptions[i] / measured[i], 1, 0.25, "watermark %g: %g preemptions", watermarks[i], preemptions[i]);
        best = requests_per_s[i] > requests_per_s[best] ? i : best;
    }
    cr_expect(best >= 1 && best <= 3, "throughput is highest at 0.02 to 0.10, not at %g", watermarks[best]);
    /* A drop, then flat. */
    cr_expect(preemptions[0] > 2 * preemptions[1] && preemptions[1] > 1.5 * preemptions[2] && preemptions[3] < 1.2 * preemptions[4]);
}
