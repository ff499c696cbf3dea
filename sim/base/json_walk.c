/* json_walk.c - strings are most of the text of such files, so they are looked at eight bytes at a time. Read value first. */
#include "base/json_walk.h"

#include "base/digits.h"
#include "base/utf8.h"

/* json.h reads 32 levels; whoever walks is in a few already. */
enum { DEEPEST = 16 };

/* The first byte from `at` on that a string cannot simply have: a quote, a backslash, a control character, or not ASCII. Each test leaves the
 * high bit of such bytes; above the lowest one it may be wrong, as borrows go upwards. */
static inline const char *end_of_plain(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    for (;; at += 8) {
        const uint64_t word = digits_load_8(at), quote = word ^ ones * '"', backslash = word ^ ones * '\\';
        const uint64_t found =
            (((word - ones * ' ') & ~word) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | word) & high;
        if (found)
            return at + __builtin_ctzll(found) / 8;
    }
}

static bool take_hex(const char *at, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < 4; i++) {
        const char c = at[i], small = (char)(c | 0x20);
        const int digit = c >= '0' && c <= '9' ? c - '0' : small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        *code = *code * 16 + (unsigned)digit;
    }
    return true;
}

/* After the escape whose backslash is at `at`, and how many bytes of UTF-8 it stands for. Two escapes with halves of a surrogate pair are one
 * character; anything else with halves is left to json.h, as is \u0000. */
static const char *escape(const char *at, size_t *bytes)
{
    unsigned code, low;
    *bytes = 1;
    if (at[1] != 'u')
        return at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) ? at + 2 : NULL;
    if (!take_hex(at + 2, &code) || code == 0)
        return NULL;
    const bool first_half = code >= 0xd800 && code < 0xdc00;
    if (first_half && at[6] == '\\' && at[7] == 'u' && take_hex(at + 8, &low) && low >= 0xdc00 && low < 0xe000) {
        *bytes = 4;
        return at + 12;
    }
    *bytes = code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
    return code >= 0xd800 && code < 0xe000 ? NULL : at + 6;
}

const char *json_walk_string(const char *at, uint64_t *bytes)
{
    if (!at || *at != '"')
        return NULL;
    const char *start = ++at;
    size_t escaped = 0; /* bytes of the text that decoding takes away */
    for (;;) {
        at = end_of_plain(at);
        if (*at == '"')
            break;
        size_t length = *at == '\\' ? 1 : utf8_sequence(at, 4);
        if (length == 0 || (unsigned char)*at < ' ')
            return NULL;
        if (*at == '\\') {
            const char *after = escape(at, &length);
            if (!after)
                return NULL;
            escaped += (size_t)(after - at) - length;
            at = after;
            continue;
        }
        at += length;
        while ((unsigned char)*at >= 0x80 && (length = utf8_sequence(at, 4)) > 0) /* few languages write one such letter alone */
            at += length;
    }
    *bytes = (uint64_t)(at - start) - escaped;
    return at + 1;
}

static inline const char *digits_end(const char *at)
{
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

const char *json_walk_number(const char *at)
{
    enum { LONGEST = 63 }; /* as json.h has it */
    if (!at)
        return NULL;
    const char *start = at, *first = at + (*at == '-');
    at = digits_end(first);
    if (at == first || (*first == '0' && at > first + 1))
        return NULL;
    if (*at == '.') {
        first = at + 1;
        at = digits_end(first);
        if (at == first)
            return NULL;
    }
    if (*at == 'e' || *at == 'E') {
        first = at + 1 + (at[1] == '-' || at[1] == '+');
        at = digits_end(first);
        if (at == first)
            return NULL;
    }
    return at - start <= LONGEST ? at : NULL;
}

/* Equal names have equal hashes. Others hardly ever have; then json.h finds out. */
static inline uint64_t hash_name(const char *name, size_t length)
{
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t hash = length;
    for (; length >= 8; name += 8, length -= 8)
        hash = (hash ^ digits_load_8(name)) * odd;
    if (length > 0)
        hash = (hash ^ digits_load_8(name) << (64 - 8 * length)) * odd;
    return hash;
}

static bool is_new(struct json_members *members)
{
    const uint64_t hash = hash_name(members->name, members->length);
    for (unsigned i = 0; i < members->count; i++)
        if (members->hashes[i] == hash)
            return false;
    if (members->count == JSON_WALK_KEYS)
        return false;
    members->hashes[members->count++] = hash;
    return true;
}

/* "name": value, with the position at the quote or at blanks before it. */
static const char *member(struct json_members *members, const char *at)
{
    at = json_walk_blanks(at, members->end);
    if (*at != '"')
        return NULL;
    const char *stop = end_of_plain(at + 1);
    members->name = at + 1;
    members->length = (size_t)(stop - at) - 1;
    if (*stop != '"' || !is_new(members))
        return NULL;
    at = json_walk_blanks(stop + 1, members->end);
    return *at == ':' ? json_walk_blanks(at + 1, members->end) : NULL;
}

const char *json_walk_first(struct json_members *members, const char *at, const char *end)
{
    members->name = NULL;
    members->end = end;
    members->count = 0;
    if (!at || *at != '{')
        return NULL;
    at = json_walk_blanks(at + 1, end);
    return *at == '}' ? at + 1 : member(members, at);
}

const char *json_walk_next(struct json_members *members, const char *at)
{
    if (!at)
        return NULL;
    at = json_walk_blanks(at, members->end);
    if (*at == ',')
        return member(members, at + 1);
    members->name = NULL;
    return *at == '}' ? at + 1 : NULL;
}

const char *json_walk_first_item(const char *at, const char *end, bool *more)
{
    *more = false;
    if (!at || *at != '[')
        return NULL;
    at = json_walk_blanks(at + 1, end);
    *more = *at != ']';
    return *more ? at : at + 1;
}

const char *json_walk_next_item(const char *at, const char *end, bool *more)
{
    if (!at)
        return NULL;
    at = json_walk_blanks(at, end);
    *more = *at == ',';
    if (*more)
        return json_walk_blanks(at + 1, end);
    return *at == ']' ? at + 1 : NULL;
}

/* Depth is limited as every level takes some of the stack. */
static const char *value(const char *at, const char *end, int depth)
{
    struct json_members members;
    uint64_t bytes;
    bool more;
    if (!at || depth > DEEPEST)
        return NULL;
    switch (*at) {
    case '"':
        return json_walk_string(at, &bytes);
    case '{':
        for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at))
            at = value(at, end, depth + 1);
        return at;
    case '[':
        for (at = json_walk_first_item(at, end, &more); at && more; at = json_walk_next_item(at, end, &more))
            at = value(at, end, depth + 1);
        return at;
    case 't':
        return memcmp(at, "true", 4) == 0 ? at + 4 : NULL;
    case 'f':
        return memcmp(at, "false", 5) == 0 ? at + 5 : NULL;
    case 'n':
        return memcmp(at, "null", 4) == 0 ? at + 4 : NULL;
    default:
        return json_walk_number(at);
    }
}

const char *json_walk_value(const char *at, const char *end)
{
    return value(at, end, 0);
}
