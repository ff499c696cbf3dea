/* json_member.h - members of JSON objects that must be of some kind. Each function gives what stands there, or `otherwise` and an error in the
 * diag that names file, line and column. The first error counts (diag.h), so a reader takes all members and looks at the diag once.
 */
#ifndef PAGESIM_JSON_MEMBER_H
#define PAGESIM_JSON_MEMBER_H

#include "base/json.h"

struct json_reader {
    const struct json_document *json;
    struct diag *diag;
};

/* NULL where there is none, and for null; no error. `object` may be NULL or anything. */
const cJSON *json_member(const cJSON *object, const char *name);

/* NULL without it. The text is the document's. */
const char *json_member_text(const struct json_reader *reader, const cJSON *object, const char *name);
/* The same where it must be there. */
const char *json_member_text_needed(const struct json_reader *reader, const cJSON *object, const char *name);
/* A number in [least, most]. */
double json_member_number(const struct json_reader *reader, const cJSON *object, const char *name, double least, double most,
                          double otherwise);
bool json_member_flag(const struct json_reader *reader, const cJSON *object, const char *name);
/* An array that must be there; NULL after an error, for which cJSON_ArrayForEach does nothing. */
const cJSON *json_member_array(const struct json_reader *reader, const cJSON *object, const char *name);

/* "must be WHAT", at the node. */
void json_member_wrong(const struct json_reader *reader, const cJSON *node, const char *what);

#endif
