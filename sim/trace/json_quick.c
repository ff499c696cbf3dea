/* json_quick.c - times and lists of ids. Read json_quick.h first. */
#include "trace/json_quick.h"

#include <stdlib.h>
#include <string.h>

/* More digits than a double holds, or an exponent: what Python writes of a clock's seconds. strtod is what the strict reader's numbers come
 * from; where a program has set another locale it stops early, and the number is not understood. Whole nanoseconds are not given to it, as
 * all their digits count. */
static const char *take_long_time(const char *at, double unit_ns, int64_t *ns)
{
    char *stop;
    const char *end = *at == '-' || unit_ns == 1 ? NULL : json_walk_number(at);
    if (!end)
        return NULL;
    const double time = strtod(at, &stop);
    return stop == end && trace_time_to_ns(time, unit_ns, ns) ? end : NULL;
}

/* A decimal number whose digits, taken as an integer, are at most 2^53, with at most 18 of them: integer and power of ten are both exact
 * doubles, so their quotient is the double nearest to the number, which is what strtod gives. */
const char *json_quick_time(const char *at, double unit_ns, int64_t *ns)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    static const uint64_t shifts[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t value, decimals = 0;
    const char *start = at, *stop = json_quick_integer(at, &value);
    unsigned count = 0;
    if (!stop)
        return NULL;
    if (*stop == '.') {
        count = digits_take(stop + 1, &decimals);
        if (count == 0 || count > 17 || count + (unsigned)(stop - start) > 18)
            return take_long_time(start, unit_ns, ns);
        stop += 1 + count;
        for (unsigned rest = count; rest > 0; rest -= rest < 8 ? rest : 8)
            value *= shifts[rest < 8 ? rest : 8];
        value += decimals;
    }
    if (value > UINT64_C(1) << 53 || *stop == 'e' || *stop == 'E')
        return take_long_time(start, unit_ns, ns);
    return trace_time_to_ns(count > 0 ? (double)value / powers[count] : (double)value, unit_ns, ns) ? stop : NULL;
}

/* Ids of at most seven digits, each with a comma and perhaps a blank after it: nearly all ids of real traces. Stops in front of the first
 * that looks different, which may well be the last of a list. */
static const char *take_short_ids(const char *at, struct trace_rows *rows)
{
    uint32_t *out = rows->trace.hash_ids + rows->hash_count, *const end = rows->trace.hash_ids + rows->hash_capacity, id;
    while (out < end) {
        unsigned digits = digits_take_8(at, &id);
        if (digits - 1 > 6 || at[digits] != ',' || (*at == '0' && digits > 1))
            break;
        *out++ = id;
        at += digits + 1;
        at += *at == ' ';
    }
    rows->hash_count = (size_t)(out - rows->trace.hash_ids);
    return at;
}

/* Long lists are most of a Mooncake trace, so short ids are taken in a loop of their own. */
const char *json_quick_ids(const char *at, const char *end, struct trace_rows *rows)
{
    uint64_t id;
    if (*at != '[')
        return NULL;
    at = json_walk_blanks(at + 1, end);
    if (*at == ']')
        return at + 1;
    do {
        if (rows->hash_count < rows->hash_capacity && !rows->hash_high)
            at = take_short_ids(at, rows);
        at = json_quick_integer(json_walk_blanks(at, end), &id);
        if (!at || trace_rows_put_hash(rows, id) != SIM_OK)
            return NULL;
        at = json_walk_blanks(at, end);
    } while (*at++ == ',');
    return at[-1] == ']' ? at : NULL;
}

/* -0 is 0, as in JSON. */
static const char *take_priority(const char *at, int32_t *out)
{
    uint64_t value;
    bool negative = *at == '-';
    at = json_quick_integer(at + negative, &value);
    if (!at || value > INT32_MAX)
        return NULL;
    *out = negative ? -(int32_t)value : (int32_t)value;
    return at;
}

static const char *take_session(const char *at, struct trace_rows *rows, struct trace_row *row)
{
    struct trace_name name;
    at = json_quick_name(at, &name);
    return at && trace_rows_session(rows, name.text, name.length, &row->session) == SIM_OK ? at : NULL;
}

static const char *take_tenant(const char *at, struct trace_rows *rows, struct trace_row *row)
{
    struct trace_name name;
    at = json_quick_name(at, &name);
    return at && trace_rows_tenant(rows, name.text, name.length, &row->tenant) == SIM_OK ? at : NULL;
}

static const char *take_finish_reason(const char *at, struct trace_row *row)
{
    const bool stops = memcmp(at, "\"stop\"", 6) == 0;
    if (!stops && memcmp(at, "\"length\"", 8) != 0)
        return NULL;
    row->finish_reason = TRACE_FINISH_SAID(stops ? FINISH_STOP : FINISH_LENGTH);
    return at + (stops ? 6 : 8);
}

const char *json_quick_field(const char *at, const char *end, struct trace_rows *rows, struct trace_row *row, enum json_field field)
{
    switch (field) {
    case JSON_FIELD_TIMESTAMP:
        return json_quick_time(at, rows->source->facts.time_unit_ns, &row->arrival_ns);
    case JSON_FIELD_HASH_IDS:
        return json_quick_ids(at, end, rows);
    case JSON_FIELD_PRIORITY:
        return take_priority(at, &row->priority);
    case JSON_FIELD_SESSION:
        return take_session(at, rows, row);
    case JSON_FIELD_TENANT:
        return take_tenant(at, rows, row);
    case JSON_FIELD_DELAY:
        return json_quick_time(at, rows->source->facts.time_unit_ns, &row->delay_ns);
    case JSON_FIELD_FINISH:
        return take_finish_reason(at, row);
    default:
        return json_quick_count(at, json_field_rules[field].most, json_field_count(row, field));
    }
}
