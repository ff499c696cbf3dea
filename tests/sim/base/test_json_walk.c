/* test_json_walk.c - what is passed over quickly json.h accepts as well, and usual text is passed over; where values end. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "base/json_scan.h"
#include "base/json_walk.h"
#include "support/random.h"

/* A text with zeros after it, as files have them. */
struct text {
    char bytes[512];
    size_t length;
};

static struct text text_of(const char *from)
{
    struct text text = {.length = strlen(from)};
    memcpy(text.bytes, from, text.length);
    return text;
}

/* All of the text is one value. */
static bool walks(const struct text *text)
{
    const char *end = text->bytes + text->length, *at = json_walk_value(json_walk_blanks(text->bytes, end), end);
    return at && json_walk_blanks(at, end) == end;
}

static bool opens(const struct text *text)
{
    struct json_document document;
    struct diag diag = {0};
    const bool right = json_open("f", 1, text->bytes, text->length, &document, &diag) == SIM_OK;
    if (right)
        json_close(&document);
    return right;
}

/* Everything that JSON has but names with escapes. */
static const char *const usual[] = {
    "{}",
    "[]",
    " [ 1 , -2.5e-3 , true , false , null , \"\" ] ",
    "{\"a\":{\"a\":[[1],{\"b\":2}]},\"b\":\"x\\n\\\"y\\\\ \\u00e9 \\ud83d\\ude00 \xc3\xa9\xe4\xb8\x96 and more than eight bytes\"}",
    "{\n  \"k\": 0,\n  \"eight_ch\": 10,\n  \"eight_ch2\": 1.5,\n  \"eight_ch3\": [\n    1,\n    2\n  ]\n}\n",
};

Test(json_walk, usual_text_is_passed_over)
{
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        const struct text text = text_of(usual[i]);
        cr_expect(walks(&text) && opens(&text), "%s", usual[i]);
    }
}

Test(json_walk, what_json_refuses_is_not_passed_over)
{
    static const char *const wrong[] = {"",
                                        "{",
                                        "[1,]",
                                        "[1 2]",
                                        "012",
                                        "1.",
                                        ".5",
                                        "1e",
                                        "-",
                                        "nul",
                                        "\"a",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u0000\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00 \"",
                                        "\"\\ud800\\u0041\"",
                                        "{\"a\":1,\"a\":2}",
                                        "{a:1}",
                                        "{\"a\" 1}",
                                        "{\"a\":1,}",
                                        "\"\x01\"",
                                        "\"\xff\"",
                                        "\"\xed\xa0\x80\"",
                                        "[\"a\nb\"]",
                                        "[1]]",
                                        "{\"long_name_1\":1,\"long_name_2\":1,\"long_name_1\":1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct text text = text_of(wrong[i]);
        cr_expect_not(walks(&text), "%s", wrong[i]);
        cr_expect_not(opens(&text), "%s", wrong[i]);
    }
}

/* Bytes of usual text are changed, taken out and put in. */
Test(json_walk, whatever_is_passed_over_json_accepts)
{
    static const char bytes[] = "{}[]:,\"\\ \n0129.eE+-tfnua\x80\xc3\x7f\x1f";
    uint64_t random = 3;
    unsigned passed = 0;
    for (size_t round = 0; round < 60000; round++) {
        struct text text = text_of(usual[round % (sizeof usual / sizeof *usual)]);
        for (uint32_t changes = 1 + random_below(&random, 2); changes > 0; changes--) {
            const size_t at = random_below(&random, (uint32_t)text.length);
            const char byte = bytes[random_below(&random, sizeof bytes - 1)];
            const uint32_t how = random_below(&random, 3);
            if (how == 0) {
                memmove(text.bytes + at + 1, text.bytes + at, text.length - at);
                text.length++;
            }
            text.bytes[at] = byte;
            if (how == 1 && text.length > 1)
                text.bytes[--text.length] = '\0';
        }
        if (!walks(&text))
            continue;
        passed++;
        cr_assert(opens(&text), "%.*s", (int)text.length, text.bytes);
    }
    cr_expect_gt(passed, 1000, "only %u texts were passed over", passed);
}

Test(json_walk, a_strings_bytes_are_those_of_its_text)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"\"\"", 0},
                 {"\"1234567\"", 7},
                 {"\"12345678\"", 8},
                 {"\"1234567\\n\"", 8},
                 {"\"\\\"\\\\\\/\"", 3},
                 {"\"\\u0041\\u00e9\\u4e16\\ud83d\\ude00\"", 1 + 2 + 3 + 4},
                 {"\"\xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80\"", 2 + 3 + 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct text text = text_of(cases[i].text);
        uint64_t bytes = 99;
        cr_expect_eq(json_walk_string(text.bytes, &bytes), text.bytes + text.length, "%s", cases[i].text);
        cr_expect_eq(bytes, cases[i].bytes, "%s: %llu", cases[i].text, (unsigned long long)bytes);
    }
}

/* A value a line: the object would go on in the next one. */
Test(json_walk, line_ends_are_blanks_only_in_front_of_the_end)
{
    const struct text text = text_of("{\"a\":\n1}");
    cr_expect_null(json_walk_value(text.bytes, text.bytes));
    cr_expect_eq(json_walk_value(text.bytes, text.bytes + text.length), text.bytes + text.length);
}

Test(json_walk, members_are_met_in_their_order)
{
    const struct text text = text_of("{\"n\" : 3, \"list\":[4,5] , \"rest\":{\"n\":9}} tail");
    const char *end = text.bytes + text.length, *at;
    struct json_members members;
    unsigned met = 0, items = 0;
    bool more;
    for (at = json_walk_first(&members, text.bytes, end); at && members.name; at = json_walk_next(&members, at)) {
        met = met * 10 + (JSON_WALK_IS(members, "n") ? 1 : JSON_WALK_IS(members, "list") ? 2 : JSON_WALK_IS(members, "rest") ? 3 : 9);
        if (!JSON_WALK_IS(members, "list")) {
            at = json_walk_value(at, end);
            continue;
        }
        for (at = json_walk_first_item(at, end, &more); at && more; at = json_walk_next_item(at, end, &more)) {
            items = items * 10 + (unsigned)(*at - '0');
            at = json_walk_number(at);
        }
    }
    cr_expect_eq(met, 123);
    cr_expect_eq(items, 45);
    cr_expect(at && strcmp(at, " tail") == 0);
}

Test(json_scan, values_end_where_their_brackets_close)
{
    static const struct {
        const char *text, *rest; /* rest NULL: it does not end */
    } cases[] = {{"{\"a\":[1,{\"b\":\"}]\\\"\"}]} x", " x"},
                 {"[1,2],3", ",3"},
                 {"\"a\\\\\",1", ",1"},
                 {"12]", "]"},
                 {"{\"a\":1", NULL},
                 {"\"a", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *stop = json_value_end(cases[i].text, cases[i].text + strlen(cases[i].text));
        cr_expect(cases[i].rest ? stop && strcmp(stop, cases[i].rest) == 0 : !stop, "%s", cases[i].text);
    }
}

Test(json_scan, only_members_of_the_object_itself_count)
{
    static const char text[] = "{\"text\":\"\\\"hidden\\\":1\",\"inner\":{\"hidden\":1}, \"seen\" : 2}";
    cr_expect(json_object_has(text, text + strlen(text), "seen") && json_object_has(text, text + strlen(text), "inner"));
    cr_expect_not(json_object_has(text, text + strlen(text), "hidden"));
    cr_expect_not(json_object_has("[1]", "[1]" + 3, "seen"));
}
