/* json_scan.c - brackets and strings are all that is looked at. Read json_value_end first. */
#include "base/json_scan.h"

#include <string.h>

const char *json_skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* After the closing quote of a string whose opening one is at `at`. A quote is escaped if an odd number of backslashes is before it; most
 * text has none, so memchr does the work. */
static const char *string_end(const char *at, const char *end)
{
    for (const char *from = at + 1; from < end;) {
        const char *quote = memchr(from, '"', (size_t)(end - from)), *before = quote;
        if (!quote)
            return NULL;
        while (before > from && before[-1] == '\\')
            before--;
        if ((quote - before) % 2 == 0)
            return quote + 1;
        from = quote + 1;
    }
    return NULL;
}

/* What the value is made of does not matter, only where its brackets close. */
const char *json_value_end(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        const char c = *at;
        if (c == '"') {
            at = string_end(at, end);
            if (!at)
                return NULL;
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return at; /* a bare word ends where its container does */
            depth--;
            at++;
        } else if (depth == 0) {
            while (at < end && !strchr(" \t\r\n,:]}[{\"", *at))
                at++;
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0)
            return at;
    }
    return NULL;
}

bool json_next_member(const char **at, const char *end, struct json_member *out)
{
    const char *here = *at;
    if (here >= end || (*here != '{' && *here != ','))
        return false;
    here = json_skip_blanks(here + 1, end);
    if (here >= end || *here != '"')
        return false;
    const char *stop = string_end(here, end);
    if (!stop)
        return false;
    out->name = here + 1;
    out->name_length = (size_t)(stop - here) - 2;
    here = json_skip_blanks(stop, end);
    if (here >= end || *here != ':')
        return false;
    out->value = json_skip_blanks(here + 1, end);
    stop = json_value_end(out->value, end);
    if (!stop || stop == out->value)
        return false;
    *at = json_skip_blanks(stop, end);
    return true;
}

bool json_object_has(const char *at, const char *end, const char *name)
{
    enum { LOOKED_AT = 100 };
    struct json_member member;
    const size_t length = strlen(name);
    for (int i = 0; i < LOOKED_AT && json_next_member(&at, end, &member); i++)
        if (member.name_length == length && memcmp(member.name, name, length) == 0)
            return true;
    return false;
}
