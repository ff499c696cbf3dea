/* json_walk.h - a quick way through JSON text, for files of hundreds of megabytes: no tree, no copies, no messages.
 *
 * A position moves through the text. NULL says that the text is not understood, which is no judgement: the caller reads it again with json.h,
 * which accepts what is legal and tells what is not. Whatever is passed over here json.h would accept as well, unless a number of it is out of
 * range: no key comes twice, strings are UTF-8, numbers are JSON's.
 *
 *     struct json_members members;
 *     for (at = json_walk_first(&members, at, end); at && members.name; at = json_walk_next(&members, at))
 *         at = JSON_WALK_IS(members, "n") ? take_number(at, &n) : json_walk_value(at, end);
 *     at is after the object's }, or NULL
 *
 * Nothing asks for the end of the text before each byte: text_file.h's slack comes after it, and zeros are understood by nothing. Line ends
 * are blanks in front of `end` only: the end of a file that is one value, the start of the line where a value has a line. Every
 * function takes NULL for a position and returns it. Thread rule: no state but the caller's.
 */
#ifndef PAGESIM_JSON_WALK_H
#define PAGESIM_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Objects with more keys are not understood: each key is compared with all before it. */
enum { JSON_WALK_KEYS = 64 };

/* An object that is gone through. */
struct json_members {
    const char *name; /* of the member at hand, as it stands in the text: names with escapes are not understood. NULL after the last */
    size_t length;
    const char *end;
    unsigned count;
    uint64_t hashes[JSON_WALK_KEYS]; /* of the names so far */
};

/* `at` is on the {: the position of the first member's value. */
const char *json_walk_first(struct json_members *members, const char *at, const char *end);
/* `at` is after a member's value: the position of the next one's. */
const char *json_walk_next(struct json_members *members, const char *at);
/* Is the member called so? For literals. */
#define JSON_WALK_IS(members, literal)                                                                                                     \
    ((members).length == sizeof(literal) - 1 && memcmp((members).name, (literal), sizeof(literal) - 1) == 0)

/* The same for arrays: `*more` says whether the position is that of an item, or after the ]. */
const char *json_walk_first_item(const char *at, const char *end, bool *more);
const char *json_walk_next_item(const char *at, const char *end, bool *more);

/* After a string whose opening quote is at `at`; `*bytes` are those of its text, escapes decoded. */
const char *json_walk_string(const char *at, uint64_t *bytes);
/* After a number. */
const char *json_walk_number(const char *at);
/* After any value. */
const char *json_walk_value(const char *at, const char *end);

static inline const char *json_walk_blanks(const char *at, const char *end)
{
    while (*at == ' ' || *at == '\t' || *at == '\r' || (*at == '\n' && at < end))
        at++;
    return at;
}

#endif
