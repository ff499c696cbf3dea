/* test_request_classes.c - classes by priority, input length and phase, at their bounds and when there are more than can be told apart. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "observe/request_classes.h"
#include "support/text_trace.h"
#include "support/tiny_trace.h"

Test(request_classes, each_priority_is_a_class_until_there_are_too_many)
{
    struct tiny_request requests[CLASSES_MOST + 2];
    struct request_classes classes;
    struct diag diag = {0};
    for (uint32_t count = 1; count <= CLASSES_MOST + 2; count++) {
        /* -20, -17, ...: the least important first, so that sorting has something to do. */
        for (uint32_t i = 0; i < count; i++)
            requests[i] = (struct tiny_request){.input = 1, .output = 1, .priority = -20 + 3 * (int32_t)(count - 1 - i)};
        struct trace *trace = tiny_trace(requests, count);
        cr_assert_eq(request_classes_init(&classes, trace, CLASS_BY_PRIORITY, NULL, &diag), SIM_OK);
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
    struct diag diag = {0};
    cr_assert_eq(request_classes_init(&classes, trace, CLASS_BY_PRIORITY, NULL, &diag), SIM_OK);
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
        struct diag diag = {0};
        cr_assert_eq(request_classes_init(&classes, trace, CLASS_BY_INPUT_LENGTH, NULL, &diag), SIM_OK);
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
    struct diag diag = {0};
    cr_assert_eq(request_classes_init(&classes, trace, CLASS_BY_PHASE, NULL, &diag), SIM_OK);
    cr_assert_eq(classes.count, 2);
    cr_expect_eq(request_class(&classes, 0, false), CLASS_PREFILL);
    cr_expect_eq(request_class(&classes, 0, true), CLASS_DECODE);
    cr_expect_str_eq(classes.names[CLASS_PREFILL], "prefill");
    cr_expect_str_eq(classes.names[CLASS_DECODE], "decode");
    trace_destroy(trace);
}

/* Six have a class of their own, the largest first and ties as the file has them; then all others together, then who has none. */
Test(request_classes, the_largest_sessions_and_tenants_have_names)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", ""};
    static const int counts[] = {1, 3, 2, 2, 2, 2, 2, 1, 4};
    static const char *const want[] = {"tenant b", "tenant c", "tenant d",       "tenant e",
                                       "tenant f", "tenant g", "2 tenants more", "no tenant"};
    char text[4096] = "";
    size_t length = 0;
    for (int i = 0; i < 9; i++)
        for (int k = 0; k < counts[i]; k++) {
            length +=
                (size_t)snprintf(text + length, sizeof text - length, "{\"timestamp\":%zu,\"input_length\":1,\"output_length\":1", length);
            length += (size_t)snprintf(text + length, sizeof text - length, *names[i] ? ",\"tenant\":\"%s\"}\n" : "%s}\n", names[i]);
        }
    struct trace *trace = text_trace(text, NULL);
    struct request_classes classes;
    struct diag diag = {0};
    cr_assert_eq(request_classes_init(&classes, trace, CLASS_BY_TENANT, NULL, &diag), SIM_OK);
    cr_assert_eq(classes.count, 8);
    uint32_t sizes[CLASSES_MOST] = {0};
    for (uint32_t position = 0; position < trace->count; position++)
        sizes[request_class(&classes, position, false)]++;
    for (int i = 0; i < 8; i++)
        cr_expect_str_eq(classes.names[i], want[i]);
    cr_expect(sizes[0] == 3 && sizes[1] == 2 && sizes[6] == 2 && sizes[7] == 4);
    cr_assert_eq(request_classes_init(&classes, trace, CLASS_BY_SESSION, NULL, &diag), SIM_OK);
    cr_expect(classes.count == 1 && strcmp(classes.names[0], "no session") == 0 && request_class(&classes, 3, false) == 0);
    trace_destroy(trace);
}

Test(request_classes, the_first_rule_that_holds_is_the_class)
{
    static struct priority_rules rules; /* too large for a stack */
    struct trace *trace =
        tiny_trace((const struct tiny_request[]){{.input = 5, .output = 1}, {.input = 50, .output = 1}, {.input = 50, .output = 9}}, 3);
    struct request_classes classes;
    struct diag diag = {0};
    cr_assert_eq(priority_rules_parse_classes("--by", "output_length>8,input_length>=50&output_length<8", &rules, &diag), SIM_OK, "%s",
                 diag.text);
    cr_assert_eq(request_classes_init(&classes, trace, CLASS_BY_RULES, &rules, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(classes.count, 3);
    cr_expect_str_eq(classes.names[0], "output_length>8");
    cr_expect_str_eq(classes.names[1], "input_length>=50&output_length<8");
    cr_expect_str_eq(classes.names[2], "else");
    for (uint32_t i = 0; i < 3; i++)
        cr_expect_eq(request_class(&classes, i, false), 2 - i);
    cr_assert_eq(
        priority_rules_parse_classes("--by", "arrival<1,arrival<2,arrival<3,arrival<4,arrival<5,arrival<6,arrival<7,else", &rules, &diag),
        SIM_OK);
    cr_expect_eq(request_classes_init(&classes, trace, CLASS_BY_RULES, &rules, &diag), SIM_USAGE);
    trace_destroy(trace);
}

Test(request_classes, keys_are_spelled_as_options_or_as_fields)
{
    cr_expect_eq(class_key_find("input-length"), CLASS_BY_INPUT_LENGTH);
    cr_expect_eq(class_key_find("input_length"), CLASS_BY_INPUT_LENGTH);
    cr_expect_eq(class_key_find("output_length"), CLASS_BY_OUTPUT_LENGTH);
    cr_expect_eq(class_key_find("phase"), CLASS_BY_PHASE);
    cr_expect_eq(class_key_find("input"), CLASS_KEYS);
    cr_expect_eq(class_key_find("input_length_"), CLASS_KEYS);
}
