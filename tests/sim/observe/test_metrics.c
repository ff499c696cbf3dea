/* test_metrics.c - percentiles against sorting everything; latencies and ledger sums against a naive walk over single tokens. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "observe/ledger.h"
#include "observe/metrics.h"
#include "replay/replay.h"
#include "support/naive_percentile.h"
#include "support/random.h"
#include "support/tiny_trace.h"

Test(distribution, percentiles_equal_those_of_the_sorted_list)
{
    static const double wanted[] = {0, 1, 25, 50, 90, 95, 99, 99.9, 100};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct distribution distribution = {0};
        struct diag diag = {0};
        double *all = malloc(100000 * sizeof *all), found[9];
        size_t count = 0, values = 1 + seed * seed % 700;
        uint64_t random = seed;
        for (size_t i = 0; i < values; i++) {
            double value = seed % 3 ? (double)random_below(&random, 5000) / 7 : (double)random_next(&random);
            for (uint32_t times = random_below(&random, seed % 2 ? 2 : 100); times > 0; times--) {
                cr_assert_eq(distribution_add(&distribution, value, &diag), SIM_OK);
                all[count++] = value;
            }
        }
        qsort(all, count, sizeof *all, by_value);
        cr_assert_eq(distribution_percentiles(&distribution, wanted, 9, found, &diag), SIM_OK);
        for (int i = 0; i < 9; i++)
            cr_expect_eq(found[i], count ? naive_percentile(all, count, wanted[i]) : 0, "seed %llu, p%g", (unsigned long long)seed,
                         wanted[i]);
        distribution_deinit(&distribution);
        free(all);
    }
}

/* Naive observer of single steps: remembers every token time of every request, and integrates memory step by step. */
struct naive {
    uint64_t seconds[200]; /* tokens, by whole second since the first arrival */
    const struct trace *trace;
    double gaps_ms[20000], held, empty, used;
    size_t gap_count;
    int64_t last_ns[64], first_ns[64], finish_ns[64];
    uint32_t computed[64];
    uint32_t block_size;
    double time_ns;
};

static enum status naive_scheduled(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    struct naive *naive = self;
    double held = 0, slots = 0;
    for (uint32_t i = 0; i < step->preempted_count; i++)
        naive->computed[step->preempted[i].request] = 0;
    for (uint32_t i = 0; i < step->sequence_count; i++)
        naive->computed[step->sequences[i].request] = step->sequences[i].start + step->sequences[i].tokens;
    for (uint32_t r = 0; r < naive->trace->count; r++) {
        held += naive->computed[r];
        uint32_t blocks = (naive->computed[r] + naive->block_size - 1) / naive->block_size;
        slots += (double)(blocks * naive->block_size);
    }
    double ns = (double)step->tally.duration_ns;
    naive->held += held * ns;
    naive->empty += (slots - held) * ns;
    naive->used += step->tally.used_blocks * ns;
    naive->time_ns += ns;
    return SIM_OK;
}

static enum status naive_completed(void *self, const struct step *step, struct diag *diag)
{
    (void)diag;
    struct naive *naive = self;
    int64_t end = step->tally.start_ns + step->tally.duration_ns;
    for (uint32_t i = 0; i < step->sampled_count; i++) {
        uint32_t r = step->sampled[i].request;
        if (naive->first_ns[r] < 0)
            naive->first_ns[r] = end;
        else
            naive->gaps_ms[naive->gap_count++] = (double)(end - naive->last_ns[r]) / 1e6;
        naive->last_ns[r] = end;
        naive->seconds[(end - naive->trace->arrival_ns[0]) / 1000000000]++;
    }
    for (uint32_t i = 0; i < step->finished_count; i++) {
        naive->finish_ns[step->finished[i]] = end;
        naive->computed[step->finished[i]] = 0;
    }
    return SIM_OK;
}

static void expect_near(double found, double wanted, const char *what)
{
    cr_expect(fabs(found - wanted) <= 1e-9 * fabs(wanted) + 1e-12, "%s: %.17g, naively %.17g", what, found, wanted);
}

static void compare(const struct metrics *metrics, const struct ledger *ledger, struct naive *naive)
{
    const uint32_t count = naive->trace->count;
    double ttft[64], e2e[64], tpot[64];
    size_t tpots = 0;
    for (uint32_t r = 0; r < count; r++) {
        ttft[r] = (double)(naive->first_ns[r] - naive->trace->arrival_ns[r]) / 1e6;
        e2e[r] = (double)(naive->finish_ns[r] - naive->trace->arrival_ns[r]) / 1e6;
        if (naive->trace->output_tokens[r] > 1)
            tpot[tpots++] = (double)(naive->finish_ns[r] - naive->first_ns[r]) / 1e6 / (naive->trace->output_tokens[r] - 1);
    }
    qsort(ttft, count, sizeof *ttft, by_value);
    qsort(e2e, count, sizeof *e2e, by_value);
    qsort(tpot, tpots, sizeof *tpot, by_value);
    qsort(naive->gaps_ms, naive->gap_count, sizeof *naive->gaps_ms, by_value);
    cr_expect_eq(metrics->latency_ms[LATENCY_ITL].count, naive->gap_count);
    expect_near(metrics->latency_ms[LATENCY_ITL].p99, naive_percentile(naive->gaps_ms, naive->gap_count, 99), "p99 ITL");
    expect_near(metrics->latency_ms[LATENCY_ITL].median, naive_percentile(naive->gaps_ms, naive->gap_count, 50), "median ITL");
    expect_near(metrics->latency_ms[LATENCY_TTFT].p90, naive_percentile(ttft, count, 90), "p90 TTFT");
    expect_near(metrics->latency_ms[LATENCY_E2EL].p95, naive_percentile(e2e, count, 95), "p95 E2E");
    expect_near(metrics->latency_ms[LATENCY_TPOT].median, naive_percentile(tpot, tpots, 50), "median TPOT");
    uint64_t most = 0;
    for (size_t second = 0; second < sizeof naive->seconds / sizeof *naive->seconds; second++)
        most = naive->seconds[second] > most ? naive->seconds[second] : most;
    cr_expect_eq(metrics->output_peak.most, most, "most tokens in a second");
    const struct ledger_sums sums = ledger_span_sums(ledger, SPAN_ALL);
    expect_near((double)sums.held_tokens, naive->held, "held tokens");
    expect_near((double)(sums.table_blocks * ledger->block_size - sums.held_tokens), naive->empty, "empty slots");
    expect_near((double)sums.used, naive->used, "used blocks");
    cr_expect(ledger_check(ledger), "the accounts add up to pool x time");
}

Test(metrics, agree_with_a_walk_over_single_tokens_on_random_replays)
{
    static struct naive naive;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct tiny_request requests[40] = {0};
        uint64_t random = seed;
        int64_t now_ns = 0;
        for (int i = 0; i < 40; i++) {
            now_ns += random_below(&random, 40000000) + (random_below(&random, 10) ? 0 : 2000000000);
            requests[i] = (struct tiny_request){
                .arrival_ns = now_ns, .input = 1 + random_below(&random, 100), .output = 1 + random_below(&random, 50)};
        }
        struct config config = tiny_config_v1(1 + random_below(&random, 16), 0);
        config.num_gpu_blocks = 150 / config.block_size + 2 + random_below(&random, 40);
        config.max_num_seqs = 8;
        config.max_num_batched_tokens = 8 + random_below(&random, 100);
        struct trace *trace = tiny_trace(requests, 40);
        memset(&naive, 0, sizeof naive);
        naive.trace = trace;
        naive.block_size = config.block_size;
        memset(naive.first_ns, 0xff, sizeof naive.first_ns);
        struct metrics metrics;
        struct ledger ledger;
        struct step_time_model *model;
        struct diag diag = {0};
        struct replay_facts facts;
        struct replay_options options = {.reference = true};
        cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
        ledger_init(&ledger, trace, &config);
        cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK);
        struct observer observers[] = {metrics_observer(&metrics),
                                       ledger_observer(&ledger),
                                       {.self = &naive, .scheduled = naive_scheduled, .completed = naive_completed}};
        cr_assert_eq(replay_run(trace, &config, model, observers, 3, &options, &facts, &diag), SIM_OK, "%s", diag.text);
        cr_expect_eq(metrics.completed + metrics.dropped, 40);
        compare(&metrics, &ledger, &naive);
        metrics_deinit(&metrics);
        step_time_destroy(model);
        trace_destroy(trace);
    }
}
