/* test_compare_runs.c - a comparison with itself is nothing, a swap of the sides turns every sign, and the first decision that differs is
 * where the decision logs differ first. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/decision_log.h"
#include "study/compare_runs.h"
#include "support/random.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 16, ROUNDS = 150 };

static struct trace *random_trace(uint64_t *seed)
{
    struct tiny_request requests[REQUESTS];
    memset(requests, 0, sizeof requests);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct tiny_request *request = &requests[i];
        request->arrival_ns = i == 0 ? 0 : requests[i - 1].arrival_ns + random_below(seed, 8) * INT64_C(1000000);
        request->hash_count = random_below(seed, 5);
        for (uint32_t k = 0; k < request->hash_count; k++)
            request->hash_ids[k] = random_below(seed, 3);
        request->input = 16 * request->hash_count + 1 + random_below(seed, 30);
        request->output = 1 + random_below(seed, 40);
        request->priority = (int32_t)random_below(seed, 3);
    }
    return tiny_trace(requests, REQUESTS);
}

static void set_policy(struct config *config, const char *name)
{
    snprintf(config->scheduling_policy, sizeof config->scheduling_policy, "%s", name);
}

static struct config random_config(uint64_t *seed)
{
    struct config config = tiny_config_v1(random_below(seed, 2) ? 16 : 8, 0);
    config.num_gpu_blocks = (14 + random_below(seed, 12)) * 16 / config.block_size;
    config.max_num_seqs = 2 + random_below(seed, 10);
    config.max_num_batched_tokens = 32 + random_below(seed, 200);
    config.enable_prefix_caching = random_below(seed, 4) != 0;
    if (random_below(seed, 3) == 0)
        set_policy(&config, "priority");
    return config;
}

static void compare(const struct trace *trace, const struct config *a, const struct config *b, struct comparison *out)
{
    struct diag diag = {0};
    *out = (struct comparison){.trace = trace, .count = 2, .factor = 10, .sides = {{.config = *a}, {.config = *b}}};
    cr_assert_eq(comparison_make(out, &diag), SIM_OK, "%s", diag.text);
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-9 * fabs(a);
}

/* B - A of the i-th figure of side A. */
static double delta_of(const struct comparison *comparison, size_t i)
{
    char name[FIGURE_NAME_SIZE + 8];
    snprintf(name, sizeof name, "delta_%s", comparison->sides[0].run.figures.list[i].name);
    return comparison_figure(comparison, name);
}

Test(compare_runs, with_itself_is_nothing)
{
    uint64_t seed = 1;
    struct trace *trace = random_trace(&seed);
    struct config config = tiny_config_v1(16, 20);
    struct comparison comparison;
    compare(trace, &config, &config, &comparison);
    cr_expect_not(comparison.sides[1].against.difference.found);
    cr_expect_eq(comparison_figure(&comparison, "decisions_differ"), 0);
    cr_expect_gt(comparison.sides[0].run.figures.count, 50);
    for (size_t i = 0; i < comparison.sides[0].run.figures.count; i++)
        cr_expect(same(delta_of(&comparison, i), 0) || comparison.sides[0].run.figures.list[i].undefined, "%s",
                  comparison.sides[0].run.figures.list[i].name);
    for (int i = 0; i < PAIRED_LATENCIES; i++) {
        const struct paired *paired = &comparison.sides[1].against.paired[paired_latencies[i]];
        cr_expect_eq(paired->better + paired->worse, 0);
        cr_expect_eq(paired->equal, REQUESTS);
        cr_expect_eq(paired->equal, paired->difference.n);
        cr_expect_eq(paired->sign_p, 1);
    }
    comparison_free(&comparison);
    trace_destroy(trace);
}

Test(compare_runs, swapping_the_sides_turns_every_sign)
{
    uint64_t seed = 2;
    for (int round = 0; round < ROUNDS; round++) {
        struct trace *trace = random_trace(&seed);
        struct config a = random_config(&seed), b = random_config(&seed);
        struct comparison there, back;
        compare(trace, &a, &b, &there);
        compare(trace, &b, &a, &back);
        cr_assert_eq(there.sides[0].run.figures.count, back.sides[0].run.figures.count);
        for (size_t i = 0; i < there.sides[0].run.figures.count; i++)
            cr_assert(same(delta_of(&there, i), -delta_of(&back, i)), "%s", there.sides[0].run.figures.list[i].name);
        for (int i = 0; i < PAIRED_LATENCIES; i++) {
            const struct paired *left = &there.sides[1].against.paired[paired_latencies[i]],
                                *right = &back.sides[1].against.paired[paired_latencies[i]];
            cr_assert(left->better == right->worse && left->worse == right->better && left->equal == right->equal);
            cr_assert(same(left->difference.ci_low, -right->difference.ci_high) && same(left->sign_p, right->sign_p));
        }
        cr_assert_eq(there.sides[1].against.difference.found, back.sides[1].against.difference.found);
        cr_assert_eq(there.sides[1].against.difference.step, back.sides[1].against.difference.step);
        cr_assert_eq(there.starving_ms, back.starving_ms);
        comparison_free(&there);
        comparison_free(&back);
        trace_destroy(trace);
    }
}

/* Who waits longer than all requests of both sides in the middle: counted here anew. */
Test(compare_runs, starving_are_those_who_wait_too_long)
{
    uint64_t seed = 5;
    uint32_t all = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct trace *trace = random_trace(&seed);
        struct config a = random_config(&seed), b = random_config(&seed);
        struct diag diag = {0};
        struct comparison comparison = {.trace = trace, .count = 2, .factor = 2, .sides = {{.config = a}, {.config = b}}};
        cr_assert_eq(comparison_make(&comparison, &diag), SIM_OK, "%s", diag.text);
        for (int i = 0; i < 2; i++) {
            uint32_t longer = 0;
            for (uint32_t position = 0; position < trace->count; position++)
                longer += comparison.sides[i].outcomes[position].wait_ms > comparison.starving_ms;
            cr_expect_eq(comparison.sides[i].starving, longer, "round %d, side %d", round, i);
            all += longer;
        }
        comparison_free(&comparison);
        trace_destroy(trace);
    }
    cr_expect_gt(all, 0u, "nobody ever starved: the test shows nothing");
}

/* What a side gives next to the first one, bit for bit. */
static void expect_same_pair(const struct comparison *many, size_t side, const struct comparison *two)
{
    const struct against_first *own = &many->sides[side].against, *alone = &two->sides[1].against;
    for (int i = 0; i < PAIRED_LATENCIES; i++) {
        const struct paired *left = &own->paired[paired_latencies[i]], *right = &alone->paired[paired_latencies[i]];
        const double lefts[] = {left->mean_first,         left->mean,           left->difference.mean, left->difference.ci_low,
                                left->difference.ci_high, left->batches.ci_low, left->batches.ci_high, left->sign_p},
                     rights[] = {right->mean_first,         right->mean,           right->difference.mean, right->difference.ci_low,
                                 right->difference.ci_high, right->batches.ci_low, right->batches.ci_high, right->sign_p};
        cr_assert_eq(memcmp(lefts, rights, sizeof lefts), 0);
        cr_assert(left->better == right->better && left->worse == right->worse && left->equal == right->equal);
    }
    cr_assert_eq(own->ranked_count, alone->ranked_count);
    if (own->ranked_count > 0)
        cr_assert_eq(memcmp(own->ranked, alone->ranked, own->ranked_count * sizeof *own->ranked), 0);
    cr_assert_eq(own->difference.found, alone->difference.found);
    cr_assert_eq(own->difference.step, alone->difference.step);
    cr_assert_eq(own->difference.pair_count, alone->difference.pair_count);
    if (own->difference.pair_count > 0)
        cr_assert_eq(memcmp(own->difference.pairs, alone->difference.pairs, own->difference.pair_count * sizeof *own->difference.pairs), 0);
}

/* Who else is compared changes nothing: of three sides, each but the first gives what it gives alone with the first. Starving is another
 * matter, as its yardstick is of all sides. */
Test(compare_runs, three_sides_give_what_each_two_give)
{
    uint64_t seed = 7;
    size_t differing = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct trace *trace = random_trace(&seed);
        struct config configs[3];
        struct diag diag = {0};
        static struct comparison three, two; /* too large for a stack */
        three = (struct comparison){.trace = trace, .count = 3, .named = true, .factor = 10};
        for (int i = 0; i < 3; i++) {
            three.sides[i].config = configs[i] = random_config(&seed);
            snprintf(three.sides[i].name, COMPARE_NAME_SIZE, "side%d", i);
        }
        cr_assert_eq(comparison_make(&three, &diag), SIM_OK, "%s", diag.text);
        for (size_t side = 1; side < 3; side++) {
            char name[FIGURE_NAME_SIZE];
            compare(trace, &configs[0], &configs[side], &two);
            expect_same_pair(&three, side, &two);
            for (size_t i = 0; i < two.sides[0].run.figures.count; i++) {
                const char *figure = two.sides[0].run.figures.list[i].name;
                snprintf(name, sizeof name, "delta_side%zu_%s", side, figure);
                cr_assert(strcmp(figure, "starving") == 0 || same(comparison_figure(&three, name), delta_of(&two, i)), "%s", name);
            }
            snprintf(name, sizeof name, "side%zu_worse_e2el", side);
            cr_assert_eq(comparison_figure(&three, name), comparison_figure(&two, "worse_e2el"));
            differing += two.sides[1].against.difference.found;
            comparison_free(&two);
        }
        comparison_free(&three);
        trace_destroy(trace);
    }
    cr_expect_gt(differing, (size_t)ROUNDS, "most pairs must differ for this to show anything");
}

/* The longest name does not win: the one whose rest is a figure does. */
Test(compare_runs, names_of_sides_may_begin_alike)
{
    static struct comparison comparison = {.count = 3, .named = true, .sides = {{.name = "x"}, {.name = "x_p99"}, {.name = "x_p99_x"}}};
    static const struct {
        const char *name;
        enum comparison_part part;
        size_t side;
        const char *figure;
    } cases[] = {{"x_p99_ttft_ms", COMPARISON_SIDE, 0, "p99_ttft_ms"},
                 {"x_p99_p99_ttft_ms", COMPARISON_SIDE, 1, "p99_ttft_ms"},
                 {"x_p99_x_steps", COMPARISON_SIDE, 2, "steps"},
                 {"delta_x_p99_steps", COMPARISON_DELTA, 1, "steps"},
                 {"delta_x_p99_x_steps", COMPARISON_DELTA, 2, "steps"},
                 {"x_p99_speed", COMPARISON_SIDE, 0, "p99_speed"}, /* none is a figure: the first one is asked for it */
                 {"starving_above_ms", COMPARISON_WHOLE, 0, "starving_above_ms"},
                 {"delta_steps", COMPARISON_WHOLE, 0, "delta_steps"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct comparison_figure_name name = comparison_split_name(&comparison, cases[i].name);
        cr_expect(name.part == cases[i].part && name.side == cases[i].side, "%s", cases[i].name);
        cr_expect_str_eq(name.figure, cases[i].figure);
    }
}

/* --- against decision logs ------------------------------------------------------------------------------------------------------- */

struct text {
    FILE *file;
    char *bytes;
    size_t length;
};

static enum status write_text(void *self, const char *bytes, size_t length, struct diag *diag)
{
    (void)diag;
    fwrite(bytes, 1, length, ((struct text *)self)->file);
    return SIM_OK;
}

static void log_decisions(const struct trace *trace, const struct config *config, struct text *text)
{
    struct diag diag = {0};
    struct decision_log *log;
    struct metrics metrics;
    struct step_time_model *model;
    struct replay_facts facts;
    const struct replay_options options = {0};
    const struct decision_log_options how = {0};
    const struct log_sink sink = {.self = text, .write = write_text};
    text->file = open_memstream(&text->bytes, &text->length);
    cr_assert_eq(metrics_init(&metrics, trace, &diag), SIM_OK);
    cr_assert_eq(decision_log_create(&metrics, &how, &sink, &log, &diag), SIM_OK);
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    const struct observer observers[] = {metrics_observer(&metrics), decision_log_observer(log)};
    cr_assert_eq(replay_run(trace, config, model, observers, 2, &options, &facts, &diag), SIM_OK);
    decision_log_destroy(log);
    metrics_deinit(&metrics);
    step_time_destroy(model);
    fclose(text->file);
}

/* The next line's "sched", "admit" and "preempt", or NULL after the last step. */
static const char *next_decisions(char **at, char *out, size_t size)
{
    char *line = *at, *end = strchr(line, '\n'), *from = strstr(line, "\"sched\""), *to = from ? strstr(from, ",\"finish\"") : NULL;
    if (!end || !from || from > end || !to)
        return NULL;
    *at = end + 1;
    snprintf(out, size, "%.*s", (int)(to - from), from);
    return out;
}

/* SIZE_MAX: the logs decide the same. */
static size_t first_step_of_logs(const struct trace *trace, const struct config *a, const struct config *b)
{
    struct text texts[2];
    static char lines[2][8192];
    log_decisions(trace, a, &texts[0]);
    log_decisions(trace, b, &texts[1]);
    char *at[2] = {texts[0].bytes, texts[1].bytes};
    size_t step = 0;
    for (;; step++) {
        const char *left = next_decisions(&at[0], lines[0], sizeof lines[0]), *right = next_decisions(&at[1], lines[1], sizeof lines[1]);
        if (!left && !right)
            step = SIZE_MAX;
        if (!left || !right || strcmp(left, right) != 0)
            break;
    }
    free(texts[0].bytes);
    free(texts[1].bytes);
    return step;
}

Test(compare_runs, finds_the_first_difference_where_the_decision_logs_differ)
{
    uint64_t seed = 3;
    int differing = 0, late = 0, same_for_ever = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct trace *trace = random_trace(&seed);
        struct config a = random_config(&seed), b = a;
        struct comparison comparison;
        /* One change, so that they go together for a while. */
        switch (random_below(&seed, 4)) {
        case 0:
            b.num_gpu_blocks += 1;
            break;
        case 1:
            b.max_num_seqs += 1;
            break;
        case 2:
            set_policy(&b, strcmp(a.scheduling_policy, "fcfs") ? "fcfs" : "priority");
            break;
        default:
            b.max_num_batched_tokens += 16;
        }
        compare(trace, &a, &b, &comparison);
        size_t want = first_step_of_logs(trace, &a, &b);
        cr_assert_eq(comparison.sides[1].against.difference.found, want != SIZE_MAX, "round %d", round);
        cr_assert(!comparison.sides[1].against.difference.found || comparison.sides[1].against.difference.step == want,
                  "round %d: step %llu, want %zu", round, (unsigned long long)comparison.sides[1].against.difference.step, want);
        differing += comparison.sides[1].against.difference.found;
        late += comparison.sides[1].against.difference.found && want > 20;
        same_for_ever += !comparison.sides[1].against.difference.found;
        comparison_free(&comparison);
        trace_destroy(trace);
    }
    cr_expect(differing > ROUNDS / 4 && late > 10 && same_for_ever > 5, "%d differ, %d late, %d not at all", differing, late,
              same_for_ever);
}

/* All are alike but for their priorities, one at a time: steps have the same sums, of other requests from the second on. The first brings 5
 * tokens, the first of them with its prompt: steps 0 to 4 are its own. */
Test(compare_runs, finds_who_goes_first_where_steps_are_alike)
{
    static const struct tiny_request requests[] = {{0, 20, 5, .priority = 0}, {0, 20, 5, .priority = 2}, {0, 20, 5, .priority = 1}};
    struct trace *trace = tiny_trace(requests, 3);
    struct config a = tiny_config_v1(16, 20), b;
    struct comparison comparison;
    a.max_num_seqs = 1;
    b = a;
    set_policy(&b, "priority");
    compare(trace, &a, &b, &comparison);
    cr_expect(comparison.sides[1].against.difference.found);
    cr_expect_eq(comparison.sides[1].against.difference.step, 5);
    cr_expect_eq(first_step_of_logs(trace, &a, &b), 5);
    comparison_free(&comparison);
    trace_destroy(trace);
}

Test(compare_runs, says_who_is_treated_otherwise)
{
    /* Two seats against one: in step 0 the second request is admitted or not. */
    const struct tiny_request requests[] = {{.input = 20, .output = 4}, {.input = 30, .output = 4}};
    struct trace *trace = tiny_trace(requests, 2);
    struct config two = tiny_config_v1(16, 50), one = two;
    struct comparison comparison;
    one.max_num_seqs = 1;
    compare(trace, &two, &one, &comparison);
    cr_assert(comparison.sides[1].against.difference.found);
    cr_expect_eq(comparison.sides[1].against.difference.step, 0);
    cr_assert_eq(comparison.sides[1].against.difference.pair_count, 2);
    const struct decision_pair *pairs = comparison.sides[1].against.difference.pairs;
    cr_expect(pairs[0].kind == DECIDE_ADMIT && pairs[0].request == 1 && pairs[0].in_a && !pairs[0].in_b);
    cr_expect(pairs[1].kind == DECIDE_COMPUTE && pairs[1].request == 1 && pairs[1].a == 30 && !pairs[1].in_b);
    /* The second waits for the first: 4 steps. */
    cr_expect_eq(comparison.sides[1].longest_wait, 1);
    cr_expect_eq(comparison.sides[1].against.paired[LATENCY_QUEUE].worse, 1);
    comparison_free(&comparison);
    trace_destroy(trace);
}

Test(compare_runs, lists_decisions_in_the_order_of_the_scheduler)
{
    /* By priority 2 comes first and 0 last. One seat is enough for 2, so the others differ: 1 before 0. */
    const struct tiny_request requests[] = {
        {.input = 20, .output = 4, .priority = 2}, {.input = 30, .output = 4, .priority = 1}, {.input = 40, .output = 4, .priority = 0}};
    struct trace *trace = tiny_trace(requests, 3);
    struct config many = tiny_config_v1(16, 50), one;
    struct comparison comparison;
    set_policy(&many, "priority");
    one = many;
    one.max_num_seqs = 1;
    compare(trace, &many, &one, &comparison);
    cr_assert_eq(comparison.sides[1].against.difference.pair_count, 4);
    const struct decision_pair *pairs = comparison.sides[1].against.difference.pairs;
    cr_expect(pairs[0].kind == DECIDE_ADMIT && pairs[0].request == 1 && pairs[1].kind == DECIDE_ADMIT && pairs[1].request == 0);
    cr_expect(pairs[2].kind == DECIDE_COMPUTE && pairs[2].request == 1 && pairs[3].request == 0);
    comparison_free(&comparison);
    trace_destroy(trace);
}

Test(compare_runs, pairs_samples_of_one_engine_with_the_group_of_the_other)
{
    const struct tiny_request requests[] = {{.input = 20, .output = 4, .samples = 3}, {.input = 30, .output = 5}};
    struct trace *trace = tiny_trace(requests, 2);
    struct comparison comparison = {.trace = trace, .count = 2, .factor = 10};
    struct diag diag = {0};
    comparison.sides[0].config = tiny_config_v1(16, 50);
    comparison.sides[1].config = comparison.sides[0].config;
    comparison.sides[1].config.scheduler = SCHEDULER_VLLM_V0;
    comparison.sides[1].config.enable_prefix_caching = comparison.sides[1].config.enable_chunked_prefill = false;
    comparison.sides[1].config.max_model_len = comparison.sides[1].config.max_num_batched_tokens = 2048;
    cr_assert_eq(comparison_make(&comparison, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(comparison.sides[0].run.trace->count, 4);
    for (int side = 0; side < 2; side++)
        for (int position = 0; position < 2; position++) {
            const struct outcome *outcome = &comparison.sides[side].outcomes[position];
            cr_expect(outcome->status == REQUEST_COMPLETED && outcome->ms[LATENCY_TTFT] > 0 &&
                      outcome->ms[LATENCY_E2EL] > outcome->ms[LATENCY_TTFT]);
        }
    cr_expect_eq(comparison.sides[1].against.paired[LATENCY_E2EL].difference.n, 2);
    comparison_free(&comparison);
    trace_destroy(trace);
}

Test(compare_runs, finds_requests_again_when_drawn_arrivals_put_them_into_another_order)
{
    const struct tiny_request requests[] = {{.input = 20, .output = 50}, {.arrival_ns = 1000000, .input = 20, .output = 2}};
    struct trace *trace = tiny_trace(requests, 2);
    struct config a = tiny_config_v1(16, 50), b = a;
    struct comparison comparison;
    trace->index[0] = 1; /* the second line of the file came first */
    trace->index[1] = 0;
    b.request_rate = 1000;
    compare(trace, &a, &b, &comparison);
    cr_expect_eq(trace_index(comparison.sides[1].trace, 0), 0);
    for (int side = 0; side < 2; side++) {
        const struct outcome *outcomes = comparison.sides[side].outcomes;
        cr_expect(outcomes[0].ms[LATENCY_E2EL] > 10 * outcomes[1].ms[LATENCY_E2EL], "side %d", side);
    }
    cr_expect(comparison.sides[1].outcomes[1].arrival_s < comparison.sides[1].outcomes[0].arrival_s);
    comparison_free(&comparison);
    trace_destroy(trace);
}

Test(compare_runs, names_of_figures_say_whose_they_are)
{
    const struct tiny_request requests[] = {{.input = 20, .output = 4}, {.input = 30, .output = 4}};
    struct trace *trace = tiny_trace(requests, 2);
    struct config two = tiny_config_v1(16, 50), one = two;
    struct figure_wishes wishes = {0};
    struct diag diag = {0};
    one.max_num_seqs = 1;
    struct comparison comparison = {
        .trace = trace, .count = 2, .factor = 10, .sides = {{.config = two}, {.config = one}}, .wishes = &wishes};
    cr_assert_eq(figure_wish(&wishes, "p12.5_queue_ms", &diag), SIM_OK);
    cr_assert_eq(comparison_make(&comparison, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(comparison_split_name(&comparison, "delta_p12.5_queue_ms").part, COMPARISON_DELTA);
    cr_expect_str_eq(comparison_split_name(&comparison, "delta_p12.5_queue_ms").figure, "p12.5_queue_ms");
    cr_expect_eq(comparison_split_name(&comparison, "better_e2el").part, COMPARISON_WHOLE);
    cr_expect_str_eq(comparison_split_name(&comparison, "better_e2el").figure, "better_e2el");
    const double a = comparison_figure(&comparison, "a_p12.5_queue_ms"), b = comparison_figure(&comparison, "b_p12.5_queue_ms");
    cr_expect(a == 0 && b > 0);
    cr_expect_eq(comparison_figure(&comparison, "delta_p12.5_queue_ms"), b);
    cr_expect_eq(comparison_figure(&comparison, "a_peak_running"), 2);
    cr_expect_eq(comparison_figure(&comparison, "b_peak_running"), 1);
    cr_expect_eq(comparison_figure(&comparison, "worse_queue"), 1);
    cr_expect(isnan(comparison_figure(&comparison, "a_worse_queue")) && isnan(comparison_figure(&comparison, "peak_running")));
    cr_expect_eq(figure_check_name("", "jain_index",
                                   comparison_scopes(&comparison, &(struct comparison_figure_name){COMPARISON_DELTA, 1, ""}), &diag),
                 SIM_OK);
    cr_expect_eq(
        figure_check_name("", "forks", comparison_scopes(&comparison, &(struct comparison_figure_name){COMPARISON_SIDE, 0, ""}), &diag),
        SIM_USAGE, "V1 has no groups");
    cr_expect_eq(figure_check_name("", "jain_index",
                                   comparison_scopes(&comparison, &(struct comparison_figure_name){COMPARISON_WHOLE, 0, ""}), &diag),
                 SIM_USAGE);
    comparison_free(&comparison);
    trace_destroy(trace);
}
