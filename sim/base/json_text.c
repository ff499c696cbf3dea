/* json_text.c - the writing half of json.h: text that grows, with commas and indentation placed by themselves. Read before_item first,
 * which every value and key passes through. Callers need not check each call: an allocation that fails is remembered.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/json.h"
#include "base/printable.h"

void json_text_init(struct json_text *json, bool pretty)
{
    *json = (struct json_text){.pretty = pretty};
}

void json_text_deinit(struct json_text *json)
{
    free(json->text);
    json->text = NULL;
}

enum status json_text_status(const struct json_text *json, struct diag *diag)
{
    return json->failed ? diag_no_memory(diag, json->capacity, "a JSON report") : SIM_OK;
}

/* Nothing is written after a failure, so the text never lacks a piece in its middle. */
static void append(struct json_text *json, const char *text, size_t length)
{
    struct diag ignored = {0};
    if (json->failed || array_reserve(&json->text, &json->capacity, json->length + length + 1, 1, "", &ignored) != SIM_OK) {
        json->failed = true;
        return;
    }
    memcpy(json->text + json->length, text, length);
    json->length += length;
    json->text[json->length] = '\0';
}

void json_append(struct json_text *json, const char *text, size_t length)
{
    append(json, text, length);
}

/* Pretty text only. */
static void new_line(struct json_text *json)
{
    if (!json->pretty)
        return;
    append(json, "\n", 1);
    for (int i = 0; i < json->depth; i++)
        append(json, "  ", 2);
}

/* What must stand before a value or a key at this place: nothing after a key, else a comma unless the container is still empty. That one
 * rule is why callers never write punctuation, and why text can be put together from functions that do not know of each other. */
static void before_item(struct json_text *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->filled[json->depth])
        append(json, ",", 1);
    json->filled[json->depth] = true;
    if (json->depth > 0)
        new_line(json);
}

/* Deeper than the reader accepts: the level is shared rather than written past the array. No report comes near it. */
static void open_container(struct json_text *json, char bracket)
{
    before_item(json);
    append(json, &bracket, 1);
    if (json->depth < JSON_MAX_DEPTH)
        json->depth++;
    json->filled[json->depth] = false;
    json->closing[json->depth] = bracket == '{' ? '}' : ']';
}

/* An empty container stays on one line, {} or [], in pretty text, too. */
void json_close_last(struct json_text *json)
{
    const char bracket = json->closing[json->depth];
    bool filled = json->filled[json->depth];
    json->depth--;
    if (filled)
        new_line(json);
    append(json, &bracket, 1);
}

void json_open_object(struct json_text *json)
{
    open_container(json, '{');
}
void json_close_object(struct json_text *json)
{
    json_close_last(json);
}
void json_open_array(struct json_text *json)
{
    open_container(json, '[');
}
void json_close_array(struct json_text *json)
{
    json_close_last(json);
}

/* Text of others may be anything, and JSON must be UTF-8: a byte that is not becomes U+FFFD. What a terminal would obey is escaped beyond
 * what JSON asks for (printable.h); a reader gets the same text. */
static void append_escape(struct json_text *json, long code)
{
    char escape[32];
    if (code == '"' || code == '\\')
        snprintf(escape, sizeof escape, "\\%c", (int)code);
    else if (code <= 0xffff)
        snprintf(escape, sizeof escape, "\\u%04lx", code < 0 ? 0xfffdUL : (unsigned long)code);
    else
        snprintf(escape, sizeof escape, "\\u%04lx\\u%04lx", 0xd800UL + ((unsigned long)(code - 0x10000) >> 10),
                 0xdc00UL + ((unsigned long)(code - 0x10000) & 0x3ff));
    append(json, escape, strlen(escape));
}

/* What needs no escape is copied in one piece. */
static void append_quoted(struct json_text *json, const char *value)
{
    const char *plain = value;
    append(json, "\"", 1);
    while (*value) {
        long code;
        const size_t length = printable_next(value, &code);
        if (code == '"' || code == '\\' || !printable_code(code)) {
            append(json, plain, (size_t)(value - plain));
            append_escape(json, code);
            plain = value + length;
        }
        value += length;
    }
    append(json, plain, (size_t)(value - plain));
    append(json, "\"", 1);
}

/* The value that follows must not put a comma before itself. */
void json_key(struct json_text *json, const char *key)
{
    before_item(json);
    append_quoted(json, key);
    append(json, json->pretty ? ": " : ":", json->pretty ? 2 : 1);
    json->after_key = true;
}

void json_string(struct json_text *json, const char *value)
{
    before_item(json);
    append_quoted(json, value);
}

void json_end_line(struct json_text *json)
{
    append(json, "\n", 1);
}

/* For what is JSON already: numbers that somebody formatted, a row put together elsewhere. Not checked. */
void json_raw(struct json_text *json, const char *value, size_t length)
{
    before_item(json);
    append(json, value, length);
}

void json_int(struct json_text *json, int64_t value)
{
    char digits[32];
    json_raw(json, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value));
}

void json_uint(struct json_text *json, uint64_t value)
{
    char digits[32];
    json_raw(json, digits, (size_t)snprintf(digits, sizeof digits, "%" PRIu64, value));
}

/* By trying: 17 digits always suffice, most figures need far fewer, and reports hold some hundred numbers. More digits are never farther
 * away, so the least number that reads back the same can be bisected. */
void shortest_double(double value, char *out, size_t size)
{
    int low = 1, high = 17; /* 17 always do */
    while (low < high) {
        const int digits = (low + high) / 2;
        snprintf(out, size, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            high = digits;
        else
            low = digits + 1;
    }
    snprintf(out, size, "%.*g", high, value);
}

/* value == 0 covers -0, which would print a sign that says nothing. */
void plain_double(double value, char *out, size_t size)
{
    if (value == floor(value) && fabs(value) < 1e15)
        snprintf(out, size, "%.0f", value == 0 ? 0.0 : value);
    else
        shortest_double(value, out, size);
}

/* JSON has neither NaN nor infinity; null says that there is no number. */
void json_double(struct json_text *json, double value)
{
    char digits[32];
    if (!isfinite(value)) {
        json_null(json);
        return;
    }
    plain_double(value, digits, sizeof digits);
    json_raw(json, digits, strlen(digits));
}

/* Beyond the range of doubles is what readers make an infinity of. 15 digits are enough for what was a short decimal, 17 for all else; the
 * shortest of them would take as long as all the rest of a large page. */
void json_exact(struct json_text *json, double value)
{
    char digits[32];
    if (isnan(value)) {
        json_null(json);
        return;
    }
    snprintf(digits, sizeof digits, "%.15g", value);
    if (isinf(value))
        snprintf(digits, sizeof digits, value < 0 ? "-1e999" : "1e999");
    else if (strtod(digits, NULL) != value)
        snprintf(digits, sizeof digits, "%.17g", value);
    json_raw(json, digits, strlen(digits));
}

void json_bool(struct json_text *json, bool value)
{
    json_raw(json, value ? "true" : "false", value ? 4 : 5);
}
void json_null(struct json_text *json)
{
    json_raw(json, "null", 4);
}

/* A key and its value: what nearly all calls are. */
void json_put_string(struct json_text *json, const char *key, const char *value)
{
    json_key(json, key);
    json_string(json, value);
}

void json_put_int(struct json_text *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_int(json, value);
}

void json_put_uint(struct json_text *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_uint(json, value);
}

void json_put_double(struct json_text *json, const char *key, double value)
{
    json_key(json, key);
    json_double(json, value);
}
