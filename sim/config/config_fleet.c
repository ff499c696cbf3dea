/* config_fleet.c - the keys of a fleet that are JSON: servers that differ, servers that come and go, servers that fail. What they do is the
 * business of sim/fleet. Each key has a function that reads it and one that writes it; copying and comparing are at the end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "config/config_values.h"

enum { REPLICAS_MOST = 10000 };
#define SECONDS_MOST 1e6

/* --- replica_kinds --------------------------------------------------------------------------------------------------------------- */

/* What the settings mean is found out when they are applied (fleet/fleet_plan.c). Here: an object of texts, numbers and switches. */
static enum status read_kind(const struct json_document *document, const cJSON *node, struct replica_kind *out, struct diag *diag)
{
    struct json_text settings;
    uint64_t count = 1;
    enum status status = SIM_OK;
    if (!cJSON_IsObject(node))
        return json_error(document, node, false, diag, "replica_kinds: a kind is an object: {\"count\":2,\"gpu\":\"L40S\"}");
    json_text_init(&settings, false);
    json_open_object(&settings);
    for (const cJSON *member = node->child; member && status == SIM_OK; member = member->next) {
        if (strcmp(member->string, "count") == 0) {
            status = config_member_whole(document, member, 1, REPLICAS_MOST, &count, diag);
        } else if (cJSON_IsObject(member) || cJSON_IsArray(member)) {
            status = json_error(document, member, false, diag, "%s: write nested keys as \"step_time.base_ns\"", member->string);
        } else {
            json_key(&settings, member->string);
            json_copy(document, member, &settings);
        }
    }
    json_close_object(&settings);
    if (status == SIM_OK)
        status = json_text_status(&settings, diag);
    if (status == SIM_OK && settings.length >= sizeof out->settings)
        status =
            json_error(document, node, false, diag, "a kind has more than %zu bytes of settings; give a file of its own for what is long",
                       sizeof out->settings - 1);
    if (status == SIM_OK) {
        out->count = (uint32_t)count;
        snprintf(out->settings, sizeof out->settings, "%.*s", (int)settings.length, settings.text);
    }
    json_text_deinit(&settings);
    return status;
}

static enum status read_kinds(const struct json_document *document, const cJSON *node, struct config *config, struct diag *diag)
{
    struct replica_kind made[REPLICA_KINDS_MOST] = {{0}};
    uint32_t count = 0;
    enum status status = SIM_OK;
    if (!cJSON_IsNull(node) && !(cJSON_IsArray(node) && node->child))
        return json_error(document, node, false, diag, "replica_kinds must be %s", config_replica_kinds.wants);
    for (const cJSON *entry = node->child; entry && status == SIM_OK; entry = entry->next) {
        if (count == REPLICA_KINDS_MOST)
            return json_error(document, entry, false, diag, "replica_kinds takes %d kinds; count equal replicas together",
                              REPLICA_KINDS_MOST);
        status = read_kind(document, entry, &made[count++], diag);
    }
    if (status != SIM_OK)
        return status;
    memcpy(config->fleet.kinds, made, sizeof made);
    config->fleet.kind_count = count;
    return SIM_OK;
}

/* The settings follow the count in one object; they are what read_kind wrote, so that they can be read again. */
static void write_kinds(const struct config *config, struct json_text *json)
{
    struct diag ignored;
    if (config->fleet.kind_count == 0) {
        json_null(json);
        return;
    }
    json_open_array(json);
    for (uint32_t i = 0; i < config->fleet.kind_count; i++) {
        const struct replica_kind *kind = &config->fleet.kinds[i];
        struct json_document document;
        json_open_object(json);
        json_put_uint(json, "count", kind->count);
        if (json_open("replica_kinds", 1, kind->settings, strlen(kind->settings), &document, &ignored) == SIM_OK) {
            for (const cJSON *member = document.root->child; member; member = member->next) {
                json_key(json, member->string);
                json_copy(&document, member, json);
            }
            json_close(&document);
        }
        json_close_object(json);
    }
    json_close_array(json);
}

/* --- autoscale ------------------------------------------------------------------------------------------------------------------- */

static enum status read_schedule(const struct json_document *document, const cJSON *node, struct autoscale_config *out, struct diag *diag)
{
    static const char shape[] = "schedule is a list of [seconds, replicas], in the order of time, as in [[0,2],[3600,8]]";
    if (!cJSON_IsArray(node) || !node->child)
        return json_error(document, node, false, diag, "%s", shape);
    for (const cJSON *entry = node->child; entry; entry = entry->next) {
        const cJSON *at = entry->child, *replicas = at ? at->next : NULL;
        uint64_t number = 0;
        if (out->schedule_count == AUTOSCALE_TIMES_MOST)
            return json_error(document, entry, false, diag, "schedule takes %d times", AUTOSCALE_TIMES_MOST);
        const double before = out->schedule_count > 0 ? out->schedule[out->schedule_count - 1].at_s : -1;
        if (!cJSON_IsArray(entry) || !replicas || replicas->next || !cJSON_IsNumber(at) || !(at->valuedouble > before) ||
            at->valuedouble > SECONDS_MOST || !json_uint64(document, replicas, &number) || number < 1 || number > REPLICAS_MOST)
            return json_error(document, entry, false, diag, "%s", shape);
        out->schedule[out->schedule_count].at_s = at->valuedouble;
        out->schedule[out->schedule_count++].replicas = (uint32_t)number;
    }
    return SIM_OK;
}

static enum status read_autoscale_member(const struct json_document *document, const cJSON *node, struct autoscale_config *out,
                                         struct diag *diag)
{
    static const char *const names[] = {"min",          "max",       "utilization", "unanswered", "interval_s",
                                        "down_after_s", "startup_s", "schedule",    NULL};
    enum { LEAST, MOST, UTILIZATION, UNANSWERED, INTERVAL, DOWN_AFTER, STARTUP, SCHEDULE };
    uint64_t number = 0;
    enum status status = SIM_OK;
    switch (config_member_at(document, node, "autoscale", names, diag)) {
    case LEAST:
        status = config_member_whole(document, node, 1, REPLICAS_MOST, &number, diag);
        out->least = (uint32_t)number;
        return status;
    case MOST:
        status = config_member_whole(document, node, 1, REPLICAS_MOST, &number, diag);
        out->most = (uint32_t)number;
        return status;
    case UTILIZATION:
        return config_member_real(document, node, 0.01, 1, &out->utilization, diag);
    case UNANSWERED:
        return config_member_real(document, node, 0.01, 1e6, &out->unanswered, diag);
    case INTERVAL:
        return config_member_real(document, node, 0.01, SECONDS_MOST, &out->interval_s, diag);
    case DOWN_AFTER:
        return config_member_real(document, node, 0, SECONDS_MOST, &out->down_after_s, diag);
    case STARTUP:
        return config_member_real(document, node, 0, SECONDS_MOST, &out->startup_s, diag);
    case SCHEDULE:
        return read_schedule(document, node, out, diag);
    default:
        return diag->status;
    }
}

/* Kubernetes' defaults: it looks every 15 s, and scales down to the most that was wanted in the last 300 s. */
static enum status read_autoscale(const struct json_document *document, const cJSON *node, struct config *config, struct diag *diag)
{
    struct autoscale_config made = {.least = 1, .interval_s = 15, .down_after_s = 300};
    enum status status = SIM_OK;
    if (cJSON_IsNull(node)) {
        config->fleet.autoscale = (struct autoscale_config){0};
        return SIM_OK;
    }
    if (!cJSON_IsObject(node))
        return json_error(document, node, false, diag, "autoscale must be %s", config_autoscale.wants);
    for (const cJSON *member = node->child; member && status == SIM_OK; member = member->next)
        status = read_autoscale_member(document, member, &made, diag);
    if (status != SIM_OK)
        return status;
    const bool target = made.utilization > 0, requests = made.unanswered > 0, rule = made.most > 0;
    if (rule == (made.schedule_count > 0))
        return json_error(document, node, false, diag, "autoscale needs \"max\" with a target, or a \"schedule\", and not both");
    if (rule ? target == requests : target || requests)
        return json_error(document, node, false, diag,
                          "autoscale needs one target with \"max\": \"utilization\", a share of the pool, or \"unanswered\" requests a "
                          "replica");
    if (rule && made.most < made.least)
        return json_error(document, node, false, diag, "autoscale: \"max\" (%u) is below \"min\" (%u)", made.most, made.least);
    config->fleet.autoscale = made;
    return SIM_OK;
}

static void write_autoscale(const struct config *config, struct json_text *json)
{
    const struct autoscale_config *scale = &config->fleet.autoscale;
    if (scale->most == 0 && scale->schedule_count == 0) {
        json_null(json);
        return;
    }
    json_open_object(json);
    if (scale->most > 0) {
        json_put_uint(json, "min", scale->least);
        json_put_uint(json, "max", scale->most);
        json_put_double(json, scale->utilization > 0 ? "utilization" : "unanswered",
                        scale->utilization > 0 ? scale->utilization : scale->unanswered);
        json_put_double(json, "interval_s", scale->interval_s);
        json_put_double(json, "down_after_s", scale->down_after_s);
    } else {
        json_key(json, "schedule");
        json_open_array(json);
        for (uint32_t i = 0; i < scale->schedule_count; i++) {
            json_open_array(json);
            json_double(json, scale->schedule[i].at_s);
            json_uint(json, scale->schedule[i].replicas);
            json_close_array(json);
        }
        json_close_array(json);
    }
    json_put_double(json, "startup_s", scale->startup_s);
    json_close_object(json);
}

/* --- replica_failures ------------------------------------------------------------------------------------------------------------ */

static enum status read_failure(const struct json_document *document, const cJSON *node, struct replica_failure *out, struct diag *diag)
{
    static const char *const names[] = {"at_s", "replica", "down_s", "requests", NULL};
    enum { AT, REPLICA, DOWN, REQUESTS };
    bool told = false;
    *out = (struct replica_failure){.down_s = INFINITY};
    if (!cJSON_IsObject(node))
        return json_error(document, node, false, diag, "a failure is an object: {\"at_s\":60,\"replica\":0,\"down_s\":30}");
    for (const cJSON *member = node->child; member; member = member->next) {
        uint64_t number = 0;
        enum status status = SIM_OK;
        const int at = config_member_at(document, member, "replica_failures", names, diag);
        if (at < 0)
            return diag->status;
        told |= at == AT;
        if (at == AT)
            status = config_member_real(document, member, 0, SECONDS_MOST, &out->at_s, diag);
        if (at == DOWN)
            status = config_member_real(document, member, 0, SECONDS_MOST, &out->down_s, diag);
        if (at == REPLICA) {
            status = config_member_whole(document, member, 0, REPLICAS_MOST - 1, &number, diag);
            out->replica = (uint32_t)number;
        }
        if (at == REQUESTS) {
            const char *text = cJSON_IsString(member) ? member->valuestring : "";
            out->lost = strcmp(text, "lost") == 0;
            if (!out->lost && strcmp(text, "retry") != 0)
                status = json_error(document, member, false, diag, "requests must be \"retry\", which sends them to others, or \"lost\"");
        }
        if (status != SIM_OK)
            return status;
    }
    return told ? SIM_OK : json_error(document, node, false, diag, "no \"at_s\": when it fails, in seconds");
}

static enum status read_failures(const struct json_document *document, const cJSON *node, struct config *config, struct diag *diag)
{
    struct replica_failure made[REPLICA_FAILURES_MOST] = {{0}};
    uint32_t count = 0;
    enum status status = SIM_OK;
    if (!cJSON_IsNull(node) && !cJSON_IsArray(node))
        return json_error(document, node, false, diag, "replica_failures must be %s", config_failures.wants);
    for (const cJSON *entry = node->child; entry && status == SIM_OK; entry = entry->next) {
        if (count == REPLICA_FAILURES_MOST)
            return json_error(document, entry, false, diag, "replica_failures takes %d failures", REPLICA_FAILURES_MOST);
        status = read_failure(document, entry, &made[count], diag);
        if (status == SIM_OK && count > 0 && made[count].at_s < made[count - 1].at_s)
            status =
                json_error(document, entry, false, diag, "failures stand in the order of time; this one comes before the one before it");
        count++;
    }
    if (status != SIM_OK)
        return status;
    memcpy(config->fleet.failures, made, sizeof made);
    config->fleet.failure_count = count;
    return SIM_OK;
}

static void write_failures(const struct config *config, struct json_text *json)
{
    if (config->fleet.failure_count == 0) {
        json_null(json);
        return;
    }
    json_open_array(json);
    for (uint32_t i = 0; i < config->fleet.failure_count; i++) {
        const struct replica_failure *failure = &config->fleet.failures[i];
        json_open_object(json);
        json_put_double(json, "at_s", failure->at_s);
        json_put_uint(json, "replica", failure->replica);
        if (!isinf(failure->down_s))
            json_put_double(json, "down_s", failure->down_s);
        json_put_string(json, "requests", failure->lost ? "lost" : "retry");
        json_close_object(json);
    }
    json_close_array(json);
}

/* --- copying, comparing ---------------------------------------------------------------------------------------------------------- */

static void copy_kinds(const struct config *from, struct config *to)
{
    memcpy(to->fleet.kinds, from->fleet.kinds, sizeof to->fleet.kinds);
    to->fleet.kind_count = from->fleet.kind_count;
}

static bool equal_kinds(const struct config *a, const struct config *b)
{
    bool equal = a->fleet.kind_count == b->fleet.kind_count;
    for (uint32_t i = 0; equal && i < a->fleet.kind_count; i++)
        equal = a->fleet.kinds[i].count == b->fleet.kinds[i].count && strcmp(a->fleet.kinds[i].settings, b->fleet.kinds[i].settings) == 0;
    return equal;
}

static void copy_autoscale(const struct config *from, struct config *to)
{
    to->fleet.autoscale = from->fleet.autoscale;
}

static bool equal_autoscale(const struct config *a, const struct config *b)
{
    const struct autoscale_config *x = &a->fleet.autoscale, *y = &b->fleet.autoscale;
    bool equal = x->least == y->least && x->most == y->most && x->utilization == y->utilization && x->unanswered == y->unanswered &&
                 x->interval_s == y->interval_s && x->down_after_s == y->down_after_s && x->startup_s == y->startup_s &&
                 x->schedule_count == y->schedule_count;
    for (uint32_t i = 0; equal && i < x->schedule_count; i++)
        equal = x->schedule[i].at_s == y->schedule[i].at_s && x->schedule[i].replicas == y->schedule[i].replicas;
    return equal;
}

static void copy_failures(const struct config *from, struct config *to)
{
    memcpy(to->fleet.failures, from->fleet.failures, sizeof to->fleet.failures);
    to->fleet.failure_count = from->fleet.failure_count;
}

static bool equal_failures(const struct config *a, const struct config *b)
{
    bool equal = a->fleet.failure_count == b->fleet.failure_count;
    for (uint32_t i = 0; equal && i < a->fleet.failure_count; i++) {
        const struct replica_failure *x = &a->fleet.failures[i], *y = &b->fleet.failures[i];
        equal = x->at_s == y->at_s && x->replica == y->replica && x->down_s == y->down_s && x->lost == y->lost;
    }
    return equal;
}

const struct config_value config_replica_kinds = {
    .wants = "null (all replicas are alike) or a list like [{\"count\":2,\"gpu\":\"H100-SXM\"},{\"count\":4,\"gpu\":\"L40S\"}]",
    .read = read_kinds,
    .write = write_kinds,
    .copy = copy_kinds,
    .equal = equal_kinds};
const struct config_value config_autoscale = {
    .wants = "null or an object like {\"min\":1,\"max\":8,\"utilization\":0.7,\"startup_s\":60} or {\"schedule\":[[0,2],[3600,8]]}",
    .read = read_autoscale,
    .write = write_autoscale,
    .copy = copy_autoscale,
    .equal = equal_autoscale};
const struct config_value config_failures = {.wants =
                                                 "null or a list like [{\"at_s\":60,\"replica\":0,\"down_s\":30,\"requests\":\"retry\"}]",
                                             .read = read_failures,
                                             .write = write_failures,
                                             .copy = copy_failures,
                                             .equal = equal_failures};
