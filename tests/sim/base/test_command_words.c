/* Words of command lines: a shell's rules, YAML, and the places that messages name. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/command_words.h"
#include "base/memory_stream.h"
#include "support/random.h"

/* The words joined by '|', each with a sign where it is marked: '?' a variable, '!' the end of a command, '-' skipped. */
static char *joined(const struct command_words *words)
{
    static char text[2048];
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < words->count; i++) {
        const struct command_word *word = &words->list[i];
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s%s%s%s", i ? "|" : "", word->text, word->variable ? "?" : "",
                                   word->ends ? "!" : "", word->skipped ? "-" : "");
    }
    return text;
}

Test(command_words, a_shell_would_take_the_same_words)
{
    static const char *const cases[][2] = {
        {"", ""},
        {" a\tb  c ", "a|b|c"},
        {"a 'b c' \"d e\"", "a|b c|d e"},
        {"a'b'\"c\"d", "abcd"},
        {"'' \"\" a", "||a"},
        {"a\\ b \\'c\\\"", "a b|'c\""},
        {"\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d"},
        {"'a\\b'", "a\\b"},
        {"a \\\nb", "a|b"},
        {"a \\  \t\r\nb", "a|b"},
        {"a\\\n  b\\", "a|b"},
        {"a # b c\n# d\nc#d", "a|c#d"},
        {"--a '{\"b\": [1, 2]}'", "--a|{\"b\": [1, 2]}"},
        {"a $HOME ${B}c \"$C\" '$D' $ 5$", "a|$HOME?|${B}c?|$C?|$D|$|5$"},
        {"a `b` c", "a|`b`?|c"},
        {"a > log 2>&1 & b", "a|>!|log|>!|&!|1|&!|b"},
        {"a|b;c&&d", "a||!|b|;!|c|&!|&!|d"},
        {"a2>b", "a2|>!|b"},
        {"\"a\nb\" c", "a\nb|c"},
        {"\"a\\\nb\"", "ab"},
        {"a\r\nb\r\n", "a|b"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_words words = {0};
        struct diag diag = {0};
        cr_assert_eq(command_words_split("line", cases[i][0], strlen(cases[i][0]), &words, &diag), SIM_OK, "%s: %s", cases[i][0],
                     diag.text);
        cr_expect_str_eq(joined(&words), cases[i][1], "%s gives %s", cases[i][0], joined(&words));
        command_words_deinit(&words);
    }
}

Test(command_words, places_are_those_of_the_text)
{
    static const char text[] = "a \\\n  'b\nc' d # e\n\n f";
    static const size_t places[][3] = {{1, 1, 1}, {2, 3, 0}, {3, 4, 0}, {5, 2, 1}};
    struct command_words words = {0};
    struct diag diag = {0};
    cr_assert_eq(command_words_split("line", text, sizeof text - 1, &words, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(words.count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_expect_eq(words.list[i].line, places[i][0], "%s", words.list[i].text);
        cr_expect_eq(words.list[i].column, places[i][1], "%s", words.list[i].text);
        cr_expect_eq(words.list[i].first, places[i][2] == 1, "%s", words.list[i].text);
        cr_expect_str_eq(words.list[i].file, "line");
    }
    command_words_deinit(&words);
}

Test(command_words, what_cannot_be_split_is_told_with_its_place)
{
    static const struct {
        const char *text, *message;
        size_t length;
    } cases[] = {
        {"a 'b", "line:1:3: the quote ' does not end", 4},
        {"a\n \"b c\nd", "line:2:2: the quote \" does not end", 9},
        {"a\0b", "line:1:2: a zero byte; a command line is text", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_words words = {0};
        struct diag diag = {0};
        cr_expect_eq(command_words_split("line", cases[i].text, cases[i].length, &words, &diag), SIM_BAD_INPUT);
        cr_expect_str_eq(diag.text, cases[i].message);
        command_words_deinit(&words);
    }
}

/* Random words of troublesome characters, printed and read again. */
Test(command_words, printed_words_read_back)
{
    static const char letters[] = "a' \"\\$`#;&|<>\n\t-=";
    uint64_t seed = 5;
    for (int round = 0; round < 300; round++) {
        char made[8][12];
        struct memory_stream stream;
        struct command_words words = {0};
        struct diag diag = {0};
        char *text;
        size_t length;
        const uint32_t count = 1 + random_below(&seed, 8);
        cr_assert_eq(memory_stream_open(&stream, &diag), SIM_OK);
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t size = random_below(&seed, sizeof made[0]);
            for (uint32_t k = 0; k < size; k++)
                made[i][k] = letters[random_below(&seed, sizeof letters - 1)];
            made[i][size] = '\0';
            fputc(' ', stream.file);
            command_word_print(made[i], stream.file);
        }
        cr_assert_eq(memory_stream_close(&stream, &text, &length, &diag), SIM_OK);
        cr_assert_eq(command_words_split("line", text, length, &words, &diag), SIM_OK, "%s: %s", text, diag.text);
        cr_assert_eq(words.count, count, "%s", text);
        for (uint32_t i = 0; i < count; i++)
            cr_expect(strcmp(words.list[i].text, made[i]) == 0 && !words.list[i].variable && !words.list[i].ends, "%s", text);
        command_words_deinit(&words);
        free(text);
    }
}

Test(command_words, yaml_is_what_vllm_makes_of_it)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"# nothing\n", ""},
        {"port: 8000\nmax-model-len: 32k\n", "--port|8000|--max-model-len|32k"},
        {"a: true\nb: false\nc: yes\nd: Off\n", "--a|--b-|--c|--d-"},
        {"a: 'true'\nb: \"false\"\n", "--a|true|--b|false"},
        {"a: [x, 1, 'y z']\n", "--a|x|1|y z"},
        {"a: []\nb: 1\n", "--a|--b|1"},
        {"a:\n  - x\n  - {b: 1}\nc: 2\n", "--a|x|{\"b\":1}|--c|2"},
        {"a: {b: {c: [1, {d: e}]}}\nf: -1\n", "--a|{\"b\":{\"c\":[1,{\"d\":\"e\"}]}}|--f|-1"},
        {"a: {b: true, c: no, d: ~, e: '1', f: 1.5, 'g': {}, h: []}\n",
         "--a|{\"b\":true,\"c\":false,\"d\":null,\"e\":\"1\",\"f\":1.5,\"g\":{},\"h\":[]}"},
        {"{a: 1, b_c: x}\n", "--a|1|--b_c|x"},
        {"---\na: 1\n...\n", "--a|1"},
        {"a: ''\n", "--a|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_words words = {0};
        struct diag diag = {0};
        cr_assert_eq(command_words_yaml("f.yaml", cases[i][0], strlen(cases[i][0]), &words, &diag), SIM_OK, "%s: %s", cases[i][0],
                     diag.text);
        cr_expect_str_eq(joined(&words), cases[i][1], "%s gives %s", cases[i][0], joined(&words));
        command_words_deinit(&words);
    }
}

Test(command_words, yaml_that_is_no_list_of_options_is_refused_with_its_place)
{
    static const char *const cases[][2] = {
        {"- a\n", "f.yaml:1:1: must be a mapping"},
        {"a", "f.yaml:1:1: must be a mapping"},
        {"a: 1\nb: *x\n", "f.yaml:2:4: an alias"},
        {"a: 1\nb:\n", "f.yaml:2:3: there is no value"},
        {"a: ~\n", "f.yaml:1:4: there is no value"},
        {"a: 1\n? [b]\n: 1\n", "f.yaml:2:3: a key must be"},
        {"a: [1\nb: 2\n", "f.yaml:2:2: no YAML: "},
        {"a: 1\n b: 2\n", "f.yaml:2:3: no YAML: "},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"},
        {"a: \"x\\0y\"\n", "f.yaml:1:4: a zero byte"},
        {"'': 1\n", "f.yaml:1:1: this is no name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct command_words words = {0};
        struct diag diag = {0};
        cr_expect_eq(command_words_yaml("f.yaml", cases[i][0], strlen(cases[i][0]), &words, &diag), SIM_BAD_INPUT, "%s", cases[i][0]);
        cr_expect(strncmp(diag.text, cases[i][1], strlen(cases[i][1])) == 0, "%s gives %s", cases[i][0], diag.text);
        command_words_deinit(&words);
    }
}

Test(command_words, yaml_keys_have_places)
{
    static const char text[] = "\n a: 1\n bcd: [x,\n   y]\n";
    struct command_words words = {0};
    struct diag diag = {0};
    cr_assert_eq(command_words_yaml("f.yaml", text, sizeof text - 1, &words, &diag), SIM_OK, "%s", diag.text);
    cr_assert_eq(words.count, 5);
    cr_expect(words.list[0].line == 2 && words.list[0].column == 2 && words.list[1].line == 2 && words.list[1].column == 5);
    cr_expect(words.list[2].line == 3 && words.list[2].column == 2 && words.list[4].line == 4 && words.list[4].column == 4);
    command_words_deinit(&words);
}
