/* test_trace_rows.c - the quick readers of JSONL and of chats against the strict ones, on random lines, right ones and spoiled ones; times
 * against strtod. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/text_file.h"
#include "support/random.h"
#include "trace/trace_reader.h"

/* Text with the zeros after it that readers count on; outlives the rows. */
struct text {
    char bytes[1024 + TEXT_FILE_SLACK];
    size_t length;
};

static void set_text(struct text *text, const char *before, const char *line, size_t length)
{
    memset(text, 0, sizeof *text);
    text->length = strlen(before) + length;
    memcpy(text->bytes, before, strlen(before));
    memcpy(text->bytes + strlen(before), line, length);
}

static struct trace_rows read_text(const struct text *text, const struct trace_reader *reader)
{
    const struct trace_source source = {.name = "t", .text = text->bytes, .length = text->length, .first_line = 1, .facts = reader->facts};
    struct trace_rows rows = {.source = &source, .text = text->bytes, .length = text->length, .first_line = 1};
    reader->read_piece(&rows);
    rows.source = NULL;
    return rows;
}

/* The name of a row's session, "" if it is of none. */
static const char *session_of(const struct trace_rows *rows, size_t row, size_t *length)
{
    *length = 0;
    return rows->trace.session && rows->trace.session[row] ? session_names_text(&rows->trace.sessions, rows->trace.session[row], length)
                                                           : "";
}

static bool same_session(const struct trace_rows *a, size_t i, const struct trace_rows *b, size_t j)
{
    size_t lengths[2];
    const char *one = session_of(a, i, &lengths[0]), *other = session_of(b, j, &lengths[1]);
    return lengths[0] == lengths[1] && memcmp(one, other, lengths[0]) == 0 &&
           (a->trace.delay_ns ? a->trace.delay_ns[i] : 0) == (b->trace.delay_ns ? b->trace.delay_ns[j] : 0);
}

/* The last rows of two readings say the same. */
static bool same_last_row(const struct trace_rows *a, const struct trace_rows *b)
{
    size_t i = a->count - 1, j = b->count - 1;
    if (a->trace.arrival_ns[i] != b->trace.arrival_ns[j] || a->trace.input_tokens[i] != b->trace.input_tokens[j] ||
        a->trace.output_tokens[i] != b->trace.output_tokens[j])
        return false;
    if ((a->trace.priority ? a->trace.priority[i] : 0) != (b->trace.priority ? b->trace.priority[j] : 0) ||
        (a->trace.samples ? a->trace.samples[i] : 1) != (b->trace.samples ? b->trace.samples[j] : 1) ||
        (a->trace.beam_width ? a->trace.beam_width[i] : 0) != (b->trace.beam_width ? b->trace.beam_width[j] : 0) ||
        (a->trace.finish_reason ? a->trace.finish_reason[i] : 0) != (b->trace.finish_reason ? b->trace.finish_reason[j] : 0) ||
        a->hash_count != b->hash_count || !same_session(a, i, b, j))
        return false;
    for (size_t k = 0; k < a->hash_count; k++)
        if (a->trace.hash_ids[k] != b->trace.hash_ids[k] || (a->hash_high ? a->hash_high[k] : 0) != (b->hash_high ? b->hash_high[k] : 0))
            return false;
    return strcmp(a->trace.ignored_fields, b->trace.ignored_fields) == 0;
}

/* --- random lines ---------------------------------------------------------------------------------------------------------------- */

struct numbered_line {
    char text[1024];
    size_t length;
};

static void put(struct numbered_line *line, const char *text)
{
    size_t length = strlen(text);
    cr_assert(line->length + length < sizeof line->text);
    memcpy(line->text + line->length, text, length);
    line->length += length;
}

static void put_number(struct numbered_line *line, uint64_t *random)
{
    static const char *const odd[] = {"0",   "1",    "007",        "1.0",        "1e3", "-0",   "-5",
                                      "1.5", "2E+2", "1000000000", "1000000001", "",    "null", "9007199254740993"};
    char text[32];
    uint32_t form = random_below(random, 12);
    if (form == 0)
        put(line, odd[random_below(random, sizeof odd / sizeof *odd)]);
    else if (form == 1)
        put(line, (snprintf(text, sizeof text, "%llu", (unsigned long long)random_next(random) >> random_below(random, 64)), text));
    else
        put(line, (snprintf(text, sizeof text, "%u", 1 + random_below(random, form < 6 ? 999 : 9999999)), text));
}

static void put_ids(struct numbered_line *line, uint64_t *random)
{
    static const char *const commas[] = {",", ", ", " ,", ",\t"};
    uint32_t count = random_below(random, 8), style = random_below(random, 4);
    put(line, "[");
    for (uint32_t i = 0; i < count; i++) {
        put(line, i ? commas[random_below(random, 8) ? style : random_below(random, 4)] : "");
        put_number(line, random);
    }
    put(line, "]");
}

static void put_time(struct numbered_line *line, uint64_t *random)
{
    char text[64];
    put_number(line, random);
    if (random_below(random, 2))
        put(line,
            (snprintf(text, sizeof text, ".%0*llu", 1 + (int)random_below(random, 18), (unsigned long long)(random_next(random) % 1000000)),
             text));
}

static void put_ignored(struct numbered_line *line, uint64_t *random)
{
    static const char *const values[] = {"\"text\"",  "\"\"",        "true",         "false",    "null", "-12", "3.25", "[1,{}]",
                                         "{\"a\":1}", "\"\\u0041\"", "\"\xc3\xa9\"", "\"\x01\"", "tru",  "01",  "1.",   "\"open"};
    put(line, values[random_below(random, 8) ? random_below(random, 7) : random_below(random, sizeof values / sizeof *values)]);
}

static void put_one_of(struct numbered_line *line, const char *const *values, uint32_t count, uint64_t *random)
{
    put(line, values[random_below(random, count)]);
}

/* Names of sessions and chats, how answers end, delays: with all that says "none" and what is wrong. */
static bool put_rare(struct numbered_line *line, const char *name, uint64_t *random)
{
    static const char *const names[] = {"-1",   "null", "\"\"", "\"a\"",       "\"b c\"",
                                        "7",    "0",    "-2",   "\"\\u0061\"", "1.5",
                                        "true", "-10",  "nulL", "[]",          "18446744073709551615"};
    static const char *const reasons[] = {"\"stop\"", "\"length\"", "\"abort\"", "null", "\"stop", "\"\"", "stop", "1"};
    if (strstr(name, "chat_id") || strcmp(name, "session_id") == 0 || strstr(name, "tenant"))
        put_one_of(line, names, random_below(random, 4) ? 8 : sizeof names / sizeof *names, random);
    else if (strcmp(name, "finish_reason") == 0)
        put_one_of(line, reasons, random_below(random, 4) ? 2 : sizeof reasons / sizeof *reasons, random);
    else
        return false;
    return true;
}

static void put_member(struct numbered_line *line, const char *name, uint64_t *random)
{
    static const char *const blanks[] = {"", " ", "", "  ", "\t", "\r"};
    put(line, "\"");
    put(line, name);
    put(line, "\"");
    put(line, random_below(random, 8) ? "" : blanks[random_below(random, 6)]);
    put(line, ":");
    put(line, random_below(random, 3) ? " " : blanks[random_below(random, 6)]);
    if (strcmp(name, "timestamp") == 0 || strcmp(name, "delay") == 0)
        put_time(line, random);
    else if (strcmp(name, "hash_ids") == 0)
        put_ids(line, random);
    else if (strcmp(name, "n") == 0 || strcmp(name, "beam_width") == 0 || strcmp(name, "priority") == 0 || strstr(name, "length"))
        put_number(line, random);
    else if (!put_rare(line, name, random))
        put_ignored(line, random);
}

/* Mostly right lines; optional and unknown fields now and then, sometimes twice. */
static void make_json_line(struct numbered_line *line, uint64_t *random)
{
    static const char *const others[] = {"hash_ids",      "priority", "n",      "beam_width", "session_id", "turn",
                                         "timestam",      "x y",      "",       "e\\u0041",   "chat_id",    "parent_chat_id",
                                         "finish_reason", "delay",    "tenant", "tenant_id"};
    const char *names[8] = {"timestamp", "input_length", "output_length"};
    uint32_t count = 3;
    for (uint32_t extra = random_below(random, 4); extra > 0; extra--)
        names[count++] = others[random_below(random, sizeof others / sizeof *others)];
    if (random_below(random, 20) == 0)
        count--;
    for (uint32_t i = count; i-- > 1;) {
        uint32_t j = random_below(random, i + 1);
        const char *swap = names[i];
        names[i] = names[j];
        names[j] = swap;
    }
    line->length = 0;
    put(line, "{");
    for (uint32_t i = 0; i < count; i++) {
        put(line, i ? (random_below(random, 2) ? ", " : ",") : "");
        put_member(line, names[i], random);
    }
    put(line, "}");
    put(line, random_below(random, 4) ? "" : random_below(random, 2) ? " \r" : "\r");
    put(line, random_below(random, 4) ? "\n" : "");
}

/* Change, drop or double a byte or two. */
static void spoil(struct numbered_line *line, uint64_t *random)
{
    static const char bytes[] = "0123456789.,:-+eE\"\\{}[] \t\r\n\x01\x80zZ";
    for (uint32_t changes = 1 + random_below(random, 2); changes > 0 && line->length > 2; changes--) {
        size_t at = random_below(random, (uint32_t)line->length);
        uint32_t how = random_below(random, 3);
        if (how == 0) {
            line->text[at] = bytes[random_below(random, sizeof bytes)]; /* the terminating zero too */
        } else if (how == 1) {
            memmove(line->text + at, line->text + at + 1, line->length - at - 1);
            line->length--;
        } else if (line->length + 1 < sizeof line->text) {
            memmove(line->text + at + 1, line->text + at, line->length - at);
            line->length++;
        }
    }
}

/* The same line with an escape in a name, which the quick reader leaves to the strict one. */
static void set_strict_text(struct text *text, const struct numbered_line *line)
{
    static const char name[] = "\"input_length", escaped[] = "\"input\\u005flength";
    const char *at = memmem(line->text, line->length, name, sizeof name - 1);
    const size_t before = at ? (size_t)(at - line->text) : 0, skipped = at ? sizeof name - 1 : 0;
    set_text(text, "", line->text, line->length);
    if (!at)
        return;
    memcpy(text->bytes + before, escaped, sizeof escaped - 1);
    memcpy(text->bytes + before + sizeof escaped - 1, at + skipped, line->length - before - skipped);
    text->length += sizeof escaped - sizeof name;
}

/* Returns whether the line was accepted. */
static bool compare_json(const struct numbered_line *line, const struct trace_reader *reader)
{
    struct text quick, strict;
    set_text(&quick, "", line->text, line->length);
    set_strict_text(&strict, line);
    struct trace_rows a = read_text(&quick, reader), b = read_text(&strict, reader);
    bool accepted = a.status == SIM_OK;
    cr_assert_eq(a.status, b.status, "%d and %d (%s%s) for: %.*s", a.status, b.status, a.diag.text, b.diag.text, (int)line->length,
                 line->text);
    cr_assert_eq(a.count, b.count, "%.*s", (int)line->length, line->text);
    if (accepted && a.count > 0)
        cr_assert(same_last_row(&a, &b), "%.*s", (int)line->length, line->text);
    trace_rows_deinit(&a);
    trace_rows_deinit(&b);
    return accepted;
}

Test(trace_rows, both_readers_of_jsonl_agree_on_right_and_spoiled_lines)
{
    enum { CASES = 150000 };
    uint64_t random = 5;
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < CASES; i++) {
        struct numbered_line line;
        make_json_line(&line, &random);
        if (i % 2)
            spoil(&line, &random);
        accepted += compare_json(&line, i % 4 < 2 ? &trace_reader_jsonl : &trace_reader_bailian);
    }
    cr_expect(accepted > CASES / 4 && accepted < CASES * 3 / 4, "%u of %u accepted: the mixture tests little", accepted, CASES);
}

Test(trace_rows, times_are_the_nearest_double_times_a_million_rounded_half_to_even)
{
    uint64_t random = 7;
    for (uint32_t i = 0; i < 200000; i++) {
        struct numbered_line line = {.length = 0};
        struct text text;
        char time[64];
        uint64_t digits = random_next(&random) >> random_below(&random, 60);
        if (i % 3 == 0) /* halves of a nanosecond, and their neighbours */
            snprintf(time, sizeof time, "%u.%06u%s", random_below(&random, 4000000), random_below(&random, 1000000),
                     (const char *[]){"5", "49", "51", "50"}[random_below(&random, 4)]);
        else if (i % 3 == 1)
            snprintf(time, sizeof time, "%llu.%0*llu", (unsigned long long)(digits % 10000000000u), 1 + (int)random_below(&random, 9),
                     (unsigned long long)(random_next(&random) % 100000000));
        else
            snprintf(time, sizeof time, "%llu", (unsigned long long)(digits % 9000000000000u));
        put(&line, "{\"input_length\":1,\"output_length\":1,\"timestamp\":");
        put(&line, time);
        put(&line, "}\n");
        set_text(&text, "", line.text, line.length);
        struct trace_rows rows = read_text(&text, &trace_reader_jsonl);
        cr_assert_eq(rows.count, 1, "%s: %s", time, rows.diag.text);
        cr_assert_eq(rows.trace.arrival_ns[0], (int64_t)nearbyint(strtod(time, NULL) * 1e6), "%s", time);
        trace_rows_deinit(&rows);
    }
}

Test(trace_rows, digits_are_taken_as_they_stand)
{
    uint64_t random = 8;
    for (uint32_t i = 0; i < 200000; i++) {
        char text[64] = {0};
        uint64_t naive = 0, value = 77;
        uint32_t length = random_below(&random, 24), part = 77;
        for (uint32_t k = 0; k < length; k++)
            text[k] = (char)('0' + random_below(&random, 10));
        text[length] = (char)random_next(&random);
        unsigned whole = (unsigned)strspn(text, "0123456789");
        for (unsigned k = 0; k < whole && k < 19; k++)
            naive = naive * 10 + (uint64_t)(text[k] - '0');
        cr_assert_eq(digits_take(text, &value), whole < 24 ? whole : 24, "%s", text);
        cr_assert(whole == 0 || whole > 19 || value == naive, "%s is not %llu", text, (unsigned long long)value);
        cr_assert_eq(digits_take_8(text, &part), whole < 8 ? whole : 8, "%s", text);
        cr_assert(whole == 0 || whole > 8 || part == naive, "%s is not %u", text, part);
    }
}
