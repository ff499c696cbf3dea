/* test_compare_classes.c - classes of a comparison: who is in them, what their means are, and who wins. Outcomes are made by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "study/compare_classes.h"
#include "support/tiny_trace.h"

enum { REQUESTS = 120 };

/* Even requests have short prompts, odd ones long ones. On the second side short ones are 2 faster and long ones 3 slower, give or take 1; the
 * third is as the first but for noise that cancels out. */
static struct outcome outcomes[3][REQUESTS];
static double scratch[REQUESTS];

static struct trace *make(void)
{
    struct tiny_request requests[REQUESTS];
    memset(requests, 0, sizeof requests);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        const double noise = i / 2 % 2 ? 1 : -1, first = 10 + i;
        requests[i] = (struct tiny_request){.arrival_ns = i, .input = i % 2 ? 600 : 100, .output = 5, .priority = (int32_t)(i % 3)};
        for (int side = 0; side < 3; side++)
            for (int latency = 0; latency <= LATENCY_QUEUE; latency++)
                outcomes[side][i].ms[latency] = NAN;
        outcomes[0][i].ms[LATENCY_E2EL] = first;
        outcomes[1][i].ms[LATENCY_E2EL] = first + (i % 2 ? 3 : -2) + noise;
        outcomes[2][i].ms[LATENCY_E2EL] = first + noise;
    }
    return tiny_trace(requests, REQUESTS);
}

static struct compared_classes compare(const struct trace *trace, enum class_key key, const struct priority_rules *rules, size_t sides)
{
    const struct outcome *const all[] = {outcomes[0], outcomes[1], outcomes[2]};
    struct compared_classes classes = {0};
    struct request_classes sorted;
    struct diag diag = {0};
    cr_assert_eq(request_classes_init(&sorted, trace, key, rules, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(compare_classes_add(&classes, "key", &sorted, all, sides, LATENCY_E2EL, scratch, &diag), SIM_OK, "%s", diag.text);
    return classes;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

Test(compare_classes, tell_for_whom_a_side_is_faster)
{
    struct trace *trace = make();
    struct compared_classes classes = compare(trace, CLASS_BY_INPUT_LENGTH, NULL, 3);
    cr_assert_eq(classes.count, 2, "classes without requests are left out");
    const struct compared_class *shorter = &classes.list[0], *longer = &classes.list[1];
    cr_expect_str_eq(shorter->name, "prompt 1-128");
    cr_expect_str_eq(longer->name, "prompt 513-2048");
    cr_expect(shorter->requests == REQUESTS / 2 && shorter->served == REQUESTS / 2);
    /* The mean of 10 + i over even i below 120 is 10 + 59. */
    cr_expect(near(shorter->means[0], 69) && near(shorter->means[1], 67) && near(shorter->means[2], 69));
    cr_expect(near(longer->means[0], 70) && near(longer->means[1], 73) && near(longer->means[2], 70));
    cr_expect(near(shorter->against[1].difference.mean, -2) && shorter->against[1].better == REQUESTS / 2);
    cr_expect(near(longer->against[1].difference.mean, 3) && longer->against[1].worse == REQUESTS / 2);
    cr_expect_eq(shorter->winner, 1);
    cr_expect_eq(longer->winner, SIZE_MAX, "the first and the third differ by noise alone");
    compare_classes_free(&classes);
    classes = compare(trace, CLASS_BY_INPUT_LENGTH, NULL, 2);
    cr_expect_eq(classes.list[1].winner, 0, "without the third the first wins");
    compare_classes_free(&classes);
    trace_destroy(trace);
}

/* Means in a row are of the same requests: one that a side did not serve is in none. Pairs with the first side do not care about a third. */
Test(compare_classes, leave_out_who_was_not_served_everywhere)
{
    struct trace *trace = make();
    outcomes[2][0].ms[LATENCY_E2EL] = NAN; /* 10 of the first side */
    struct compared_classes classes = compare(trace, CLASS_BY_INPUT_LENGTH, NULL, 3);
    cr_expect(classes.list[0].requests == REQUESTS / 2 && classes.list[0].served == REQUESTS / 2 - 1);
    cr_expect(near(classes.list[0].means[0], (69. * REQUESTS / 2 - 10) / (REQUESTS / 2. - 1)));
    cr_expect_eq(classes.list[0].against[1].difference.n, REQUESTS / 2);
    cr_expect_eq(classes.list[0].against[2].difference.n, REQUESTS / 2 - 1);
    compare_classes_free(&classes);
    trace_destroy(trace);
}

Test(compare_classes, add_up_to_all_requests_whatever_sorts)
{
    static struct priority_rules rules; /* too large for a stack */
    struct trace *trace = make();
    struct diag diag = {0};
    cr_assert_eq(priority_rules_parse_classes("--by", "input_length>500&arrival<1e-7,output_length>9", &rules, &diag), SIM_OK, "%s",
                 diag.text);
    for (int key = 0; key < CLASS_KEYS; key++) {
        struct compared_classes classes = compare(trace, (enum class_key)key, key == CLASS_BY_RULES ? &rules : NULL, 2);
        size_t requests = 0, pairs = 0;
        for (size_t i = 0; i < classes.count; i++) {
            requests += classes.list[i].requests;
            pairs += classes.list[i].against[1].difference.n;
        }
        cr_expect(requests == REQUESTS && pairs == REQUESTS, "key %d", key);
        compare_classes_free(&classes);
    }
    trace_destroy(trace);
}

/* One pair has no interval, so nobody wins by it. */
Test(compare_classes, have_no_winner_of_one_request)
{
    struct trace *trace = make();
    struct diag diag = {0};
    static struct priority_rules rules;
    cr_assert_eq(priority_rules_parse_classes("--by", "arrival=0", &rules, &diag), SIM_OK, "%s", diag.text);
    struct compared_classes classes = compare(trace, CLASS_BY_RULES, &rules, 2);
    cr_assert_eq(classes.count, 2);
    cr_expect_str_eq(classes.list[0].name, "arrival=0");
    cr_expect_str_eq(classes.list[1].name, "else");
    cr_expect(classes.list[0].requests == 1 && classes.list[0].winner == SIZE_MAX && classes.list[0].means[1] < classes.list[0].means[0]);
    compare_classes_free(&classes);
    trace_destroy(trace);
}
