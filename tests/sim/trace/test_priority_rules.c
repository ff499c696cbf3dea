/* test_priority_rules.c - what rules say of requests, and what is said of wrong rules. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "support/text_trace.h"
#include "trace/priority_rules.h"
#include "trace/trace.h"

static struct priority_rules rules; /* too large for a stack */

/* Five requests, in order of arrival. */
static const char rows[] =
    "{\"timestamp\":0,\"input_length\":100,\"output_length\":5,\"session_id\":\"a,b\",\"tenant\":\"x\",\"priority\":7}\n"
    "{\"timestamp\":1000,\"input_length\":499,\"output_length\":50,\"tenant\":\"y\"}\n"
    "{\"timestamp\":2000,\"input_length\":500,\"output_length\":5,\"session_id\":\"c\"}\n"
    "{\"timestamp\":2500.5,\"input_length\":501,\"output_length\":5,\"tenant\":\"xx\"}\n"
    "{\"timestamp\":9000,\"input_length\":9000,\"output_length\":9,\"tenant\":\"x\"}\n";

Test(priority_rules, the_first_that_holds_decides)
{
    static const struct {
        const char *rules;
        int32_t want[5];
    } cases[] = {
        {"input_length<500:0,else:1", {0, 0, 1, 1, 1}},
        {"input_length<=500:-3,else:4", {-3, -3, -3, 4, 4}},
        {"input_length>500:2", {7, 0, 0, 2, 2}}, /* the others keep their own */
        {"input_length>=500:2,input_length>=400:3", {7, 3, 2, 2, 2}},
        {"output_length=5:1,else:0", {1, 0, 1, 1, 0}},
        {"output_length!=5:1,else:0", {0, 1, 0, 0, 1}},
        {"arrival>=2.5005:1,arrival<1:2,else:3", {2, 3, 3, 1, 1}}, /* seconds; 2500.5 ms is one of the first */
        {"tenant=x:1,tenant!=y:2,else:3", {1, 3, 2, 2, 1}},        /* who has none is not y */
        {"session=\"a,b\":1,session=c:2,else:3", {1, 3, 2, 3, 3}},
        {"input_length>=500&output_length<9&arrival<2.1:1,else:0", {0, 0, 1, 0, 0}},
        {"input_length<0&output_length>0:1,output_length>0&input_length<1e3:2", {2, 2, 2, 2, 0}},
        {"else:2147483647", {INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag diag = {0};
        struct trace *trace = text_trace(rows, NULL);
        cr_assert_eq(priority_rules_parse("--rules", cases[i].rules, &rules, &diag), SIM_OK, "%s", diag.text);
        cr_assert_eq(priority_rules_apply(&rules, trace, &diag), SIM_OK);
        for (uint32_t k = 0; k < 5; k++)
            cr_expect_eq(trace->priority[k], cases[i].want[k], "%s: request %u has %d", cases[i].rules, k, trace->priority[k]);
        trace_destroy(trace);
    }
}

Test(priority_rules, what_is_wrong_is_named_with_its_column)
{
    static const struct {
        const char *rules;
        size_t column;
        const char *says;
    } cases[] = {
        {"", 1, "input_length, output_length, arrival, session, tenant or else must come here"},
        {"input<5:0", 1, "input_length, output"},
        {"input_length<5:0,", 18, "input_length, output"},
        {"input_length 5:0", 13, "<, <=, >"},
        {"input_length<:0", 14, "a number from 0 on"},
        {"input_length<-5:0", 14, "a number from 0 on"},
        {"input_length<0x5:0", 14, "a number from 0 on"},
        {"input_length<inf:0", 14, "a number from 0 on"},
        {"input_length<5", 15, "& or : and a priority"},
        {"input_length<5&:0", 16, "input_length, output"},
        {"input_length<5:", 16, "a priority must come here"},
        {"input_length<5:high", 16, "a priority must come here"},
        {"input_length<5:2147483648", 16, "a priority must come here"},
        {"input_length<5:1.5", 17, "a comma and the next rule"},
        {"else:1,input_length<5:0", 8, "no rule after \"else\" can hold"},
        {"else", 5, ": and a priority must come here"},
        {"else&input_length<5:1", 5, ": and a priority"},
        {"session<a:1", 8, "names can be = or != only"},
        {"tenant=:1", 8, "a name must come here"},
        {"tenant=\"a:1", 8, "the quotes do not end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag diag = {0};
        char place[32];
        snprintf(place, sizeof place, "--rules, column %zu: ", cases[i].column);
        cr_expect_eq(priority_rules_parse("--rules", cases[i].rules, &rules, &diag), SIM_USAGE, "%s", cases[i].rules);
        cr_expect(strncmp(diag.text, place, strlen(place)) == 0 && strstr(diag.text, cases[i].says), "%s: %s", cases[i].rules, diag.text);
    }
}

Test(priority_rules, there_is_room_for_so_many_and_an_error_for_one_more)
{
    char text[PRIORITY_TEXT_SIZE + 1] = "";
    struct diag diag = {0};
    size_t length = 0;
    for (int i = 0; i < PRIORITY_RULES_MOST; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%sarrival<1:0", i ? "," : "");
    cr_expect_eq(priority_rules_parse("--rules", text, &rules, &diag), SIM_OK, "%s", diag.text);
    snprintf(text + length, sizeof text - length, ",else:0");
    cr_expect_eq(priority_rules_parse("--rules", text, &rules, &diag), SIM_USAGE);
    diag_clear(&diag);
    memset(text, 'x', PRIORITY_TEXT_SIZE);
    text[PRIORITY_TEXT_SIZE] = '\0';
    cr_expect_eq(priority_rules_parse("--rules", text, &rules, &diag), SIM_USAGE);
    cr_expect(strstr(diag.text, "longer than"));
}

/* Classes are rules without priorities: a colon is part of a name there, and nothing follows the conditions. */
Test(priority_rules, classes_are_conditions_alone)
{
    static const struct {
        const char *rules;
        size_t column;
    } wrong[] = {{"input_length<5:0", 15}, {"input_length<5&", 16}, {"else,else", 6}, {"", 1}};
    static const char *const want[] = {"input_length<500&tenant=x", "else", "session=c", "else", "else"};
    struct diag diag = {0};
    struct trace *trace = text_trace(rows, NULL);
    cr_assert_eq(priority_rules_parse_classes("--by", "input_length<500&tenant=x,session=c,else", &rules, &diag), SIM_OK, "%s", diag.text);
    for (uint32_t i = 0; i < 5; i++) {
        const struct priority_condition *found = priority_rules_find(&rules, trace, i);
        cr_assert_not_null(found);
        cr_expect(found->rule_length == strlen(want[i]) && strncmp(found->rule, want[i], found->rule_length) == 0, "request %u", i);
    }
    cr_assert_eq(priority_rules_parse_classes("--by", "tenant=a:b", &rules, &diag), SIM_OK, "%s", diag.text);
    cr_expect_null(priority_rules_find(&rules, trace, 0));
    trace_destroy(trace);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct diag own = {0};
        char place[32];
        snprintf(place, sizeof place, "--by, column %zu: ", wrong[i].column);
        cr_expect_eq(priority_rules_parse_classes("--by", wrong[i].rules, &rules, &own), SIM_USAGE, "%s", wrong[i].rules);
        cr_expect(strncmp(own.text, place, strlen(place)) == 0, "%s: %s", wrong[i].rules, own.text);
    }
}
