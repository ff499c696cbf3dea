/* test_json.c - what is refused, and where it says so; what is written reads back. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "support/random.h"

static enum status open_text(const char *text, size_t length, struct diag *diag)
{
    struct json_document document;
    enum status status = json_open("f.json", 1, text, length, &document, diag);
    if (status == SIM_OK)
        json_close(&document);
    return status;
}

Test(json, refuses_what_is_not_json_and_names_the_place)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"", "f.json:1:1:"},
        {"{", "f.json:1:"},
        {"[1,]", "f.json:1:4:"},
        {"{\"a\":012}", "f.json:1:6:"},
        {"{\"a\":1.}", "f.json:1:8:"},
        {"{\"a\":.5}", "f.json:1:6:"},
        {"{\"a\":+1}", "f.json:1:6:"},
        {"{\"a\":NaN}", "f.json:1:6:"},
        {"{\"a\":1e}", "f.json:1:8:"},
        {"{\"a\":1} x", "f.json:1:9:"},
        {"{\n \"a\": 1,\n \"a\": 2\n}", "f.json:3:2:"},
        {"{\"a\":\"\xff\"}", "f.json:1:7:"},
        {"{\"a\":\"\xc0\x80\"}", "f.json:1:7:"},
        {"{\"a\":\"\xed\xa0\x80\"}", "f.json:1:7:"},
        {"{\"a\":\"\x01\"}", "f.json:1:7:"},
        {"{\"a\":\"\\x\"}", "f.json:1:7:"},
        {"{\"a\":\"\\u12\"}", "f.json:1:7:"},
        {"{\"a\":\"x\\ud800\"}", "f.json:1:8:"},
        {"{\"a\":\"\\udc00\"}", "f.json:1:7:"},
        {"{\"a\":\"\\ud800\\u0041\"}", "f.json:1:7:"},
        {"[0.12345678901234567890123456789012345678901234567890123456789012]", "f.json:1:2:"},
        {"{a:1}", "f.json:1:2:"},
        {"{\"a\" 1}", "f.json:1:6:"},
        {"[1 2]", "f.json:1:4:"},
        {"\"open", "f.json:1:1:"},
        {"tru", "f.json:1:1:"},
        {"[[1,2],{\"b\":[{\"c\":1,\"c\":2}]}]", "f.json:1:21:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag diag = {0};
        cr_expect_eq(open_text(cases[i].text, strlen(cases[i].text), &diag), SIM_BAD_INPUT, "%s", cases[i].text);
        cr_expect_eq(strncmp(diag.text, cases[i].place, strlen(cases[i].place)), 0, "%s: got %s", cases[i].text, diag.text);
    }
}

Test(json, limits_nesting_and_reads_what_is_legal)
{
    char deep[20001];
    struct diag diag = {0};
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    cr_expect_eq(open_text(deep, 20000, &diag), SIM_BAD_INPUT);
    static const char *const legal[] = {"{}",
                                        " [ ] ",
                                        "-0",
                                        "1e5",
                                        "1.5E-3",
                                        "\"\\u00e9\\n\"",
                                        "{\"a\":{\"a\":1},\"b\":[true,false,null]}",
                                        "\"\xc3\xa9\"",
                                        "[0.1234567890123456789012345678901234567890123456789012345678901]" /* 63 characters */};
    for (size_t i = 0; i < sizeof legal / sizeof *legal; i++) {
        struct diag fine = {0};
        cr_expect_eq(open_text(legal[i], strlen(legal[i]), &fine), SIM_OK, "%s: %s", legal[i], fine.text);
    }
}

Test(json, integers_keep_all_64_bits_and_nothing_else_passes_for_one)
{
    const char *text = "[18446744073709551615, 9007199254740993, 0, 1.0, 1e3, -1, 18446744073709551616, \"7\"]";
    static const struct {
        bool whole;
        uint64_t value;
    } expected[] = {{true, UINT64_MAX}, {true, UINT64_C(9007199254740993)}, {true, 0}, {false, 0}, {false, 0}, {false, 0}, {false, 0},
                    {false, 0}};
    struct json_document document;
    struct diag diag = {0};
    cr_assert_eq(json_open("f", 1, text, strlen(text), &document, &diag), SIM_OK);
    int i = 0;
    for (const cJSON *node = document.root->child; node; node = node->next, i++) {
        uint64_t value;
        cr_expect_eq(json_uint64(&document, node, &value), expected[i].whole, "item %d", i);
        if (expected[i].whole)
            cr_expect_eq(value, expected[i].value);
    }
    json_close(&document);
}

Test(json, random_documents_read_back_as_written)
{
    uint64_t random = 5;
    for (int round = 0; round < 300; round++) {
        double numbers[20];
        struct json_text json;
        struct json_document document;
        struct diag diag = {0};
        json_text_init(&json, round % 2);
        json_open_array(&json);
        for (int i = 0; i < 20; i++) {
            uint64_t bits = random_next(&random);
            memcpy(&numbers[i], &bits, sizeof bits);
            if (!isfinite(numbers[i]))
                numbers[i] = (double)random_below(&random, 1000) / 8;
            json_double(&json, numbers[i]);
        }
        json_string(&json, "quote \" backslash \\ newline \n end");
        json_close_array(&json);
        cr_assert_eq(json_text_status(&json, &diag), SIM_OK);
        cr_assert_eq(json_open("f", 1, json.text, json.length, &document, &diag), SIM_OK, "%s", diag.text);
        const cJSON *node = document.root->child;
        for (int i = 0; i < 20; i++, node = node->next)
            cr_assert_eq(node->valuedouble, numbers[i]);
        cr_assert_str_eq(node->valuestring, "quote \" backslash \\ newline \n end");
        json_close(&document);
        json_text_deinit(&json);
    }
}
