/* vllm_drafts.c - puts the object together; what is in it is checked by the key speculative_config. Read vllm_drafts.h first. */
#include "config/vllm_drafts.h"

#include <string.h>

#include "base/json.h"

static const char whole_name[] = "speculative-config";
/* Options that are members. */
static const char *const aliases[][2] = {{"spec-method", "method"}, {"spec-model", "model"}, {"spec-tokens", "num_speculative_tokens"}};

static const char *member_of(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i][0], name) == 0)
            return aliases[i][1];
    return NULL;
}

bool vllm_drafts_option(const char *name)
{
    return strcmp(name, whole_name) == 0 || member_of(name);
}

/* The last one holds, as for every option. Inside of a name vLLM takes dashes for underscores. */
static bool put_member(struct vllm_drafts *drafts, const char *name, size_t length, const char *value)
{
    char spelled[VLLM_DRAFT_NAME];
    uint32_t at = 0;
    if (length == 0 || length >= sizeof spelled)
        return false;
    for (size_t i = 0; i < length; i++)
        spelled[i] = name[i] == '-' ? '_' : name[i];
    spelled[length] = '\0';
    while (at < drafts->count && strcmp(drafts->members[at].name, spelled) != 0)
        at++;
    if (at == VLLM_DRAFT_MEMBERS)
        return false;
    drafts->count += at == drafts->count;
    memcpy(drafts->members[at].name, spelled, length + 1);
    drafts->members[at].value = value;
    return true;
}

bool vllm_drafts_add(struct vllm_drafts *drafts, const char *name, const char *part, size_t part_bytes, const char *value)
{
    const char *member = member_of(name);
    if (member)
        return !part && put_member(drafts, member, strlen(member), value);
    if (part) {
        drafts->dotted = true;
        return put_member(drafts, part, part_bytes, value);
    }
    drafts->whole = value;
    return true;
}

/* JSON, and Python's words for what JSON has others for; all else is a string. */
static void write_value(const char *text, struct json_text *json)
{
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    struct json_document document;
    struct diag ignored = {0};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(text, words[i][0]) == 0)
            text = words[i][1];
    if (json_open("", 1, text, strlen(text), &document, &ignored) == SIM_OK) {
        json_close(&document);
        json_raw(json, text, strlen(text));
    } else {
        json_string(json, text);
    }
}

/* What is no object stays as it is: its error is told by who reads it. */
static bool write_whole(const struct vllm_drafts *drafts, struct json_text *json)
{
    struct json_document document;
    struct diag ignored = {0};
    const char *text = drafts->whole;
    if (!text || drafts->dotted || strcmp(text, "None") == 0 || strcmp(text, "null") == 0)
        return true;
    if (json_open("", 1, text, strlen(text), &document, &ignored) != SIM_OK)
        return false;
    const bool object = cJSON_IsObject(document.root);
    for (const cJSON *node = object ? document.root->child : NULL; node; node = node->next) {
        json_key(json, node->string);
        json_copy(&document, node, json);
    }
    json_close(&document);
    return object;
}

void vllm_drafts_write(const struct vllm_drafts *drafts, struct json_text *json)
{
    struct json_text object;
    json_text_init(&object, false);
    json_open_object(&object);
    bool fine = write_whole(drafts, &object);
    for (uint32_t i = 0; i < drafts->count; i++) {
        json_key(&object, drafts->members[i].name);
        write_value(drafts->members[i].value, &object);
    }
    json_close_object(&object);
    fine = fine && drafts->count > 0;
    if (object.failed)
        json->failed = true;
    else
        json_raw(json, fine ? object.text : drafts->whole, strlen(fine ? object.text : drafts->whole));
    json_text_deinit(&object);
}
