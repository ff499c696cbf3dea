/* test_request_classes.c - classes by priority, input length and phase, at their bounds and when there are more than can be told apart. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "observe/request_classes.h"
#include "support/tiny_trace.h"

Test(request_classes, each_priority_is_a_class_until_there_are_too_many)
{
    struct tiny_request requests[CLASSES_MOST + 2];
    struct request_classes classes;
    for (uint32_t count = 1; count <= CLASSES_MOST + 2; count++) {
        /* -20, -17, ...: the least important first, so that sorting has something to do. */
        for (uint32_t i = 0; i < count; i++)
            requests[i] = (struct tiny_request){.input = 1, .output = 1, .priority = -20 + 3 * (int32_t)(count - 1 - i)};
        struct trace *trace = tiny_trace(requests, count);
        request_classes_init(&classes, trace, CLASS_BY_PRIORITY);
        cr_assert_eq(classes.count, count < CLASSES_MOST ? count : CLASSES_MOST);
        for (uint32_t i = 0; i < count; i++) {
            char name[64];
            const uint32_t rank = count - 1 - i, last = CLASSES_MOST - 1, want = rank < last ? rank : last;
            const bool open = count > CLASSES_MOST && want == last;
            snprintf(name, sizeof name, "priority %s%d", open ? ">= " : "", -20 + 3 * (int32_t)want);
            cr_expect_eq(request_class(&classes, i, false), want, "%u of %u", i, count);
            cr_expect_str_eq(classes.names[want], name);
        }
        trace_destroy(trace);
    }
}

Test(request_classes, without_priorities_all_are_of_one)
{
    struct trace *trace = tiny_trace((const struct tiny_request[]){{.input = 1, .output = 1}, {.input = 2, .output = 1}}, 2);
    struct request_classes classes;
    request_classes_init(&classes, trace, CLASS_BY_PRIORITY);
    cr_assert_eq(classes.count, 1);
    cr_expect_str_eq(classes.names[0], "priority 0");
    cr_expect_eq(request_class(&classes, 1, true), 0);
    trace_destroy(trace);
}

Test(request_classes, lengths_belong_to_the_class_that_ends_with_them)
{
    static const uint32_t ends[] = {128, 512, 2048, 8192, 32768};
    for (uint32_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const struct tiny_request requests[] = {
            {.input = ends[i] - 1, .output = 1}, {.input = ends[i], .output = 1}, {.input = ends[i] + 1, .output = 1}};
        struct trace *trace = tiny_trace(requests, 3);
        struct request_classes classes;
        request_classes_init(&classes, trace, CLASS_BY_INPUT_LENGTH);
        cr_assert_eq(classes.count, 6);
        for (uint32_t k = 0; k < 3; k++)
            cr_expect_eq(request_class(&classes, k, false), k < 2 ? i : i + 1, "%u tokens", requests[k].input);
        trace_destroy(trace);
    }
}

Test(request_classes, a_request_decodes_from_its_first_token_on)
{
    struct trace *trace = tiny_trace((const struct tiny_request[]){{.input = 1, .output = 1}}, 1);
    struct request_classes classes;
    request_classes_init(&classes, trace, CLASS_BY_PHASE);
    cr_assert_eq(classes.count, 2);
    cr_expect_eq(request_class(&classes, 0, false), CLASS_PREFILL);
    cr_expect_eq(request_class(&classes, 0, true), CLASS_DECODE);
    cr_expect_str_eq(classes.names[CLASS_PREFILL], "prefill");
    cr_expect_str_eq(classes.names[CLASS_DECODE], "decode");
    trace_destroy(trace);
}
