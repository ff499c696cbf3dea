/* test_reservation.c - contiguous reservations: every slot in one account, and small cases by hand. */
#include <criterion/criterion.h>

#include "study/reservation.h"
#include "support/random_case.h"
#include "support/tiny_trace.h"

static struct reservation_result run(const struct trace *trace, const struct config *config, enum reservation_kind kind)
{
    struct diag diag = {0};
    struct step_time_model *model;
    struct reservation_result result;
    cr_assert_eq(step_time_create(config, &model, &diag), SIM_OK);
    cr_assert_eq(reservation_run(trace, config, model, CONTIGUOUS_BEST_FIT, kind, &result, &diag), SIM_OK, "%s", diag.text);
    step_time_destroy(model);
    return result;
}

Test(reservation, accounts_add_up_to_memory_x_time_on_random_cases)
{
    uint64_t refused = 0, scattered = 0;
    for (uint64_t number = 1; number <= 1500; number++) {
        uint64_t seed = number;
        struct config config = random_case_config(&seed, number % 2);
        struct trace *trace = random_case_trace(&seed, &config);
        uint64_t runnable = 0;
        for (uint32_t i = 0; i < trace->count; i++)
            runnable += trace->input_tokens[i] + trace->output_tokens[i] <= config.max_model_len;
        for (int kind = 0; kind < RESERVATION_KINDS; kind++) {
            struct reservation_result result = run(trace, &config, (enum reservation_kind)kind);
            cr_assert(reservation_check(&result), "case %llu, %s", (unsigned long long)number, reservation_names[kind]);
            cr_assert_eq(result.completed + result.too_large, runnable, "case %llu, %s: all run in the end", (unsigned long long)number,
                         reservation_names[kind]);
            refused += result.sums[SPAN_ALL][RESERVED_EXTERNAL] > 0;
            scattered += result.scattered[SPAN_ALL] > 0;
        }
        trace_destroy(trace);
    }
    cr_expect_gt(refused, 500);
    cr_expect_gt(scattered, 50);
}

Test(reservation, charges_small_cases_as_by_hand)
{
    /* Memory of 160 slots, a step takes 10 ns. Request 0 (10 in, 3 out) reserves 64 or 14 or 13; request 1 (100, 1) then has to wait when
     * the maximum, 150, is reserved. */
    const struct tiny_request requests[] = {{.input = 10, .output = 3}, {.input = 100, .output = 1}};
    struct trace *trace = tiny_trace(requests, 2);
    struct config config = tiny_config_v1(16, 11);
    config.max_model_len = 150;
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 10};
    struct reservation_result most = run(trace, &config, RESERVE_MAXIMUM);
    cr_expect_eq(most.memory_slots, 160);
    cr_expect_eq(most.peak_running, 1);
    cr_expect_eq(most.end_ns, 40, "three steps, then one");
    cr_expect(most.sums[SPAN_WAITING][RESERVED_TOKENS] == (slot_time)10 * (10 + 11 + 12));
    cr_expect(most.sums[SPAN_WAITING][RESERVED_FUTURE] == (slot_time)10 * (2 + 1 + 0));
    cr_expect(most.sums[SPAN_WAITING][RESERVED_INTERNAL] == (slot_time)10 * 3 * (150 - 12));
    cr_expect(most.sums[SPAN_WAITING][RESERVED_EXTERNAL] == (slot_time)10 * 3 * 10);
    cr_expect(most.scattered[SPAN_WAITING] == 0);
    struct reservation_result power = run(trace, &config, RESERVE_POWER_OF_TWO);
    cr_expect_eq(power.end_ns, 30);
    cr_expect(power.sums[SPAN_ALL][RESERVED_INTERNAL] == (slot_time)10 * (3 * (14 - 12) + (101 - 100)));
    struct reservation_result exact = run(trace, &config, RESERVE_EXACT);
    cr_expect(exact.sums[SPAN_ALL][RESERVED_INTERNAL] == (slot_time)10 * (3 + 1));
    cr_expect_eq(exact.time_ns[SPAN_WAITING], 0);
    trace_destroy(trace);
}

Test(reservation, free_memory_in_two_pieces_is_scattered)
{
    /* 160 slots: [60][40][60]; the outer two end, the 40 in the middle goes on, and 70 do not fit although 120 are free. */
    const struct tiny_request requests[] = {
        {.input = 59, .output = 1}, {.input = 20, .output = 20}, {.input = 59, .output = 1}, {.input = 69, .output = 1}};
    struct trace *trace = tiny_trace(requests, 4);
    struct config config = tiny_config_v1(16, 11);
    config.step_time = (struct step_time_config){.model = STEP_TIME_LINEAR, .base_ns = 10};
    struct reservation_result exact = run(trace, &config, RESERVE_EXACT);
    /* Step 0 runs the first three; the fourth waits through steps 1 to 19. */
    cr_expect(exact.scattered[SPAN_ALL] == (slot_time)10 * 19 * 120);
    cr_expect(exact.sums[SPAN_ALL][RESERVED_EXTERNAL] == (slot_time)10 * 19 * 120);
    cr_expect_eq(exact.end_ns, INT64_C(210));
    cr_expect(reservation_check(&exact));
    trace_destroy(trace);
}
