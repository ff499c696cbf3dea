/* config_layers.c - kv_cache_groups: kinds of layers in the order in which a model has them first. What vLLM makes of them is in kv_groups.c.
 * Read read_layers() first.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/nearest_name.h"
#include "config/config_values.h"

enum { TOKENS_MOST = 1000000000, LAYERS_MOST = 10000, MEMBERS_MOST = 32 };

/* In the order of enum kv_kind. */
static const char *const kind_names[] = {"full", "sliding_window", "chunked_local", NULL};
static const char *const reach_names[] = {NULL, "window", "chunk"};

/* --- members, for all keys of this sort ------------------------------------------------------------------------------------------ */

int config_member_at(const struct json_document *document, const cJSON *node, const char *key, const char *const *names, struct diag *diag)
{
    size_t count = 0;
    for (; names[count]; count++)
        if (strcmp(node->string, names[count]) == 0)
            return (int)count;
    const char *near = nearest_name(node->string, names, count);
    (void)json_error(document, node, true, diag, "unknown member \"%s\" of %s; %s%s%s", node->string, key,
                     near ? "did you mean \"" : "doc/formats.md lists them", near ? near : "", near ? "\"?" : "");
    return -1;
}

enum status config_member_whole(const struct json_document *document, const cJSON *node, uint64_t least, uint64_t most, uint64_t *out,
                                struct diag *diag)
{
    if (cJSON_IsNumber(node) && json_uint64(document, node, out) && *out >= least && *out <= most)
        return SIM_OK;
    return json_error(document, node, false, diag, "%s must be an integer from %llu to %llu", node->string, (unsigned long long)least,
                      (unsigned long long)most);
}

enum status config_member_real(const struct json_document *document, const cJSON *node, double least, double most, double *out,
                               struct diag *diag)
{
    if (cJSON_IsNumber(node) && node->valuedouble >= least && node->valuedouble <= most) {
        *out = node->valuedouble;
        return SIM_OK;
    }
    return json_error(document, node, false, diag, "%s must be a number from %g to %g", node->string, least, most);
}

enum status config_member_flag(const struct json_document *document, const cJSON *node, bool *out, struct diag *diag)
{
    if (!cJSON_IsBool(node))
        return json_error(document, node, false, diag, "%s must be true or false", node->string);
    *out = cJSON_IsTrue(node);
    return SIM_OK;
}

/* --- reading --------------------------------------------------------------------------------------------------------------------- */

static enum status read_kind(const struct json_document *document, const cJSON *node, struct kv_layers *out, struct diag *diag)
{
    for (int kind = KV_KIND_FULL; cJSON_IsString(node) && kind <= KV_KIND_CHUNKED_LOCAL; kind++)
        if (strcmp(node->valuestring, kind_names[kind]) == 0) {
            out->kind = (enum kv_kind)kind;
            return SIM_OK;
        }
    return json_error(document, node, false, diag, "kind must be \"full\", \"sliding_window\" or \"chunked_local\"");
}

/* The members but `kind`, which is read before: what may stand beside it depends on it. */
static enum status read_member(const struct json_document *document, const cJSON *node, struct kv_layers *out, struct diag *diag)
{
    static const char *const names[] = {"kind", "window", "chunk", "layers", "block_size", "draft", NULL};
    enum { KIND, WINDOW, CHUNK, LAYERS, BLOCK_SIZE, DRAFT };
    uint64_t number = 0;
    enum status status = SIM_OK;
    const int at = config_member_at(document, node, "kv_cache_groups", names, diag);
    if (at < 0)
        return diag->status;
    if (at == KIND)
        return SIM_OK;
    if (at == DRAFT)
        return config_member_flag(document, node, &out->draft, diag);
    if ((at == WINDOW && out->kind != KV_KIND_SLIDING_WINDOW) || (at == CHUNK && out->kind != KV_KIND_CHUNKED_LOCAL))
        return json_error(document, node, true, diag, "%s belongs to kind \"%s\"; this one is \"%s\"", names[at],
                          kind_names[at == WINDOW ? KV_KIND_SLIDING_WINDOW : KV_KIND_CHUNKED_LOCAL], kind_names[out->kind]);
    status = config_member_whole(document, node, 1, at == LAYERS ? LAYERS_MOST : TOKENS_MOST, &number, diag);
    *(at == LAYERS ? &out->layers : at == BLOCK_SIZE ? &out->block_size : &out->reach) = (uint32_t)number;
    return status;
}

static enum status read_entry(const struct json_document *document, const cJSON *node, struct kv_layers *out, struct diag *diag)
{
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(node, "kind");
    *out = (struct kv_layers){.layers = 1};
    if (!cJSON_IsObject(node))
        return json_error(document, node, false, diag, "kv_cache_groups: a kind of layers is an object: {\"kind\":\"full\",\"layers\":12}");
    if (!kind)
        return json_error(document, node, false, diag, "no \"kind\"; it is \"full\", \"sliding_window\" or \"chunked_local\"");
    enum status status = read_kind(document, kind, out, diag);
    for (const cJSON *member = node->child; member && status == SIM_OK; member = member->next)
        status = read_member(document, member, out, diag);
    if (status == SIM_OK && out->kind != KV_KIND_FULL && out->reach == 0)
        return json_error(document, node, false, diag, "kind \"%s\" needs \"%s\", in tokens", kind_names[out->kind],
                          reach_names[out->kind]);
    return status;
}

static enum status read_layers(const struct json_document *document, const cJSON *node, struct config *config, struct diag *diag)
{
    struct kv_layers made[KV_LAYERS_MOST] = {{0}};
    uint32_t count = 0;
    enum status status = SIM_OK;
    if (!cJSON_IsNull(node) && !(cJSON_IsArray(node) && node->child))
        return json_error(document, node, false, diag, "kv_cache_groups must be %s", config_layers.wants);
    for (const cJSON *entry = node->child; entry && status == SIM_OK; entry = entry->next) {
        if (count == KV_LAYERS_MOST)
            return json_error(document, entry, false, diag, "kv_cache_groups takes %d kinds of layers; count equal layers together",
                              KV_LAYERS_MOST);
        status = read_entry(document, entry, &made[count++], diag);
    }
    if (status != SIM_OK)
        return status;
    memcpy(config->kv_cache_groups, made, sizeof made);
    config->kv_cache_groups_count = count;
    return SIM_OK;
}

/* --- writing, copying, comparing --------------------------------------------------------------------------------------------------- */

/* What has its default is left out, but for the number of layers. */
static void write_layers(const struct config *config, struct json_text *json)
{
    if (config->kv_cache_groups_count == 0) {
        json_null(json);
        return;
    }
    json_open_array(json);
    for (uint32_t i = 0; i < config->kv_cache_groups_count; i++) {
        const struct kv_layers *layers = &config->kv_cache_groups[i];
        json_open_object(json);
        json_put_string(json, "kind", kind_names[layers->kind]);
        if (layers->kind != KV_KIND_FULL)
            json_put_uint(json, reach_names[layers->kind], layers->reach);
        json_put_uint(json, "layers", layers->layers);
        if (layers->block_size)
            json_put_uint(json, "block_size", layers->block_size);
        if (layers->draft) {
            json_key(json, "draft");
            json_bool(json, true);
        }
        json_close_object(json);
    }
    json_close_array(json);
}

static void copy_layers(const struct config *from, struct config *to)
{
    memcpy(to->kv_cache_groups, from->kv_cache_groups, sizeof to->kv_cache_groups);
    to->kv_cache_groups_count = from->kv_cache_groups_count;
}

static bool equal_layers(const struct config *a, const struct config *b)
{
    bool equal = a->kv_cache_groups_count == b->kv_cache_groups_count;
    for (uint32_t i = 0; equal && i < a->kv_cache_groups_count; i++) {
        const struct kv_layers *x = &a->kv_cache_groups[i], *y = &b->kv_cache_groups[i];
        equal =
            x->kind == y->kind && x->reach == y->reach && x->block_size == y->block_size && x->layers == y->layers && x->draft == y->draft;
    }
    return equal;
}

const struct config_value config_layers = {
    .wants = "null (all layers are full) or a list like [{\"kind\":\"sliding_window\",\"window\":128,\"layers\":12},"
             "{\"kind\":\"full\",\"layers\":12}]",
    .read = read_layers,
    .write = write_layers,
    .copy = copy_layers,
    .equal = equal_layers};
