/* json_member.c - typed looks at members, with errors that say what would be right. Read json_member.h first. */
#include "base/json_member.h"

#include <stdio.h>

void json_member_wrong(const struct json_reader *reader, const cJSON *node, const char *what)
{
    if (node->string)
        (void)json_error(reader->json, node, false, reader->diag, "\"%s\" must be %s", node->string, what);
    else
        (void)json_error(reader->json, node, false, reader->diag, "this must be %s", what);
}

const cJSON *json_member(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(member) ? NULL : member;
}

static const cJSON *needed(const struct json_reader *reader, const cJSON *object, const char *name)
{
    const cJSON *member = json_member(object, name);
    if (!member)
        (void)json_error(reader->json, object, false, reader->diag, "\"%s\" is missing here", name);
    return member;
}

const char *json_member_text(const struct json_reader *reader, const cJSON *object, const char *name)
{
    const cJSON *member = json_member(object, name);
    if (member && !cJSON_IsString(member))
        json_member_wrong(reader, member, "a string");
    return cJSON_GetStringValue(member);
}

const char *json_member_text_needed(const struct json_reader *reader, const cJSON *object, const char *name)
{
    return needed(reader, object, name) ? json_member_text(reader, object, name) : NULL;
}

double json_member_number(const struct json_reader *reader, const cJSON *object, const char *name, double least, double most,
                          double otherwise)
{
    const cJSON *member = json_member(object, name);
    char what[96];
    if (!member)
        return otherwise;
    if (cJSON_IsNumber(member) && member->valuedouble >= least && member->valuedouble <= most)
        return member->valuedouble;
    snprintf(what, sizeof what, "a number from %g to %g", least, most);
    json_member_wrong(reader, member, what);
    return otherwise;
}

bool json_member_flag(const struct json_reader *reader, const cJSON *object, const char *name)
{
    const cJSON *member = json_member(object, name);
    if (member && !cJSON_IsBool(member))
        json_member_wrong(reader, member, "true or false");
    return cJSON_IsTrue(member);
}

const cJSON *json_member_array(const struct json_reader *reader, const cJSON *object, const char *name)
{
    const cJSON *member = needed(reader, object, name);
    if (member && !cJSON_IsArray(member))
        json_member_wrong(reader, member, "an array");
    return cJSON_IsArray(member) ? member : NULL;
}
