/* test_scheduling_order.c - what a policy is shown: requests, and the price of a step in which one request is alone. Both engines take both
 * from here, so holding one engine against the other cannot tell whether they are right. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/temp_file.h"
#include "support/tiny_trace.h"
#include "time/step_time.h"
#include "vllm_v1/scheduling_order.h"

/* A model that keeps the shape it was asked about. */
static struct step_shape asked;
static int64_t keep_shape(const struct step_time_model *model, const struct step_shape *shape)
{
    (void)model;
    asked = *shape;
    return 77;
}

/* A policy that keeps what it was set up with. */
static struct pagesim_policy_setup given;
static bool keep_setup(const struct pagesim_policy_setup *setup, void **self)
{
    given = *setup;
    *self = NULL;
    return true;
}

static int64_t arrival_key(void *self, const struct pagesim_policy_request *request)
{
    (void)self;
    return request->arrival_ns;
}

static const struct pagesim_scheduling_policy asking = {
    .info = {"asking", "keeps what it was set up with"}, .order = PAGESIM_POLICY_STATIC_KEY, .key = arrival_key, .create = keep_setup};

static const struct tiny_request three[] = {{0, 100, 3}, {5, 7, 2, .priority = 4}, {9, 20, 8}};

Test(scheduling_order, one_request_alone_is_priced_as_the_step_that_it_would_be)
{
    const struct step_time_model model = {.name = "keeps", .price = keep_shape};
    struct config config = tiny_config_v1(16, 100);
    struct trace *trace = tiny_trace(three, 3);
    struct scheduling_order order;
    struct diag diag = {0};
    cr_assert_eq(policy_register(POLICY_SCHEDULING, &asking.info, &diag), SIM_OK, "%s", diag.text);
    tiny_name(config.scheduling_policy, "asking");
    cr_assert_eq(scheduling_order_init(&order, trace, &config, &model, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(given.request_count, 3);
    cr_expect_eq(given.model, &model);
    static const struct {
        uint32_t tokens, context;
        struct step_shape want;
    } cases[] = {
        /* A whole prompt, one of a single token, and a chunk after 64 tokens: prefills. */
        {100, 0, {.prefill_tokens = 100, .prefill_chunks = 1}},
        {1, 0, {.prefill_tokens = 1, .prefill_chunks = 1}},
        {36, 64, {.prefill_tokens = 36, .prefill_chunks = 1, .prefill_context = 64, .prefill_context_product = UINT64_C(36) * 64}},
        {2, 1, {.prefill_tokens = 2, .prefill_chunks = 1, .prefill_context = 1, .prefill_context_product = 2}},
        /* One token after one and after 100: decodes, whose context counts the new token. */
        {1, 1, {.decodes = 1, .decode_context = 2, .min_decode_context = 2, .max_decode_context = 2}},
        {1, 100, {.decodes = 1, .decode_context = 101, .min_decode_context = 101, .max_decode_context = 101}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct step_shape want = cases[i].want;
        want.scheduled_tokens = cases[i].tokens;
        want.context_tokens = (uint64_t)cases[i].tokens + cases[i].context;
        want.sequences = want.sampled = 1;
        cr_expect_eq(given.step_ns(given.model, cases[i].tokens, cases[i].context), 77);
        cr_expect_eq(memcmp(&asked, &want, sizeof want), 0, "case %zu", i);
    }
    cr_expect_eq(scheduling_order_first_key(&order, 1, 5), 5);
    scheduling_order_deinit(&order);
    trace_destroy(trace);
}

Test(scheduling_order, a_request_is_shown_with_all_that_the_trace_says)
{
    const struct step_time_model model = {.price = keep_shape};
    struct config config = tiny_config_v1(16, 100);
    struct scheduling_order order;
    struct diag diag = {0};
    for (int with_priorities = 0; with_priorities < 2; with_priorities++) {
        struct trace *trace = tiny_trace(three, with_priorities ? 3 : 1);
        const uint32_t position = with_priorities ? 1 : 0;
        cr_assert_eq(scheduling_order_init(&order, trace, &config, &model, &diag), SIM_OK, "%s", diag.text);
        const struct pagesim_policy_request request = scheduling_order_request(&order, position, 6, 40, 30);
        cr_expect(request.arrival_ns == 6 && request.position == position && request.known_tokens == 40 && request.computed_tokens == 30);
        cr_expect_eq(request.input_tokens, three[position].input);
        cr_expect_eq(request.output_tokens, three[position].output);
        cr_expect_eq(request.priority, three[position].priority);
        cr_expect_eq(scheduling_order_first_key(&order, position, 6), 0, "fcfs has no key");
        scheduling_order_deinit(&order);
        trace_destroy(trace);
    }
    tiny_name(config.scheduling_policy, "nobody");
    struct trace *trace = tiny_trace(three, 3);
    cr_expect_eq(scheduling_order_init(&order, trace, &config, &model, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "\"nobody\""), "%s", diag.text);
    trace_destroy(trace);
}

/* A step costs 1 us; a prefill 2 us more, its square, and twice its tokens' context; a decode 0.01 us a token of context. */
static struct step_time_model *compact(void)
{
    static const char text[] = "{\"base_us\":1,\"sequence_us\":0,\"token_us\":0,\"token_above_knee_us\":0,\"decode_context_us\":0.01,"
                               "\"mixed_us\":2,\"mixed_decode_us\":0,\"mixed_decode_context_us\":0,\"prefill_square_us\":1,"
                               "\"prefill_context_us\":2,\"prefill_read_us\":0,\"knee_tokens\":1}";
    struct temp_file file = temp_file_make(text, sizeof text - 1);
    struct config config = tiny_config_v1(16, 100);
    struct step_time_model *model;
    struct diag diag = {0};
    config.step_time.model = STEP_TIME_COMPACT;
    snprintf(config.step_time.path, sizeof config.step_time.path, "%s", file.path);
    cr_assert_eq(step_time_create(&config, &model, &diag), SIM_OK, "%s", diag.text);
    temp_file_remove(&file);
    return model;
}

Test(scheduling_order, srpt_weighs_prefills_and_decodes_by_their_own_prices)
{
    struct config config = tiny_config_v1(16, 100);
    struct step_time_model *model = compact();
    struct trace *trace = tiny_trace(three, 3);
    struct scheduling_order order;
    struct diag diag = {0};
    tiny_name(config.scheduling_policy, "srpt");
    cr_assert_eq(scheduling_order_init(&order, trace, &config, model, &diag), SIM_OK, "%s", diag.text);
    /* 1 + 2 + 100^2 us for the prompt, which gives the first output; then two decodes after 100 tokens: 1 + 1.01 us each. */
    cr_expect_eq(scheduling_order_first_key(&order, 0, 0), 10003000 + 2 * 2010);
    cr_expect_eq(scheduling_order_first_key(&order, 1, 5), (1 + 2 + 49) * 1000 + 1080);
    /* 36 tokens after 64: 1 + 2 + 36^2 + 2 * 36 * 64. */
    struct pagesim_policy_request request = scheduling_order_request(&order, 0, 0, 100, 64);
    cr_expect_eq(scheduling_order_key(&order, &request), (1 + 2 + 36 * 36 + 2 * 36 * 64) * 1000 + 2 * 2010);
    /* Two outputs are there and the second is to be computed, after 101 tokens; nothing is left after it. */
    request = scheduling_order_request(&order, 0, 0, 102, 101);
    cr_expect_eq(scheduling_order_key(&order, &request), 1000 + 1020);
    scheduling_order_deinit(&order);
    trace_destroy(trace);
    step_time_destroy(model);
}

Test(scheduling_order, mlfq_joins_the_level_whose_quantum_holds_the_prompt)
{
    /* 3 us and the square: 99 tokens take 9.804 ms, 100 take 10.003; a quantum is 10 ms at level 0, 20 at level 1 (141: 19.884, 142:
     * 20.167). */
    static const struct {
        uint32_t input;
        int64_t level;
    } cases[] = {{1, 0}, {99, 0}, {100, 1}, {141, 1}, {142, 2}};
    struct config config = tiny_config_v1(16, 100);
    struct step_time_model *model = compact();
    tiny_name(config.scheduling_policy, "mlfq");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tiny_request one = {0, cases[i].input, 5};
        struct trace *trace = tiny_trace(&one, 1);
        struct scheduling_order order;
        struct diag diag = {0};
        cr_assert_eq(scheduling_order_init(&order, trace, &config, model, &diag), SIM_OK, "%s", diag.text);
        const struct pagesim_policy_request request = scheduling_order_request(&order, 0, 0, cases[i].input, 0);
        const struct pagesim_policy_event arrived = {.kind = PAGESIM_POLICY_ARRIVED, .now_ns = 3};
        order.policy->happened(order.self, &request, &arrived);
        cr_expect_eq(scheduling_order_key(&order, &request), cases[i].level * (INT64_C(1) << 58) + 3, "%u tokens", cases[i].input);
        scheduling_order_deinit(&order);
        trace_destroy(trace);
    }
    step_time_destroy(model);
}

/* What the predictor says of each request, by its number in the trace. */
static void predictions(const struct trace *trace, double sigma, uint64_t seed, uint32_t *out)
{
    struct config config = tiny_config_v1(16, 100);
    struct scheduling_order order;
    struct diag diag = {0};
    config.length_prediction_sigma = sigma;
    config.seed = seed;
    cr_assert_eq(scheduling_order_init(&order, trace, &config, NULL, &diag), SIM_OK, "%s", diag.text);
    for (uint32_t i = 0; i < trace->count; i++)
        out[trace_index(trace, i)] = scheduling_order_request(&order, i, 0, 0, 0).output_tokens;
    scheduling_order_deinit(&order);
}

enum { PREDICTED = 4000, LENGTH = 100000 };

Test(scheduling_order, predicted_lengths_are_wrong_by_a_lognormal_factor)
{
    static struct tiny_request requests[PREDICTED];
    static uint32_t out[PREDICTED], again[PREDICTED];
    for (uint32_t i = 0; i < PREDICTED; i++)
        requests[i] = (struct tiny_request){0, 10, LENGTH}; /* long, so that rounding is nothing */
    struct trace *trace = tiny_trace(requests, PREDICTED);
    predictions(trace, 0, 1, out);
    for (uint32_t i = 0; i < PREDICTED; i++)
        cr_assert_eq(out[i], LENGTH, "exact without an error");
    double sum = 0, squares = 0;
    predictions(trace, 0.5, 1, out);
    for (uint32_t i = 0; i < PREDICTED; i++) {
        const double error = log((double)out[i] / LENGTH);
        sum += error;
        squares += error * error;
    }
    /* Four standard errors of a mean and of a variance: sigma / sqrt(n) and sigma^2 sqrt(2 / n). */
    cr_expect_lt(fabs(sum / PREDICTED), 4 * 0.5 / sqrt(PREDICTED));
    cr_expect_lt(fabs(squares / PREDICTED - 0.25), 4 * 0.25 * sqrt(2.0 / PREDICTED));
    predictions(trace, 0.5, 2, again);
    uint32_t same = 0;
    for (uint32_t i = 0; i < PREDICTED; i++)
        same += out[i] == again[i];
    cr_expect_lt(same, PREDICTED / 100, "another seed, other errors");
    trace_destroy(trace);
}

/* The request's number decides, not its position, nor who else is there. */
Test(scheduling_order, a_selection_changes_nobodys_predicted_length)
{
    static const uint32_t order[] = {2, 0};
    uint32_t out[3] = {0}, some[3] = {0};
    struct trace *trace = tiny_trace(three, 3), *part;
    struct diag diag = {0};
    cr_assert_eq(trace_copy(trace, order, 2, &part, &diag), SIM_OK);
    predictions(trace, 1, 7, out);
    predictions(part, 1, 7, some);
    cr_expect(some[0] == out[0] && some[2] == out[2]);
    trace_destroy(trace);
    trace_destroy(part);
}

Test(scheduling_order, tenants_are_the_rows_or_else_the_sessions)
{
    struct trace *trace = tiny_trace(three, 3);
    struct config config = tiny_config_v1(16, 100);
    struct scheduling_order order;
    struct diag diag = {0};
    cr_assert_eq(scheduling_order_init(&order, trace, &config, NULL, &diag), SIM_OK);
    cr_expect_eq(scheduling_order_request(&order, 1, 0, 0, 0).tenant, 0);
    scheduling_order_deinit(&order);
    trace->session = calloc(3, sizeof *trace->session);
    trace->session[1] = 5;
    cr_assert_eq(scheduling_order_init(&order, trace, &config, NULL, &diag), SIM_OK);
    cr_expect_eq(scheduling_order_request(&order, 1, 0, 0, 0).tenant, 5);
    scheduling_order_deinit(&order);
    trace->tenant = calloc(3, sizeof *trace->tenant);
    trace->tenant[1] = 2;
    cr_assert_eq(scheduling_order_init(&order, trace, &config, NULL, &diag), SIM_OK);
    cr_expect_eq(scheduling_order_request(&order, 1, 0, 0, 0).tenant, 2);
    scheduling_order_deinit(&order);
    trace_destroy(trace);
}
