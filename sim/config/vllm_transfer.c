/* vllm_transfer.c - reads the object and says what of it is not modelled. Read vllm_transfer.h first. */
#include "config/vllm_transfer.h"

#include <stdio.h>
#include <string.h>

#include "base/json_member.h"

#define NOT_MODELLED " is not modelled here: "

struct reading {
    struct json_reader json;
    struct vllm_transfer *out;
    char *why;
    size_t why_size;
};

static bool refuse(const struct reading *reading, const char *what, const char *more)
{
    snprintf(reading->why, reading->why_size, "%s%s", what, more);
    return false;
}

/* Roles of two servers, of which this is one. */
static bool take_role(const struct reading *reading, const cJSON *root)
{
    const char *role = json_member_text(&reading->json, root, "kv_role");
    if (!role || (strcmp(role, "kv_producer") != 0 && strcmp(role, "kv_consumer") != 0))
        return refuse(reading, ": it leaves open which half of the two servers this is; give kv_role as kv_producer or kv_consumer", "");
    reading->out->key = "kv_role";
    snprintf(reading->out->value, sizeof reading->out->value, "%s", role);
    return true;
}

/* What changes which blocks are in the host's memory, or how they are counted. */
static bool take_size(const struct reading *reading, const cJSON *root)
{
    const cJSON *extra = json_member(root, "kv_connector_extra_config");
    const char *policy = json_member_text(&reading->json, extra, "eviction_policy");
    const char *spec = json_member_text(&reading->json, extra, "spec_name");
    const double bytes = json_member_number(&reading->json, extra, "cpu_bytes_to_use", 0, 1e15, 0);
    const double threshold = json_member_number(&reading->json, extra, "store_threshold", 0, 1e9, 0);
    if (spec && strcmp(spec, "CPUOffloadingSpec") != 0)
        return refuse(reading, NOT_MODELLED "blocks would go elsewhere than to the host's memory", "");
    if (policy && strcmp(policy, "lru") != 0)
        return refuse(reading, NOT_MODELLED "the host would evict in another order than lru", "");
    if (threshold >= 2)
        return refuse(reading, NOT_MODELLED "blocks would be stored when they are asked for again (store_threshold)", "");
    if (json_member(extra, "block_size"))
        return refuse(reading, NOT_MODELLED "blocks of the host would have another size than those of the pool (block_size)", "");
    if (bytes == 0)
        return refuse(reading, ": kv_connector_extra_config needs \"cpu_bytes_to_use\"", "");
    reading->out->key = "kv_offloading_size";
    snprintf(reading->out->value, sizeof reading->out->value, "%.17g", bytes / 0x1p30);
    return true;
}

static bool take_object(const struct reading *reading, const cJSON *root)
{
    const char *connector = json_member_text(&reading->json, root, "kv_connector");
    const bool own = json_member(root, "kv_connector_module_path") != NULL;
    if (connector && !own && strcmp(connector, "NixlConnector") == 0)
        return take_role(reading, root);
    if (connector && !own && strcmp(connector, "OffloadingConnector") == 0)
        return take_size(reading, root);
    return refuse(reading, NOT_MODELLED "blocks would come from and go to other servers",
                  connector ? "; known are NixlConnector and OffloadingConnector" : "");
}

bool vllm_transfer_read(const char *text, struct vllm_transfer *out, char *why, size_t why_size)
{
    struct json_document document;
    struct diag diag = {0};
    const struct reading reading = {.json = {.json = &document, .diag = &diag}, .out = out, .why = why, .why_size = why_size};
    if (json_open("", 1, text, strlen(text), &document, &diag) != SIM_OK)
        return refuse(&reading, ": no JSON: ", diag.text);
    bool fine = take_object(&reading, document.root);
    if (diag.status != SIM_OK) /* a member of the wrong type */
        fine = refuse(&reading, ": ", diag.text);
    json_close(&document);
    return fine;
}
