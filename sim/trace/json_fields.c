/* json_fields.c - one function a kind of value; json_field_read at the end chooses. */
#include "trace/json_fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "trace/time_unit.h"

const struct json_field_rule json_field_rules[JSON_FIELDS] = {
    [JSON_FIELD_TIMESTAMP] = {"timestamp", "created_time", 0, 0},
    [JSON_FIELD_INPUT] = {"input_length", "input_tokens", TRACE_MAX_TOKENS, offsetof(struct trace_row, input_tokens)},
    [JSON_FIELD_OUTPUT] = {"output_length", "output_tokens", TRACE_MAX_TOKENS, offsetof(struct trace_row, output_tokens)},
    [JSON_FIELD_HASH_IDS] = {"hash_ids", NULL, 0, 0},
    [JSON_FIELD_PRIORITY] = {"priority", NULL, 0, 0},
    [JSON_FIELD_SAMPLES] = {"n", NULL, TRACE_MAX_SAMPLES, offsetof(struct trace_row, samples)},
    [JSON_FIELD_BEAM] = {"beam_width", NULL, TRACE_MAX_SAMPLES, offsetof(struct trace_row, beam_width)},
    [JSON_FIELD_SESSION] = {"session_id", NULL, 0, 0},
    [JSON_FIELD_DELAY] = {"delay", NULL, 0, 0},
    [JSON_FIELD_FINISH] = {"finish_reason", NULL, 0, 0},
    [JSON_FIELD_TENANT] = {"tenant", "tenant_id", 0, 0},
    [JSON_FIELD_BLOCK] = {"trace_block_size", NULL, TRACE_MAX_TOKENS, offsetof(struct trace_row, tokens_per_hash_id)},
    [JSON_FIELD_CHAT] = {"chat_id", NULL, 0, 0},
    [JSON_FIELD_PARENT] = {"parent_chat_id", NULL, 0, 0},
};

/* From the text, so that 64 bits are exact, and with the range in the message. */
static enum status read_integer(const struct json_document *document, const cJSON *node, const char *name, uint64_t least, uint64_t most,
                                uint64_t *out, struct diag *diag)
{
    uint64_t value;
    if (json_uint64(document, node, &value) && value >= least && value <= most) {
        *out = value;
        return SIM_OK;
    }
    return json_error(document, node, false, diag, "%s must be an integer from %llu to %llu", name, (unsigned long long)least,
                      (unsigned long long)most);
}

enum status json_tokens_read(const struct json_document *document, const cJSON *object, const char *name, uint32_t *out, struct diag *diag)
{
    const cJSON *node = json_member(object, name);
    uint64_t value = 0;
    if (!node)
        return json_error(document, object, false, diag, "there is no \"%s\"", name);
    enum status status = read_integer(document, node, name, 1, TRACE_MAX_TOKENS, &value, diag);
    *out = (uint32_t)value;
    return status;
}

/* The only field that may be negative. */
static enum status read_priority(const struct json_document *document, const cJSON *node, const char *name, struct trace_row *row,
                                 struct diag *diag)
{
    double value = cJSON_IsNumber(node) ? node->valuedouble : NAN;
    if (!(value >= INT32_MIN && value <= INT32_MAX && value == floor(value)))
        return json_error(document, node, false, diag, "%s must be an integer from %d to %d; lower is sooner", name, INT32_MIN, INT32_MAX);
    row->priority = (int32_t)value;
    return SIM_OK;
}

/* The message names the unit that the format's times have. */
enum status json_time_read(const struct json_document *document, const cJSON *node, const char *name, struct trace_rows *rows, int64_t *ns)
{
    const double unit_ns = rows->source->facts.time_unit_ns;
    uint64_t whole;
    if (unit_ns == 1 && json_uint64(document, node, &whole) && (double)whole <= TRACE_MAX_NS) {
        *ns = (int64_t)whole;
        return SIM_OK;
    }
    if (cJSON_IsNumber(node) && trace_time_to_ns(node->valuedouble, unit_ns, ns))
        return SIM_OK;
    const struct time_unit *unit = time_unit_of(unit_ns);
    return json_error(document, node, false, &rows->diag, "%s must be a number of %s from 0 to %s", name, unit->plural, unit->most);
}

static enum status read_hash_ids(const struct json_document *document, const cJSON *node, const char *name, struct trace_rows *rows)
{
    if (!cJSON_IsArray(node))
        return json_error(document, node, false, &rows->diag, "%s must be an array of integers", name);
    for (const cJSON *item = node->child; item; item = item->next) {
        uint64_t id = 0;
        enum status status = read_integer(document, item, "a hash id", 0, INT64_MAX, &id, &rows->diag);
        if (status == SIM_OK)
            status = trace_rows_put_hash(rows, id);
        if (status != SIM_OK)
            return status;
    }
    return SIM_OK;
}

const char *json_name_of(const struct json_document *document, const cJSON *node, char digits[JSON_NAME_DIGITS])
{
    uint64_t number;
    if (!json_uint64(document, node, &number))
        return cJSON_GetStringValue(node);
    snprintf(digits, JSON_NAME_DIGITS, "%llu", (unsigned long long)number);
    return digits;
}

/* A session or a tenant. */
static enum status read_name(const struct json_document *document, const cJSON *node, bool tenant, const char *name,
                             struct trace_rows *rows, struct trace_row *row)
{
    char digits[JSON_NAME_DIGITS];
    const char *text = json_name_of(document, node, digits);
    if (!text)
        return json_error(document, node, false, &rows->diag, "%s must be a string or an integer from 0 on", name);
    return tenant ? trace_rows_tenant(rows, text, strlen(text), &row->tenant) : trace_rows_session(rows, text, strlen(text), &row->session);
}

static enum status read_finish_reason(const struct json_document *document, const cJSON *node, const char *name, struct trace_row *row,
                                      struct diag *diag)
{
    const char *reason = cJSON_GetStringValue(node);
    row->finish_reason = reason ? trace_finish_named(reason, strlen(reason)) : TRACE_FINISH_NOT_SAID;
    return row->finish_reason != TRACE_FINISH_NOT_SAID ? SIM_OK : json_error(document, node, false, diag, "%s " TRACE_FINISH_MUST, name);
}

/* Counts share a rule and differ in where they go. */
enum status json_field_read(const struct json_document *document, const cJSON *node, enum json_field field, const char *name,
                            struct trace_rows *rows, struct trace_row *row)
{
    uint64_t value = 0;
    enum status status;
    switch (field) {
    case JSON_FIELD_TIMESTAMP:
        return json_time_read(document, node, name, rows, &row->arrival_ns);
    case JSON_FIELD_DELAY:
        return json_time_read(document, node, name, rows, &row->delay_ns);
    case JSON_FIELD_SESSION:
    case JSON_FIELD_TENANT:
        return read_name(document, node, field == JSON_FIELD_TENANT, name, rows, row);
    case JSON_FIELD_FINISH:
        return read_finish_reason(document, node, name, row, &rows->diag);
    case JSON_FIELD_HASH_IDS:
        return read_hash_ids(document, node, name, rows);
    case JSON_FIELD_PRIORITY:
        return read_priority(document, node, name, row, &rows->diag);
    default:
        status = read_integer(document, node, name, 1, json_field_rules[field].most, &value, &rows->diag);
        *json_field_count(row, field) = (uint32_t)value;
        return status;
    }
}
