/* test_tune.c - what folds is held to replays, early ends to whole replays, and the search to a scan of every candidate under every load.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compare.h"
#include "observe/decision_hash.h"
#include "replay/replay.h"
#include "study/tune_detail.h"
#include "study/tune_find.h"
#include "support/made_search.h"
#include "support/random.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

/* --- folding ------------------------------------------------------------------------------------------------------------------------ */

struct seen {
    struct tune_facts facts;
    struct binding_limits limits;
    struct decision_hash hash;
};

static enum status pass_runs(void *self, const struct step_run *runs, size_t count, struct diag *diag)
{
    struct seen *seen = self;
    const struct observer limits = binding_limits_observer(&seen->limits), hash = decision_hash_observer(&seen->hash);
    return limits.runs(limits.self, runs, count, diag) == SIM_OK ? hash.runs(hash.self, runs, count, diag) : diag->status;
}

static enum status pass_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    const struct observer hash = decision_hash_observer(&((struct seen *)self)->hash);
    return hash.events(hash.self, events, count, diag);
}

static enum status pass_finish(void *self, const struct run_end *end, struct diag *diag)
{
    const struct observer hash = decision_hash_observer(&((struct seen *)self)->hash);
    return hash.finish(hash.self, end, diag);
}

static enum status facts_of(const struct config *config, const struct trace *trace, struct tune_facts *out, struct diag *diag)
{
    const struct tune_requests requests = tune_requests_of(trace);
    return tune_facts_of(config, &requests, false, out, diag);
}

static struct seen look(const struct trace *trace, const struct config *config)
{
    struct seen seen;
    struct diag diag = {0};
    const struct observer observer = {.self = &seen, .runs = pass_runs, .events = pass_events, .finish = pass_finish};
    binding_limits_init(&seen.limits, config);
    decision_hash_init(&seen.hash);
    cr_assert_eq(facts_of(config, trace, &seen.facts, &diag), SIM_OK);
    cr_assert_eq(replay_observed(trace, config, &observer, false, &diag), SIM_OK, "%s", diag.text);
    return seen;
}

enum turn { TURN_SEATS, TURN_BUDGET, TURN_POOL, TURN_WATERMARK, TURN_THRESHOLD, TURN_ALL, TURNS };

/* Another value, near what the random cases have or far above it. */
static void turn(struct config *config, enum turn which, uint64_t *seed)
{
    if (which == TURN_SEATS || which == TURN_ALL)
        config->max_num_seqs = 1 + random_below(seed, random_below(seed, 2) ? 10 : 60);
    if (which == TURN_BUDGET || which == TURN_ALL)
        config->max_num_batched_tokens = 1 + random_below(seed, random_below(seed, 2) ? 80 : 1000);
    if (which == TURN_POOL || which == TURN_ALL)
        config->num_gpu_blocks = 4 + random_below(seed, random_below(seed, 2) ? 200 : 4000);
    if (which == TURN_WATERMARK || which == TURN_ALL)
        config->watermark = 0.01 * random_below(seed, 30);
    if (which == TURN_THRESHOLD || which == TURN_ALL)
        config->long_prefill_token_threshold = random_below(seed, 2) ? 0 : random_below(seed, 200);
    if (config->max_num_batched_tokens < config->max_num_seqs)
        config->max_num_batched_tokens = config->max_num_seqs;
    if (!config->enable_chunked_prefill && config->max_num_batched_tokens < config->max_model_len)
        config->max_num_batched_tokens = config->max_model_len;
}

static void fold_rounds(int rounds, bool layers, uint64_t folded[TURNS], uint64_t different[TURNS])
{
    uint64_t seed = 3;
    for (int round = 0; round < rounds; round++) {
        const enum turn which = (enum turn)(round % TURNS);
        struct config a = random_case_config(&seed, false), b;
        if (random_below(&seed, 2)) /* room, so that some limits are not reached */
            turn(&a, TURN_ALL, &seed);
        if (random_below(&seed, 2))
            a.enable_prefix_caching = false;
        if (layers)
            random_case_layers(&seed, &a);
        struct trace *trace = random_case_trace(&seed, &a);
        b = a;
        turn(&b, which, &seed);
        if (layers && b.speculative.method != SPECULATIVE_NONE) { /* what vLLM refuses, or dies of */
            b.max_num_batched_tokens += 6;
            b.long_prefill_token_threshold += b.long_prefill_token_threshold ? 6 : 0;
        }
        const struct seen of_a = look(trace, &a), of_b = look(trace, &b);
        const bool same = of_a.hash.hash == of_b.hash.hash;
        if (tune_folds(&of_a.facts, &of_a.limits, &of_b.facts)) {
            cr_assert(same, "round %d, turn %d", round, which);
            folded[which]++;
        }
        different[which] += !same;
        trace_destroy(trace);
    }
}

Test(tune_fold, what_folds_decides_the_same)
{
    uint64_t folded[TURNS] = {0}, different[TURNS] = {0};
    fold_rounds(6000, false, folded, different);
    for (enum turn which = 0; which < TURNS; which++)
        cr_expect(folded[which] > 20 && different[which] > 20, "turn %d: %lu folded, %lu different", which, folded[which],
                  different[which]);
}

/* Budgets and thresholds fold with full layers alone, which some of the cases are. */
Test(tune_fold, windows_and_drafts_fold_only_where_they_decide_the_same)
{
    uint64_t folded[TURNS] = {0}, different[TURNS] = {0};
    fold_rounds(6000, true, folded, different);
    cr_expect(folded[TURN_SEATS] > 20 && folded[TURN_POOL] > 20 && folded[TURN_WATERMARK] > 20, "%lu, %lu and %lu folded",
              folded[TURN_SEATS], folded[TURN_POOL], folded[TURN_WATERMARK]);
}

Test(tune_fold, another_engine_folds_nothing)
{
    uint64_t seed = 8;
    for (int round = 0; round < 50; round++) {
        struct diag diag = {0};
        struct tune_facts a, b;
        struct config config = random_case_config(&seed, true);
        struct trace *trace = random_case_trace(&seed, &config);
        cr_assert_eq(facts_of(&config, trace, &a, &diag), SIM_OK);
        config.max_num_seqs += 100;
        cr_assert_eq(facts_of(&config, trace, &b, &diag), SIM_OK);
        cr_assert_neq(a.rest, b.rest);
        trace_destroy(trace);
    }
}

/* --- one load ----------------------------------------------------------------------------------------------------------------------- */

/* What an early end saw of the limits is all that went before it: who folds by that fails, too. */
static bool is_verdict_of_folded(const struct load_question *question, const struct config *config, double load,
                                 const struct load_result *quick, uint64_t *seed)
{
    struct config other = *config;
    struct tune_facts facts, other_facts;
    struct load_result result = {.figures = NULL};
    struct diag diag = {0};
    turn(&other, (enum turn)random_below(seed, TURNS), seed);
    cr_assert_eq(facts_of(config, question->trace, &facts, &diag), SIM_OK);
    cr_assert_eq(facts_of(&other, question->trace, &other_facts, &diag), SIM_OK);
    if (!tune_folds(&facts, &quick->limits, &other_facts))
        return false;
    cr_assert_eq(load_run(question, &other, load, 1, &result, &diag), SIM_OK);
    cr_assert(result.early && !result.passes);
    return true;
}

Test(load_run, an_early_end_is_the_verdict_of_the_whole)
{
    uint64_t seed = 21, early = 0, passed = 0, folded = 0;
    struct figure_set *figures = malloc(sizeof *figures);
    cr_assert(figures);
    for (int round = 0; round < 2000; round++) {
        static const char *const names[] = {"p99_ttft_ms", "p90_ttft_ms", "p50_e2el_ms", "p99.9_queue_ms", "p95_e2el_ms"};
        char text[64];
        struct diag diag = {0};
        struct requirement requirement;
        struct figure_wishes wishes = {0};
        struct config config = random_case_config(&seed, false);
        config.max_concurrency = 0;
        struct trace *trace = made_search_trace(&seed, 1 + random_below(&seed, round % 20 ? 60 : 4000)); /* beyond one batch of events */
        snprintf(text, sizeof text, "%s%s%u", names[random_below(&seed, 5)], random_below(&seed, 2) ? "<" : "<=", random_below(&seed, 600));
        cr_assert_eq(requirement_read(text, 1, &requirement, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(figure_wish(&wishes, requirement.name, &diag), SIM_OK);
        const struct load_question question = {
            .trace = trace, .requirements = &requirement, .requirement_count = 1, .wishes = &wishes, .drawn = round % 2};
        const double load = 0.3 + random_below(&seed, 100);
        struct load_result quick = {.figures = NULL}, whole = {.figures = figures};
        cr_assert_eq(load_run(&question, &config, load, 1, &whole, &diag), SIM_OK, "%s", diag.text);
        if (random_below(&seed, 2)) { /* as sharp as can be: the very value that the whole has, which "<" misses and "<=" meets */
            requirement.value = figure_set_value(figures, requirement.name);
            cr_assert_eq(load_run(&question, &config, load, 1, &whole, &diag), SIM_OK, "%s", diag.text);
        }
        cr_assert_eq(load_run(&question, &config, load, 1, &quick, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(quick.passes, whole.passes, "round %d: %s, %s", round, quick.why, whole.why);
        cr_assert(!quick.early || !quick.passes);
        early += quick.early;
        folded += quick.early && is_verdict_of_folded(&question, &config, load, &quick, &seed);
        passed += whole.passes;
        trace_destroy(trace);
    }
    free(figures);
    cr_expect(early > 100 && passed > 30 && folded > 20, "all kinds were reached: %lu %lu %lu", early, passed, folded);
}

/* One request takes a second and they come every two, or every half: in the second case everybody waits longer than those before. */
Test(load_run, a_queue_that_grows_is_saturated)
{
    enum { COUNT = 100 };
    struct tiny_request requests[COUNT] = {0};
    struct config config = tiny_config_v1(16, 1000);
    struct diag diag = {0};
    config.max_num_seqs = 1;
    config.async_scheduling = false;
    config.step_time.base_ns = 100000000;
    config.step_time.token_ns = config.step_time.kv_ns = 0;
    for (int i = 0; i < COUNT; i++)
        requests[i] = (struct tiny_request){.arrival_ns = (int64_t)i * 2000000000, .input = 5, .output = 10};
    struct trace *trace = tiny_trace(requests, COUNT);
    const struct load_question question = {.trace = trace};
    for (int i = 0; i < 2; i++) {
        const double load = i ? 4 : 1;
        struct load_result result = {.figures = NULL};
        cr_assert_eq(load_run(&question, &config, load, 0, &result, &diag), SIM_OK);
        cr_expect_eq(result.saturated, load > 2);
        cr_expect_eq(result.passes, load < 2);
        cr_expect_eq(binding_limits_main(&result.limits), load > 2 ? LIMIT_SEATS : LIMITS);
    }
    cr_expect_float_eq(load_unit_rate(trace, false), 100 / 198.0, 1e-12);
    trace_destroy(trace);
}

/* Three requests of a second each, within a little more and a little less than a second: the latter is no load that lasts. */
Test(load_run, all_at_once_is_no_load)
{
    const struct tiny_request requests[] = {{.input = 5, .output = 10},
                                            {.arrival_ns = 1000000000, .input = 5, .output = 10},
                                            {.arrival_ns = 9000000000, .input = 5, .output = 10}};
    struct config config = tiny_config_v1(16, 1000);
    struct trace *trace = tiny_trace(requests, 3);
    struct diag diag = {0};
    config.async_scheduling = false;
    config.step_time.base_ns = 100000000;
    config.step_time.token_ns = config.step_time.kv_ns = 0;
    for (int fixed = 0; fixed < 2; fixed++) {
        const struct load_question question = {.trace = trace, .fixed = fixed};
        struct load_result calm = {.figures = NULL}, rush = {.figures = NULL};
        config.arrival_speedup_ratio = fixed ? 10 : 1;
        cr_assert_eq(load_run(&question, &config, 8, 0, &calm, &diag), SIM_OK);
        cr_assert_eq(load_run(&question, &config, 10, 0, &rush, &diag), SIM_OK);
        cr_expect_not(calm.saturated);
        cr_expect_eq(rush.saturated, !fixed);
    }
    trace_destroy(trace);
}

/* --- the whole search ----------------------------------------------------------------------------------------------------------------- */

/* By the definition alone: every load from the lightest on, until one fails. */
static int32_t scan_trace(const struct made_search *made, size_t point, const struct trace *trace, uint64_t seed)
{
    int32_t rung = 0;
    struct config config;
    struct load_question load = made->question.load;
    struct diag diag = {0};
    load.trace = trace;
    if (sweep_plan_config(&made->plan.points, point, &config, &diag) != SIM_OK)
        return -2; /* refused */
    for (; rung < made->ladder.count; rung++) {
        struct load_result result = {.figures = NULL};
        cr_assert_eq(load_run(&load, &config, made->ladder.loads[rung], seed, &result, &diag), SIM_OK);
        if (!result.passes)
            break;
    }
    return rung - 1;
}

static int32_t scan(const struct made_search *made, size_t point)
{
    return scan_trace(made, point, made->trace, 0);
}

Test(tune_search, finds_what_a_scan_of_all_finds, .timeout = 300)
{
    uint64_t seed = 17, better = 0, none = 0, folded = 0, refused = 0, fewer = 0;
    for (int round = 0; round < 20; round++) {
        struct made_search made;
        struct tune_search search;
        struct diag diag = {0};
        int32_t best = -1;
        made_search_make(&made, &seed);
        cr_assert_eq(tune_find(&made.question, &search, &diag), SIM_OK, "%s", diag.text);
        cr_assert(search.exhaustive);
        const int32_t given = scan(&made, 0);
        uint32_t first = UINT32_MAX; /* of the best, in the order of preference */
        for (size_t point = 0; point < made.plan.points.point_count; point++) {
            const int32_t value = scan(&made, point);
            cr_assert_eq(value == -2, search.by_point[point] == 0, "refused is who vLLM refuses");
            const uint32_t candidate = search.by_point[point] - 1;
            if (value > best || (value == best && candidate < first)) {
                best = value;
                first = candidate;
            }
        }
        cr_expect_eq(search.values[search.best].passes_to[0], best, "round %d: %d, and not %d", round,
                     search.values[search.best].passes_to[0], best);
        cr_expect_eq(search.values[0].passes_to[0], given, "round %d", round);
        if (best >= 0)
            cr_expect_eq(search.best, first, "round %d: the first of the best", round);
        better += best > given;
        none += best < 0;
        folded += search.trials.folded > 0;
        refused += search.refused > 0;
        fewer += search.trials.replays < search.count + 60;
        tune_search_deinit(&search);
        made_search_end(&made);
    }
    cr_expect(better >= 8 && folded >= 8 && refused >= 3 && fewer >= 15, "all kinds were reached: %lu %lu %lu %lu %lu", better, none,
              folded, refused, fewer);
}

/* A grid that is too large to try all of, as far as the search knows: it tries a part of them and finds the best of all. */
Test(tune_race, finds_what_all_find, .timeout = 300)
{
    uint64_t seed = 51, better = 0, part = 0, same = 0, climbed = 0;
    for (int round = 0; round < 24; round++) {
        struct made_search made;
        struct tune_search all, raced;
        struct diag diag = {0};
        const bool objective = round % 4 == 3;
        made_search_make_wide(&made, &seed);
        if (objective) {
            made.question.load.fixed = true;
            strcpy(made.question.objective.name, "p99_ttft_ms");
        }
        cr_assert_eq(tune_find(&made.question, &all, &diag), SIM_OK, "%s", diag.text);
        made.question.most = 1;
        made.question.spread = 10;
        cr_assert_eq(tune_find(&made.question, &raced, &diag), SIM_OK, "%s", diag.text);
        cr_assert(all.exhaustive && !raced.exhaustive && raced.pairs);
        const struct tune_value *want = &all.values[all.best], *found = &raced.values[raced.best];
        cr_expect_eq(found->known, want->known, "round %d", round);
        if (objective && want->known)
            cr_expect_eq(found->objective[0], want->objective[0], "round %d: %g, and not %g", round, found->objective[0],
                         want->objective[0]);
        else if (!objective)
            cr_expect_eq(found->passes_to[0], want->passes_to[0], "round %d: %d, and not %d", round, found->passes_to[0],
                         want->passes_to[0]);
        bool *tried = calloc(raced.count, sizeof *tried);
        size_t count = 0;
        for (size_t i = 0; i < raced.trials.count; i++)
            tried[raced.trials.list[i].candidate] = true;
        for (size_t i = 0; i < raced.count; i++)
            count += tried[i];
        part += count < raced.count;
        same += raced.best == all.best;
        better += all.best != 0;
        climbed += raced.path_count > 1;
        free(tried);
        tune_search_deinit(&all);
        tune_search_deinit(&raced);
        made_search_end(&made);
    }
    cr_expect(better >= 12 && part >= 18 && same >= 20 && climbed >= 12,
              "all kinds were reached: %lu better, %lu in part, %lu the same, %lu climbed", better, part, same, climbed);
}

/* An objective under one load: the first of the least. */
Test(tune_search, finds_the_least_of_a_figure)
{
    uint64_t seed = 4;
    struct figure_set *figures = malloc(sizeof *figures);
    cr_assert(figures);
    for (int round = 0; round < 10; round++) {
        struct made_search made;
        struct tune_search search;
        struct diag diag = {0};
        double least = INFINITY;
        uint32_t first = UINT32_MAX;
        made_search_make(&made, &seed);
        made.question.load.fixed = true;
        made.question.load.requirement_count = 0;
        strcpy(made.question.objective.name, "p99_ttft_ms");
        cr_assert_eq(tune_find(&made.question, &search, &diag), SIM_OK, "%s", diag.text);
        for (uint32_t i = 0; i < search.count; i++) {
            struct config config;
            struct load_result result = {.figures = figures};
            cr_assert_eq(sweep_plan_config(&made.plan.points, search.candidates[i].point, &config, &diag), SIM_OK);
            cr_assert_eq(load_run(&made.question.load, &config, 1, 0, &result, &diag), SIM_OK);
            const double value = figure_set_value(figures, "p99_ttft_ms");
            if (result.passes && value < least) {
                least = value;
                first = i;
            }
        }
        cr_expect_eq(search.best, first);
        cr_expect_eq(tune_load(&search, &search.values[search.best]), least);
        tune_search_deinit(&search);
        made_search_end(&made);
    }
    free(figures);
}

/* Seeds are paired: who is given the same settings twice is never better than himself. */
Test(tune_search, noise_makes_nobody_better)
{
    uint64_t seed = 31;
    for (int round = 0; round < 4; round++) {
        struct made_search made;
        struct tune_search search;
        struct tune_detail *detail = calloc(1, sizeof *detail);
        struct diag diag = {0};
        cr_assert(detail);
        made_search_make(&made, &seed);
        made.question.load.drawn = true;
        made.question.seeds = 3;
        cr_assert_eq(tune_find(&made.question, &search, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(tune_detail_make(&search, false, detail, &diag), SIM_OK, "%s", diag.text);
        for (uint32_t i = 0; i < search.count; i++) {
            const struct tune_value *value = &search.values[i], *best = &search.values[search.best];
            if (value->known && i > search.best)
                cr_expect_not(tune_is_better(&search, i, value, search.best, best));
        }
        for (size_t i = 0; i < detail->change_count; i++)
            cr_expect(detail->changes[i].around_best == TUNE_NOBODY || search.values[detail->changes[i].around_best].known);
        tune_detail_deinit(detail);
        tune_search_deinit(&search);
        free(detail);
        made_search_end(&made);
    }
}

/* Requests that are drawn are others with each seed, and the same for all candidates. */
Test(tune_search, each_seed_has_requests_of_its_own)
{
    enum { SEEDS = 3 };
    uint64_t seed = 41, different = 0;
    for (int round = 0; round < 4; round++) {
        struct made_search made;
        struct tune_search search;
        struct trace *others[SEEDS - 1];
        struct diag diag = {0};
        made_search_make(&made, &seed);
        const struct trace *traces[SEEDS] = {made.trace};
        for (int i = 1; i < SEEDS; i++)
            traces[i] = others[i - 1] = made_search_trace(&seed, 20 + random_below(&seed, 60));
        made.question.load.drawn = true;
        made.question.traces = traces;
        made.question.seeds = SEEDS;
        made.question.first_seed = 7;
        cr_assert_eq(tune_find(&made.question, &search, &diag), SIM_OK, "%s", diag.text);
        const uint32_t both[] = {0, search.best};
        for (int which = 0; which < 2; which++)
            for (uint32_t i = 0; i < SEEDS; i++) {
                const int32_t want = scan_trace(&made, search.candidates[both[which]].point, traces[i], 7 + i);
                cr_expect_eq(search.values[both[which]].passes_to[i], want, "round %d, seed %u", round, i);
                different += want != search.values[both[which]].passes_to[0];
            }
        tune_search_deinit(&search);
        for (int i = 0; i + 1 < SEEDS; i++)
            trace_destroy(others[i]);
        made_search_end(&made);
    }
    cr_expect(different > 4, "%lu", different);
}

static int by_trial(const void *left, const void *right)
{
    const struct tune_trial *a = left, *b = right;
    return a->candidate != b->candidate ? compare_u64(a->candidate, b->candidate)
           : a->rung != b->rung         ? compare_u64((uint64_t)a->rung, (uint64_t)b->rung)
                                        : compare_u64(a->seed, b->seed);
}

/* What is told beyond the best asks for candidates that were tried, and for some of them twice: the given one is each key's value that
 * stays. */
Test(tune_detail, nothing_is_tried_twice)
{
    uint64_t seed = 23, shown = 0;
    for (int round = 0; round < 6; round++) {
        struct made_search made;
        struct tune_search search;
        struct tune_detail *detail = calloc(1, sizeof *detail);
        struct diag diag = {0};
        cr_assert(detail);
        made_search_make(&made, &seed);
        if (round % 2)
            made.requirement.value = 0; /* nobody meets it */
        cr_assert_eq(tune_find(&made.question, &search, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(tune_detail_make(&search, false, detail, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(search.trials.count, search.trials.replays + search.trials.folded);
        qsort(search.trials.list, search.trials.count, sizeof *search.trials.list, by_trial);
        for (size_t i = 1; i < search.trials.count; i++)
            cr_assert(by_trial(&search.trials.list[i - 1], &search.trials.list[i]) < 0, "round %d", round);
        for (size_t i = 0; i < detail->replay_count; i++)
            for (size_t j = 0; j < i; j++)
                cr_assert(detail->replays[i].candidate != detail->replays[j].candidate ||
                          detail->replays[i].load < detail->replays[j].load || detail->replays[i].load > detail->replays[j].load);
        cr_assert_eq(detail->nearest != NULL, detail->shown[TUNE_BEST] == NULL);
        shown += detail->replay_count;
        tune_detail_deinit(detail);
        tune_search_deinit(&search);
        free(detail);
        made_search_end(&made);
    }
    cr_expect(shown >= 6);
}
