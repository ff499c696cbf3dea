/* json_scan.h - where JSON values begin and end, without judging what is in them: to recognise a format, to take a large text apart value by
 * value, and to pass over members that nobody needs. What is used is read with json.h afterwards, which judges it.
 */
#ifndef PAGESIM_JSON_SCAN_H
#define PAGESIM_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* The first byte from `at` on that is not blank, or `end`. */
const char *json_skip_blanks(const char *at, const char *end);

/* After the value at `at`; NULL when it does not end before `end`. */
const char *json_value_end(const char *at, const char *end);

/* A member of an object; the name is as it stands in the text, without quotes. */
struct json_member {
    const char *name, *value;
    size_t name_length;
};

/* The member after `*at`, which is first the object's { and moves on. false: there is none, or the text is no JSON. */
bool json_next_member(const char **at, const char *end, struct json_member *out);

/* Does the object that starts at `at` have a member of this name? Looks at no more than the first hundred. */
bool json_object_has(const char *at, const char *end, const char *name);

#endif
