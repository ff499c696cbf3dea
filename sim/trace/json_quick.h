/* json_quick.h - numbers of traces in JSON, taken quickly: the values that the quick readers want (base/json_walk.h passes over the others).
 *
 * A position moves through the text; NULL says that it is not understood, and a strict reader (json_fields.h) reads the value again. Where they
 * are understood both give the same. Zeros come after the text (text_file.h), which no rule accepts, and numbers are looked at a few bytes
 * ahead. Whether a number ends where it seems to, the next character tells the caller.
 */
#ifndef PAGESIM_JSON_QUICK_H
#define PAGESIM_JSON_QUICK_H

#include "base/digits.h"
#include "base/json_walk.h"
#include "trace/json_fields.h"

/* Up to 18 digits without a leading zero. */
static inline const char *json_quick_integer(const char *at, uint64_t *out)
{
    unsigned digits = digits_take(at, out);
    return digits == 0 || digits > 18 || (*at == '0' && digits > 1) ? NULL : at + digits;
}

/* A count of tokens, samples or beams: at least 1. */
static inline const char *json_quick_count(const char *at, uint64_t most, uint32_t *out)
{
    uint64_t value;
    at = json_quick_integer(at, &value);
    if (!at || value < 1 || value > most)
        return NULL;
    *out = (uint32_t)value;
    return at;
}

/* The inside of a string of printable ASCII without escapes, up to the closing quote; `at` is after the opening one. */
static inline const char *json_quick_plain(const char *at)
{
    while (*at >= ' ' && *at < 127 && *at != '"' && *at != '\\')
        at++;
    return *at == '"' ? at : NULL;
}

/* A string, or a number, whose digits are the name then. The name borrows the text. */
static inline const char *json_quick_name(const char *at, struct trace_name *out)
{
    uint64_t ignored;
    const bool quoted = *at == '"';
    const char *name = at + quoted, *stop = quoted ? json_quick_plain(name) : json_quick_integer(name, &ignored);
    if (!stop)
        return NULL;
    *out = (struct trace_name){name, (size_t)(stop - name)};
    return stop + quoted;
}

/* A time or a delay, in units of `unit_ns`, 0 or more. The same nanoseconds as json_time_read's. */
const char *json_quick_time(const char *at, double unit_ns, int64_t *ns);

/* A list of hash ids; each is put among the rows' ids. Line ends are blanks in front of `end` (base/json_walk.h). */
const char *json_quick_ids(const char *at, const char *end, struct trace_rows *rows);

/* One field's value, up to JSON_FIELD_BLOCK, as json_field_read reads it. */
const char *json_quick_field(const char *at, const char *end, struct trace_rows *rows, struct trace_row *row, enum json_field field);

#endif
