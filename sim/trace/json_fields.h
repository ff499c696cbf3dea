/* json_fields.h - what a request in JSON can say, and the strict reading of each field, for all formats of JSON objects.
 *
 * Formats differ in the names of their fields, not in what the fields mean. The document comes from base/json.h, so errors name line and
 * column. Names in messages are those that the caller gives.
 */
#ifndef PAGESIM_JSON_FIELDS_H
#define PAGESIM_JSON_FIELDS_H

#include "base/json.h"
#include "trace/trace_rows.h"

enum json_field {
    JSON_FIELD_TIMESTAMP,
    JSON_FIELD_INPUT,
    JSON_FIELD_OUTPUT,
    JSON_FIELD_HASH_IDS,
    JSON_FIELD_PRIORITY,
    JSON_FIELD_SAMPLES,
    JSON_FIELD_BEAM,
    JSON_FIELD_SESSION,
    JSON_FIELD_DELAY,
    JSON_FIELD_FINISH,
    JSON_FIELD_TENANT,
    JSON_FIELD_BLOCK,
    JSON_FIELD_CHAT, /* this one and the next are read by chat_sessions.h */
    JSON_FIELD_PARENT,
    JSON_FIELDS
};

/* Counts of tokens, samples and beams share a rule; `most` is 0 for other fields. */
struct json_field_rule {
    const char *name, *alias; /* in our own format; alias: what others call it, or NULL */
    uint32_t most;            /* a count is from 1 to this */
    size_t offset;            /* in struct trace_row */
};
extern const struct json_field_rule json_field_rules[JSON_FIELDS];

/* Where a count goes. */
static inline uint32_t *json_field_count(struct trace_row *row, enum json_field field)
{
    return (uint32_t *)(void *)((char *)row + json_field_rules[field].offset);
}

static inline const cJSON *json_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* One field's value, up to JSON_FIELD_BLOCK, goes where it belongs in the row, or to the ids. SIM_BAD_INPUT: it is none for the field. */
SIM_NODISCARD enum status json_field_read(const struct json_document *document, const cJSON *node, enum json_field field, const char *name,
                                          struct trace_rows *rows, struct trace_row *row);

enum { JSON_NAME_DIGITS = 24 };
/* A string, or an integer from 0 on, which becomes text in `digits`; NULL for others. It borrows the document or `digits`. */
const char *json_name_of(const struct json_document *document, const cJSON *node, char digits[JSON_NAME_DIGITS]);

/* A time or a delay in the unit of the format. Whole nanoseconds are exact in all 64 bits; other units go through doubles. */
SIM_NODISCARD enum status json_time_read(const struct json_document *document, const cJSON *node, const char *name, struct trace_rows *rows,
                                         int64_t *ns);

/* The object's member of this name, which must be there: tokens from 1 on. */
SIM_NODISCARD enum status json_tokens_read(const struct json_document *document, const cJSON *object, const char *name, uint32_t *out,
                                           struct diag *diag);

#endif
