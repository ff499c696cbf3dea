/* test_compare_runs.c - a comparison with itself is nothing, a swap of the sides turns every sign, and the first decision that differs is
 * where the decision logs part. */
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
    *out = (struct comparison){.trace = trace, .factor = 10, .sides = {{.config = *a}, {.config = *b}}};
    cr_assert_eq(comparison_make(out, &diag), SIM_OK, "%s", diag.text);
}

static double figure(const struct comparison *comparison, const char *name)
{
    for (size_t i = 0; i < comparison->figure_count; i++)
        if (strcmp(comparison->figures[i].name, name) == 0)
            return comparison->figures[i].undefined ? NAN : comparison->figures[i].value;
    cr_assert_fail("no figure %s", name);
    return NAN;
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-9 * fabs(a);
}

Test(compare_runs, with_itself_is_nothing)
{
    uint64_t seed = 1;
    struct trace *trace = random_trace(&seed);
    struct config config = tiny_config_v1(16, 20);
    struct comparison comparison;
    compare(trace, &config, &config, &comparison);
    cr_expect_not(comparison.parting.found);
    cr_expect_eq(figure(&comparison, "decisions_differ"), 0);
    for (size_t i = 0; i < comparison.figure_count; i++)
        if (strncmp(comparison.figures[i].name, "delta_", 6) == 0 && !comparison.figures[i].undefined)
            cr_expect_eq(comparison.figures[i].value, 0, "%s", comparison.figures[i].name);
    for (int metric = 0; metric < COMPARE_METRICS; metric++) {
        const struct paired *paired = &comparison.paired[metric];
        cr_expect_eq(paired->better + paired->worse, 0);
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
        cr_assert_eq(there.figure_count, back.figure_count);
        for (size_t i = 0; i < there.figure_count; i++) {
            const char *name = there.figures[i].name;
            double value = figure(&there, name);
            if (strncmp(name, "delta_", 6) == 0)
                cr_assert(same(value, -figure(&back, name)), "%s", name);
        }
        for (int metric = 0; metric < COMPARE_METRICS; metric++) {
            const struct paired *left = &there.paired[metric], *right = &back.paired[metric];
            cr_assert(left->better == right->worse && left->worse == right->better && left->equal == right->equal);
            cr_assert(same(left->difference.ci_low, -right->difference.ci_high) && same(left->sign_p, right->sign_p));
        }
        cr_assert_eq(there.parting.found, back.parting.found);
        cr_assert_eq(there.parting.step, back.parting.step);
        cr_assert_eq(there.starving_ms, back.starving_ms);
        comparison_free(&there);
        comparison_free(&back);
        trace_destroy(trace);
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
    struct step_time_model *model;
    struct replay_facts facts;
    const struct replay_options options = {0};
    const struct decision_log_options how = {0};
    const struct log_sink sink = {.self = text, .write = write_text};
    text->file = open_memstream(&text->bytes, &text->length);
    cr_assert_eq(decision_log_create(trace, &how, &sink, &log, &diag), SIM_OK);
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    const struct observer observer = decision_log_observer(log);
    cr_assert_eq(replay_run(trace, config, model, &observer, 1, &options, &facts, &diag), SIM_OK);
    decision_log_destroy(log);
    step_time_destroy(model);
    fclose(text->file);
}

/* The next line's "sched", "admit" and "preempt", or NULL behind the last step. */
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
static size_t logs_part(const struct trace *trace, const struct config *a, const struct config *b)
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

Test(compare_runs, parts_where_the_decision_logs_do)
{
    uint64_t seed = 3;
    int parted = 0, late = 0, same_for_ever = 0;
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
        size_t want = logs_part(trace, &a, &b);
        cr_assert_eq(comparison.parting.found, want != SIZE_MAX, "round %d", round);
        cr_assert(!comparison.parting.found || comparison.parting.step == want, "round %d: step %llu, want %zu", round,
                  (unsigned long long)comparison.parting.step, want);
        parted += comparison.parting.found;
        late += comparison.parting.found && want > 20;
        same_for_ever += !comparison.parting.found;
        comparison_free(&comparison);
        trace_destroy(trace);
    }
    cr_expect(parted > ROUNDS / 4 && late > 10 && same_for_ever > 5, "%d parted, %d late, %d not at all", parted, late, same_for_ever);
}

Test(compare_runs, says_who_is_treated_otherwise)
{
    /* Two seats against one: in step 0 the second request is admitted or not. */
    const struct tiny_request requests[] = {{.input = 20, .output = 4}, {.input = 30, .output = 4}};
    struct trace *trace = tiny_trace(requests, 2);
    struct config two = tiny_config_v1(16, 50), one = two;
    struct comparison comparison;
    struct decision_pair *pairs;
    struct diag diag = {0};
    size_t count;
    one.max_num_seqs = 1;
    compare(trace, &two, &one, &comparison);
    cr_assert(comparison.parting.found);
    cr_expect_eq(comparison.parting.step, 0);
    cr_assert_eq(decisions_pair(&comparison.parting, &pairs, &count, &diag), SIM_OK);
    cr_assert_eq(count, 2);
    cr_expect(pairs[0].kind == DECIDE_ADMIT && pairs[0].request == 1 && pairs[0].in_a && !pairs[0].in_b);
    cr_expect(pairs[1].kind == DECIDE_COMPUTE && pairs[1].request == 1 && pairs[1].a == 30 && !pairs[1].in_b);
    free(pairs);
    /* The second waits for the first: 4 steps. */
    cr_expect_eq(comparison.sides[1].longest_wait, 1);
    cr_expect_eq(comparison.paired[COMPARE_QUEUE].worse, 1);
    comparison_free(&comparison);
    trace_destroy(trace);
}

Test(compare_runs, pairs_samples_of_one_engine_with_the_group_of_the_other)
{
    const struct tiny_request requests[] = {{.input = 20, .output = 4, .samples = 3}, {.input = 30, .output = 5}};
    struct trace *trace = tiny_trace(requests, 2);
    struct comparison comparison = {.trace = trace, .factor = 10};
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
            cr_expect(outcome->finished && outcome->ms[COMPARE_TTFT] > 0 && outcome->ms[COMPARE_E2E] > outcome->ms[COMPARE_TTFT]);
        }
    cr_expect_eq(comparison.paired[COMPARE_E2E].difference.n, 2);
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
    cr_expect_eq(comparison.sides[1].trace->index[0], 0);
    for (int side = 0; side < 2; side++) {
        const struct outcome *outcomes = comparison.sides[side].outcomes;
        cr_expect(outcomes[0].ms[COMPARE_E2E] > 10 * outcomes[1].ms[COMPARE_E2E], "side %d", side);
    }
    cr_expect(comparison.sides[1].outcomes[1].arrival_s < comparison.sides[1].outcomes[0].arrival_s);
    comparison_free(&comparison);
    trace_destroy(trace);
}
