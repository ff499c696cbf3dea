/* test_size.c - the search against an exhaustive scan: on made-up verdicts, and on replays of many random small traces. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"
#include "study/size_pools.h"
#include "support/random.h"
#include "support/tiny_trace.h"

/* --- made-up verdicts ------------------------------------------------------------------------------------------------------------ */

enum { POOLS_MOST = 400 };

struct made_up {
    bool passes[POOLS_MOST + 1], skips;
    uint64_t decisions[POOLS_MOST + 1];
    uint32_t probed[POOLS_MOST + 1];
    uint32_t batches; /* before an interrupt; 0: none comes */
    uint64_t *seed;
};

static enum status look_up(void *context, struct size_probe *probes, size_t count, uint64_t verified, uint64_t total, struct diag *diag)
{
    struct made_up *truth = context;
    cr_assert(count >= 1 && count <= SIZE_BATCH && verified <= total);
    if (truth->batches > 0 && --truth->batches == 0)
        return diag_set(diag, SIM_INTERRUPTED, "interrupted");
    for (size_t i = 0; i < count; i++) {
        const uint32_t pool = probes[i].pool;
        cr_assert(pool >= 1 && pool <= POOLS_MOST && truth->probed[pool]++ == 0, "pool %u is asked for once", pool);
        probes[i].passes = truth->passes[pool];
        probes[i].skips = truth->skips;
        probes[i].decisions = truth->decisions[pool];
        probes[i].hint = random_below(truth->seed, pool + 2); /* often wrong, which must not matter */
    }
    return SIM_OK;
}

static void make_up(struct made_up *truth, uint32_t bound, uint64_t *seed)
{
    const uint32_t change = 1 + random_below(seed, 30), failing = 2 + random_below(seed, 40);
    *truth = (struct made_up){.skips = random_below(seed, 4) != 0, .seed = seed};
    bool passes = random_below(seed, 8) != 0;
    uint64_t decisions = 1;
    for (uint32_t pool = bound; pool >= 1; pool--) {
        truth->passes[pool] = passes;
        truth->decisions[pool] = truth->skips ? decisions : 1; /* equal, and yet not to be trusted */
        if (random_below(seed, change) == 0) {                 /* the next class; its verdict is its own */
            decisions++;
            passes = random_below(seed, failing) != 0;
        }
    }
}

Test(size_search, agrees_with_a_scan_of_made_up_verdicts)
{
    uint64_t seed = 7, skipped = 0, none = 0, isolated = 0;
    for (int round = 0; round < 3000; round++) {
        struct made_up truth;
        struct size_found found;
        struct diag diag = {0};
        uint32_t bound = 1 + random_below(&seed, POOLS_MOST), below = random_below(&seed, 60), failing = bound;
        make_up(&truth, bound, &seed);
        cr_assert_eq(size_search(bound, bound, below, look_up, &truth, &found, &diag), SIM_OK);
        while (failing > 0 && truth.passes[failing])
            failing--;
        cr_assert_eq(found.answer, failing == bound ? 0 : failing + 1, "round %d", round);
        cr_assert_eq(found.failing, failing, "round %d", round);
        none += found.answer == 0;
        skipped += found.answer > 0 && found.replays < bound;
        if (found.answer > 0) {
            bool listed[POOLS_MOST + 1] = {false};
            uint32_t lowest = failing > below ? failing - below : 1;
            for (size_t i = 0; i < found.passing_count; i++)
                for (uint32_t pool = found.passing_below[i].from; pool <= found.passing_below[i].to; pool++)
                    listed[pool] = true;
            for (uint32_t pool = 1; pool < failing && below > 0; pool++)
                cr_assert_eq(listed[pool], pool >= lowest && truth.passes[pool], "round %d: pool %u under %u", round, pool, failing);
            isolated += found.passing_count;
        }
        size_found_deinit(&found);
    }
    cr_expect(skipped > 500 && none > 100 && isolated > 500, "all kinds were reached: %lu %lu %lu", skipped, none, isolated);
}

/* What is said of a sample is true: the floor fails, all up to `verified` and from `proved_from` on pass, and nothing that was probed above the
 * floor fails. A verdict that changes once is found to the pool. */
Test(size_search, a_sample_says_only_what_it_knows)
{
    uint64_t seed = 9, sampled = 0, proved = 0;
    for (int round = 0; round < 3000; round++) {
        struct made_up truth;
        struct size_found found;
        struct diag diag = {0};
        const uint32_t bound = 1 + random_below(&seed, POOLS_MOST), prove = random_below(&seed, 40);
        make_up(&truth, bound, &seed);
        const uint32_t least = 1 + random_below(&seed, bound);
        const bool monotone = round % 2;
        for (uint32_t pool = 1; monotone && pool <= bound; pool++)
            truth.passes[pool] = pool >= least;
        truth.skips = truth.skips && !monotone;
        cr_assert_eq(size_search(bound, prove, random_below(&seed, 60), look_up, &truth, &found, &diag), SIM_OK);
        for (uint32_t pool = found.failing + 1; found.answer > 0 && pool <= bound; pool++)
            cr_assert(truth.passes[pool] || (pool > found.verified && pool < found.proved_from && !truth.probed[pool]), "round %d: pool %u",
                      round, pool);
        cr_assert(found.failing == 0 || !truth.passes[found.failing]);
        if (found.answer > 0) {
            const uint32_t near = found.failing + SIZE_NEAR;
            uint64_t above = 0;
            for (uint32_t pool = found.verified + 1; pool < found.proved_from; pool++)
                above += truth.probed[pool];
            cr_assert_eq(found.sampled, above);
            cr_assert(found.verified >= (near < bound ? near : bound));
            cr_assert(!monotone || found.answer == least);
            sampled += found.verified < bound;
            proved += found.verified == bound;
        }
        size_found_deinit(&found);
    }
    cr_expect(sampled > 500 && proved > 200, "%lu sampled, %lu proved", sampled, proved);
}

/* Whenever it is interrupted, what it knows is true. */
Test(size_search, an_interrupt_leaves_what_is_known)
{
    uint64_t seed = 15, some = 0, proved = 0;
    for (int round = 0; round < 2000; round++) {
        struct made_up truth;
        struct size_found found;
        struct diag diag = {0};
        const uint32_t bound = 2 + random_below(&seed, POOLS_MOST - 1);
        make_up(&truth, bound, &seed);
        truth.batches = 1 + random_below(&seed, 12);
        if (size_search(bound, random_below(&seed, 400), 20, look_up, &truth, &found, &diag) == SIM_INTERRUPTED &&
            found.least_passing > 0) {
            cr_assert(found.failing == 0 || !truth.passes[found.failing]);
            cr_assert(truth.passes[found.least_passing] && found.least_passing > found.failing && found.least_passing <= found.proved_from);
            for (uint32_t pool = found.proved_from; pool <= bound; pool++)
                cr_assert(truth.passes[pool], "round %d: pool %u", round, pool);
            some++;
            proved += found.proved_from < bound;
        }
        size_found_deinit(&found);
    }
    cr_expect(some > 500 && proved > 300, "%lu %lu", some, proved);
}

/* A few hundred pools that all decide differently, below classes that a few replays close: the sample is taken of the former alone, and the
 * number of replays does not grow with them. */
Test(size_search, where_neighbours_differ_a_sample_is_taken)
{
    uint64_t seed = 2, replays[2];
    for (int round = 0; round < 2; round++) {
        const uint32_t different = round ? 380 : 250, least = 60;
        struct made_up truth = {.skips = true, .seed = &seed};
        struct size_found found;
        struct diag diag = {0};
        for (uint32_t pool = 1; pool <= POOLS_MOST; pool++) {
            truth.passes[pool] = pool >= least;
            truth.decisions[pool] = pool <= different ? pool : POOLS_MOST;
        }
        cr_assert_eq(size_search(POOLS_MOST, 100, 0, look_up, &truth, &found, &diag), SIM_OK);
        cr_expect_eq(found.answer, least);
        cr_expect(found.verified >= least + SIZE_NEAR - 1 && found.verified < found.proved_from);
        cr_expect(found.proved_from <= different + 1 && found.sampled > 0, "%u, %lu", found.proved_from, found.sampled);
        replays[round] = found.replays;
        size_found_deinit(&found);
    }
    cr_expect(replays[0] < 220 && replays[1] < 220, "%lu, %lu", replays[0], replays[1]);
}

/* --- replays --------------------------------------------------------------------------------------------------------------------- */

enum { REQUESTS_MOST = 12, CASES = 200 };

static struct trace *random_trace(uint64_t *seed, bool shared)
{
    struct tiny_request requests[REQUESTS_MOST] = {0};
    uint32_t count = 2 + random_below(seed, REQUESTS_MOST - 1), spread = 1 + random_below(seed, 30);
    int64_t now = 0;
    for (uint32_t i = 0; i < count; i++) {
        now += (int64_t)random_below(seed, spread) * 1000000;
        requests[i] = (struct tiny_request){.arrival_ns = now, .input = 1 + random_below(seed, 40), .output = 1 + random_below(seed, 24)};
        requests[i].priority = (int32_t)random_below(seed, 3);
        uint32_t hashes = shared ? random_below(seed, requests[i].input / 4 + 1) : 0;
        for (uint32_t k = 0; k < hashes; k++)
            requests[i].hash_ids[requests[i].hash_count++] = random_below(seed, 3) ? k : k + 16 * random_below(seed, 4);
    }
    return tiny_trace(requests, count);
}

static struct config random_config(uint64_t *seed)
{
    struct config config = tiny_config_v1(1 + random_below(seed, 6), 1);
    config.max_num_seqs = 1 + random_below(seed, 8);
    config.max_num_batched_tokens = config.max_num_seqs + random_below(seed, 40);
    config.max_model_len = 100;
    config.trace_block_size = 4;
    config.enable_prefix_caching = random_below(seed, 2);
    config.scheduler_reserve_full_isl = random_below(seed, 3) != 0;
    if (random_below(seed, 2))
        config.watermark = 0.01 * random_below(seed, 40);
    if (random_below(seed, 3) == 0)
        strcpy(config.scheduling_policy, "priority");
    if (random_below(seed, 4) == 0) {
        config.scheduler = SCHEDULER_VLLM_V0;
        strcpy(config.scheduling_policy, "fcfs");
        config.preemption_mode = random_below(seed, 2) ? PREEMPTION_SWAP : PREEMPTION_RECOMPUTE;
        config.enable_chunked_prefill = false;
        config.max_num_batched_tokens = 100;
        config.num_cpu_blocks = 300;
    }
    return config;
}

/* The verdict on one pool, by a replay of its own. *completed: of this pool. */
static bool passes(const struct size_question *question, uint32_t pool, double least_completed, double *completed)
{
    struct config config = question->config;
    struct run run = {0};
    struct diag diag = {0};
    config.num_gpu_blocks = pool;
    cr_assert_eq(run_open(&run, question->trace, &config, &diag), SIM_OK);
    cr_assert_eq(run_replay(&run, NULL, 0, NULL, &diag), SIM_OK, "%s", diag.text);
    bool good = run_judge(&run, &diag) == SIM_OK;
    *completed = run_figure(&run, "completed");
    good = good && *completed >= least_completed;
    for (size_t i = 0; i < question->requirement_count; i++)
        good = good &&
               requirement_met(&question->requirements[i], run_figure(&run, question->requirements[i].name), run_figure(&run, "unserved"));
    run_close(&run);
    return good;
}

/* What the whole family of cases reached. */
static uint64_t answers, nones, fewer, unbounded;

static void compare_with_scan(struct size_question *question, int round)
{
    struct size_answer answer;
    struct diag diag = {0};
    const uint32_t ample = size_ample_pool(question->trace, &question->config);
    const uint32_t bound = question->max_blocks ? question->max_blocks : ample;
    double completed, ignored;
    bool top = passes(question, bound, 0, &completed);
    uint32_t failing = bound;
    while (top && failing > 0 && passes(question, failing, completed, &ignored))
        failing--;
    cr_assert_eq(size_pools(question, &answer, &diag), SIM_OK, "round %d: %s", round, diag.text);
    cr_assert_eq(answer.found.answer, top ? failing + 1 : 0, "round %d: found %u, want %u of %u (block %u, caching %d, watermark %g, %s)",
                 round, answer.found.answer, top ? failing + 1 : 0, bound, question->config.block_size,
                 question->config.enable_prefix_caching, question->config.watermark,
                 question->config.scheduler == SCHEDULER_VLLM_V1 ? "V1" : "V0");
    if (answer.without_bound)
        for (uint32_t pool = bound; pool < bound + 40; pool += 3)
            cr_assert(passes(question, pool, completed, &ignored), "round %d: %u", round, pool);
    answers += top;
    nones += !top;
    fewer += top && answer.found.replays < bound;
    unbounded += answer.without_bound;
    size_answer_deinit(&answer);
}

Test(size_pools, agrees_with_an_exhaustive_scan_of_replays)
{
    static const char *const texts[] = {"preemptions=0",         "p99_ttft_ms<40", "mean_e2el_ms<120",
                                        "prefix_hit_rate>=0.05", "mean_waiting<1", "mean_free_blocks<30"};
    uint64_t seed = 3;
    for (int round = 0; round < CASES; round++) {
        struct requirement requirements[2];
        struct diag diag = {0};
        struct size_question question = {
            .prove = UINT32_MAX, .requirements = requirements, .requirement_count = 1 + random_below(&seed, 2), .threads = 2, .below = 5};
        bool about_pool = false;
        question.config = random_config(&seed);
        for (size_t i = 0; i < question.requirement_count; i++) {
            size_t which = random_below(&seed, sizeof texts / sizeof *texts);
            cr_assert_eq(requirement_read(texts[which], FIGURE_SCOPE(FIGURE_ALWAYS), &requirements[i], &diag), SIM_OK);
            about_pool |= size_figure_depends_on_pool(requirements[i].name);
        }
        if (about_pool || random_below(&seed, 3) == 0)
            question.max_blocks = 20 + random_below(&seed, 100);
        struct trace *trace = random_trace(&seed, random_below(&seed, 2));
        question.trace = trace;
        compare_with_scan(&question, round);
        trace_destroy(trace);
    }
    cr_expect(answers > 60 && nones > 20 && fewer > 30 && unbounded > 30, "all kinds were reached: %lu %lu %lu %lu", answers, nones, fewer,
              unbounded);
}

/* May the probe of `pool` be an end of a sandwich? The search has come by there. */
static bool skips_at(const struct trace *trace, bool caching, uint32_t pool)
{
    struct requirement requirement;
    struct diag diag = {0};
    struct size_answer answer;
    bool skips = false, seen = false;
    cr_assert_eq(requirement_read("preemptions=0", FIGURE_SCOPE(FIGURE_ALWAYS), &requirement, &diag), SIM_OK);
    struct size_question question = {.trace = trace,
                                     .prove = UINT32_MAX,
                                     .config = tiny_config_v1(4, 1),
                                     .requirements = &requirement,
                                     .requirement_count = 1,
                                     .max_blocks = pool,
                                     .threads = 1};
    question.config.enable_prefix_caching = caching;
    question.config.trace_block_size = 4;
    cr_assert_eq(size_pools(&question, &answer, &diag), SIM_OK, "%s", diag.text);
    for (size_t i = 0; i < answer.found.probe_count; i++)
        if (answer.found.probes[i].pool == pool) {
            seen = true;
            skips = answer.found.probes[i].skips;
        }
    cr_expect(seen);
    size_answer_deinit(&answer);
    return skips;
}

Test(size_pools, skips_nothing_where_evictions_can_matter)
{
    /* One after the other; 3 blocks each, 2 of them full: 4 blocks of content in the end. */
    const struct tiny_request shared[] = {{.arrival_ns = 0, .input = 8, .output = 2, .hash_count = 2, .hash_ids = {0, 1}},
                                          {.arrival_ns = 1000000000, .input = 8, .output = 2, .hash_count = 2, .hash_ids = {2, 3}}};
    const struct tiny_request apart[] = {{.arrival_ns = 0, .input = 8, .output = 2}, {.arrival_ns = 1000000000, .input = 8, .output = 2}};
    struct trace *hits = tiny_trace(shared, 2), *none = tiny_trace(apart, 2);
    cr_expect(!skips_at(hits, true, 5), "4 usable blocks: the second request evicts what the first left");
    cr_expect(skips_at(hits, true, 7), "6 usable blocks: one is always left without content");
    cr_expect(skips_at(hits, false, 5), "nothing is cached");
    cr_expect(skips_at(none, true, 5), "nothing can be hit");
    trace_destroy(hits);
    trace_destroy(none);
}

Test(size_pools, a_requirement_about_the_pool_itself_needs_a_bound)
{
    const struct tiny_request requests[] = {{.input = 20, .output = 5}};
    struct trace *trace = tiny_trace(requests, 1);
    struct requirement requirement;
    struct diag diag = {0};
    struct size_answer answer;
    cr_assert_eq(requirement_read("pool_blocks<50", FIGURE_SCOPE(FIGURE_ALWAYS), &requirement, &diag), SIM_OK);
    struct size_question question = {.prove = UINT32_MAX,
                                     .trace = trace,
                                     .config = tiny_config_v1(4, 1),
                                     .requirements = &requirement,
                                     .requirement_count = 1,
                                     .threads = 1};
    cr_expect_eq(size_pools(&question, &answer, &diag), SIM_USAGE);
    cr_expect(strstr(diag.text, "give --max-blocks"));
    size_answer_deinit(&answer);
    trace_destroy(trace);
}
