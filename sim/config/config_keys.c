/* config_keys.c - how a key's value is read, written, compared and described by its row of the table (key_table.c) alone. struct config_key
 * in config_keys.h says what the columns mean.
 *
 *     row { name, type, range, defaults, offset }  ->  parse (file, option)  ->  member of struct config  ->  write (reports, config show)
 *                                                  ->  wants (errors, --help)
 *
 * No key is named here but two on which others depend, the engine and the step-time model. */
#include "config/config_keys.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

/* The empty name is the top level of the file. */
const char *const config_group_names[KEY_GROUPS] = {"", "step_time", "kv"};

_Static_assert((int)POLICY_NAME_SIZE == CONFIG_NAME_SIZE, "a registered name fits into the configuration");

/* --- members of struct config ------------------------------------------------------------------------------------------------------ */

/* Members are reached by offset. Values are copied with memcpy: a member read through a pointer of another type would break the aliasing
 * rules, and a row says only at run time which type its member has. */
static void *member(const struct config_key *key, struct config *config)
{
    return (char *)config + key->offset;
}

static const void *const_member(const struct config_key *key, const struct config *config)
{
    return (const char *)config + key->offset;
}

/* Kept as a string in struct config; all other keys are numbers there. */
static bool is_text(const struct config_key *key)
{
    return key->type == KEY_NAME || key->type == KEY_PATH || key->type == KEY_TEXT;
}

/* Names are short because they are a program's own; paths and names of files are a user's. */
static size_t text_size(const struct config_key *key)
{
    return key->type == KEY_NAME ? CONFIG_NAME_SIZE : CONFIG_PATH_SIZE;
}

/* The path that a switch may be given as. */
static char *path_of(const struct config_key *key, struct config *config)
{
    return (char *)config + key->path;
}

static const char *const_path_of(const struct config_key *key, const struct config *config)
{
    return key->path ? (const char *)config + key->path : "";
}

/* Everything that is a whole number in memory, whatever its width. The range of the row has been checked. */
static void put_whole(const struct config_key *key, uint64_t value, struct config *config)
{
    void *at = member(key, config);
    const bool truth = value != 0;
    const uint32_t narrow = (uint32_t)value;
    const int choice = (int)value;
    if (key->type == KEY_BOOL)
        memcpy(at, &truth, sizeof truth);
    else if (key->type == KEY_UINT32)
        memcpy(at, &narrow, sizeof narrow);
    else if (key->type == KEY_CHOICE) /* every enum of struct config is as large as an int */
        memcpy(at, &choice, sizeof choice);
    else /* the range keeps an int64_t positive */
        memcpy(at, &value, sizeof value);
}

static void put_real(const struct config_key *key, double value, struct config *config)
{
    memcpy(member(key, config), &value, sizeof value);
}

static void put_text(const struct config_key *key, const char *text, struct config *config)
{
    snprintf(member(key, config), text_size(key), "%s", text);
}

/* The bits of the member as a whole number; those of a double, too, which is enough to compare two. */
static uint64_t whole_of(const struct config_key *key, const struct config *config)
{
    const void *at = const_member(key, config);
    uint32_t narrow;
    uint64_t wide;
    bool truth;
    if (key->type == KEY_BOOL)
        return memcpy(&truth, at, sizeof truth), truth;
    if (key->type == KEY_UINT32 || key->type == KEY_CHOICE)
        return memcpy(&narrow, at, sizeof narrow), narrow;
    return memcpy(&wide, at, sizeof wide), wide;
}

static double real_of(const struct config_key *key, const struct config *config)
{
    double real;
    memcpy(&real, const_member(key, config), sizeof real);
    return real;
}

/* From the table alone: a key without a default in its row starts at 0. All defaults are doubles, which hold the whole ones exactly as they
 * are far below 2^53. */
void config_defaults(enum scheduler_kind scheduler, struct config *config)
{
    *config = (struct config){0};
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        const double number = key->defaults[scheduler == SCHEDULER_VLLM_V0];
        if (is_text(key))
            put_text(key, key->default_name, config);
        else if (key->type == KEY_DOUBLE)
            put_real(key, number, config);
        else if (key->type != KEY_JSON)
            put_whole(key, (uint64_t)number, config);
    }
}

/* --- spellings --------------------------------------------------------------------------------------------------------------------- */

/* vLLM's spelling: words joined by dashes, the group in front. */
void config_option_name(const struct config_key *key, char *out, size_t size)
{
    const char *group = config_group_names[key->group];
    snprintf(out, size, "%s%s%s", group, *group ? "-" : "", key->name);
    for (char *c = out; *c; c++)
        if (*c == '_')
            *c = '-';
}

/* What comes after the word, NULL if the text begins otherwise; an underscore of the word is `joint` in the text. */
static const char *after_word(const char *text, const char *word, char joint)
{
    for (; *word; word++, text++)
        if (*text != (*word == '_' ? joint : *word))
            return NULL;
    return text;
}

static bool is_spelling(const char *name, const struct config_key *key, char between, char joint)
{
    const char *group = config_group_names[key->group];
    const char *rest = after_word(name, group, joint);
    if (rest && *group)
        rest = *rest == between ? rest + 1 : NULL;
    rest = rest ? after_word(rest, key->name, joint) : NULL;
    return rest && *rest == '\0';
}

/* Options and the file's spelling are both taken, so that "step_time.base_ns" works in --vary as it stands in the file. Every key is compared with
 * its words where they lie: each command asks hundreds of times. */
static const struct config_key *find_spelling(const char *name)
{
    for (const struct config_key *key = config_keys; key < config_keys + config_key_count; key++)
        if (is_spelling(name, key, '-', '-') || is_spelling(name, key, '.', '_') || (key->alias && strcmp(name, key->alias) == 0))
            return key;
    return NULL;
}

/* --no-NAME is a switch's negation; for other keys it is no option at all. */
const struct config_key *config_find_option(const char *name, bool *negated)
{
    const struct config_key *key = find_spelling(name);
    *negated = false;
    if (!key && strncmp(name, "no-", 3) == 0) {
        key = find_spelling(name + 3);
        *negated = key && key->type == KEY_BOOL;
        return *negated ? key : NULL;
    }
    return key;
}

/* --- values ------------------------------------------------------------------------------------------------------------------------ */

/* Both ends are allowed. */
static bool in_range(const struct config_key *key, uint64_t value)
{
    return value >= key->range.whole.least && value <= key->range.whole.most;
}

/* null, as JSON has it and as vLLM's options do. */
static bool is_null(const char *text)
{
    return strcmp(text, "null") == 0 || strcmp(text, "None") == 0;
}

/* 8192, and as vLLM takes it: 8k = 8000, 25.6k = 25600, 8K = 8192; likewise m, M, g, G, t, T. Binary units take no decimals. */
static bool parse_whole(const struct config_key *key, const char *text, uint64_t *out)
{
    static const char decimal[] = "kmgt", binary[] = "KMGT";
    char *end;
    errno = 0;
    if (key->nullable && is_null(text)) {
        *out = (uint64_t)-1;
        return true;
    }
    /* strtoull would skip blanks and take a sign: -1 would be 2^64 - 1. */
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long value = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(binary, *end) : NULL;
    if (unit && end[1] == '\0') {
        const int shift = 10 * (int)(unit - binary + 1);
        *out = (uint64_t)value << shift;
        return errno == 0 && *out >> shift == value && in_range(key, *out);
    }
    if (*end != '\0') {
        /* strtod takes hexadecimal, exponents and words as well; only digits and a point may stand before the unit. The limit keeps the
         * cast to an integer defined. */
        const double real = strtod(text, &end);
        unit = *end ? strchr(decimal, *end) : NULL;
        if (!unit || end[1] != '\0' || end[-1] == '.' || strspn(text, "0123456789.") != (size_t)(end - text))
            return false;
        const double scaled = real * pow(1000, (double)(unit - decimal + 1));
        *out = scaled < 0x1p63 ? (uint64_t)scaled : 0;
        return scaled < 0x1p63 && in_range(key, *out);
    }
    *out = value;
    return errno == 0 && in_range(key, value);
}

/* Policies can be registered by a program at run time, so their names are asked for and not listed here. */
const char *config_key_choice(const struct config_key *key, uint32_t i)
{
    if (key->choices)
        return key->choices[i];
    const struct pagesim_policy_info *policy = key->type == KEY_NAME ? policy_at(key->policies, i) : NULL;
    return policy ? policy->name : NULL;
}

/* The value of an enum is the position of its name. Names that are kept as text (KEY_NAME) are checked here, too, and the position is
 * dropped. */
static bool parse_choice(const struct config_key *key, const char *text, uint64_t *out)
{
    const char *name;
    for (uint32_t i = 0; (name = config_key_choice(key, i)) != NULL; i++)
        if (strcmp(name, text) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* strtod takes "inf", which is meant where the range allows it, and "nan", which no range holds. */
static bool parse_double(const struct config_key *key, const char *text, double *out)
{
    char *end;
    double value = strtod(text, &end);
    *out = value;
    return end != text && *end == '\0' && value >= key->range.real.least && value <= key->range.real.most;
}

/* JSON's words only: yes, 1 and on would not read back from the file. A switch that may be a path is on with one. */
static bool parse_bool(const struct config_key *key, const char *text, uint64_t *out)
{
    const bool off = strcmp(text, "false") == 0;
    *out = !off;
    return off || strcmp(text, "true") == 0 || (key->path && *text && strlen(text) < CONFIG_PATH_SIZE);
}

enum status config_key_read(const struct config_key *key, const struct json_document *document, const cJSON *node, struct config *config,
                            struct diag *diag)
{
    enum status status = key->value->read(document, node, config, diag);
    if (status == SIM_OK)
        config->given |= (config_key_bits)1 << (key - config_keys);
    return status;
}

/* The text of an option. */
static enum status parse_json(const struct config_key *key, const char *text, struct config *config, struct diag *diag)
{
    struct json_document document;
    const char *own = is_null(text) ? "null" : text;
    enum status status = json_open("", 1, own, strlen(own), &document, diag);
    if (status != SIM_OK)
        return status;
    status = config_key_read(key, &document, document.root, config, diag);
    json_close(&document);
    return status;
}

/* Parsed as a whole before anything is written: a value that does not fit leaves the configuration as it was. */
bool config_key_parse(const struct config_key *key, const char *text, struct config *config)
{
    uint64_t whole = 0;
    double real = 0;
    struct diag ignored = {0};
    if (key->type == KEY_JSON)
        return parse_json(key, text, config, &ignored) == SIM_OK;
    const bool fits = key->type == KEY_BOOL                              ? parse_bool(key, text, &whole)
                      : key->type == KEY_CHOICE || key->type == KEY_NAME ? parse_choice(key, text, &whole)
                      : key->type == KEY_DOUBLE                          ? parse_double(key, text, &real)
                      : is_text(key)                                     ? strlen(text) < CONFIG_PATH_SIZE
                                                                         : parse_whole(key, text, &whole);
    if (fits && is_text(key))
        put_text(key, text, config);
    else if (fits && key->type == KEY_DOUBLE)
        put_real(key, real, config);
    else if (fits)
        put_whole(key, whole, config);
    if (fits && key->path)
        snprintf(path_of(key, config), CONFIG_PATH_SIZE, "%s", whole && strcmp(text, "true") != 0 ? text : "");
    if (fits)
        config->given |= (config_key_bits)1 << (key - config_keys);
    return fits;
}

double config_key_number(const struct config_key *key, const char *text)
{
    uint64_t whole;
    double real;
    if (key->type == KEY_DOUBLE)
        return parse_double(key, text, &real) ? real : (double)NAN;
    const bool number = key->type == KEY_UINT32 || key->type == KEY_UINT64 || key->type == KEY_INT64;
    return number && !is_null(text) && parse_whole(key, text, &whole) ? (double)whole : (double)NAN;
}

/* Names in quotes, as the file wants them; an empty one, which stands for nothing, is left out. */
static void list_choices(const struct config_key *key, char *out, size_t size)
{
    size_t used = 0;
    const char *name = config_key_choice(key, 0);
    out[0] = '\0';
    for (uint32_t i = name && *name == '\0'; (name = config_key_choice(key, i)) != NULL; i++) {
        const char *joint = used == 0 ? "" : config_key_choice(key, i + 1) ? ", " : " or ";
        int added = snprintf(out + used, size - used, "%s\"%s\"", joint, name);
        /* With too many names the message ends early; used never passes the end. */
        used = added < 0 || used + (size_t)added >= size ? size - 1 : used + (size_t)added;
    }
}

/* From the row, so that a message cannot promise another range than the parser checks. */
void config_key_wants(const struct config_key *key, char *out, size_t size)
{
    switch (key->type) {
    case KEY_BOOL:
        snprintf(out, size, key->path ? "true, false or a path of less than %d bytes" : "true or false", CONFIG_PATH_SIZE);
        break;
    case KEY_UINT32:
    case KEY_UINT64:
    case KEY_INT64:
        snprintf(out, size, "an integer from %llu to %llu%s", (unsigned long long)key->range.whole.least,
                 (unsigned long long)key->range.whole.most, key->nullable ? ", or null" : "");
        break;
    case KEY_DOUBLE:
        snprintf(out, size, "a number from %g to %g", key->range.real.least, key->range.real.most);
        break;
    case KEY_CHOICE:
    case KEY_NAME:
        list_choices(key, out, size);
        break;
    case KEY_PATH:
        snprintf(out, size, "a path of less than %d bytes", CONFIG_PATH_SIZE);
        break;
    case KEY_TEXT:
        snprintf(out, size, "a name or a path of less than %d bytes", CONFIG_PATH_SIZE);
        break;
    case KEY_JSON:
        snprintf(out, size, "%s", key->value->wants);
        break;
    }
}

/* An option is one line mostly, so the column is enough to find the place. */
void config_key_wrong(const struct config_key *key, const char *text, char *out, size_t size)
{
    struct config scratch = {0};
    struct diag diag = {0};
    char wants[256];
    if (key->type == KEY_JSON && parse_json(key, text, &scratch, &diag) != SIM_OK) {
        const char *message = diag.line ? strstr(diag.text, ": ") : NULL;
        snprintf(out, size, "at column %zu: %s", diag.column, message ? message + 2 : diag.text);
        return;
    }
    config_key_wants(key, wants, sizeof wants);
    snprintf(out, size, "must be %s", wants);
}

/* Of doubles the bits are compared: what was written and read back is the same to the last one. */
bool config_key_equal(const struct config_key *key, const struct config *a, const struct config *b)
{
    if (is_text(key))
        return strcmp(const_member(key, a), const_member(key, b)) == 0;
    if (key->type == KEY_JSON)
        return key->value->equal(a, b);
    return whole_of(key, a) == whole_of(key, b) /* of a double: the same bits */
           && strcmp(const_path_of(key, a), const_path_of(key, b)) == 0;
}

void config_key_copy(const struct config_key *key, const struct config *from, struct config *to)
{
    if (key->type == KEY_JSON)
        key->value->copy(from, to);
    else if (is_text(key))
        put_text(key, const_member(key, from), to);
    else if (key->type == KEY_DOUBLE)
        put_real(key, real_of(key, from), to);
    else
        put_whole(key, whole_of(key, from), to);
    if (key->path)
        snprintf(path_of(key, to), CONFIG_PATH_SIZE, "%s", const_path_of(key, from));
}

bool config_key_given(const struct config_key *key, const struct config *config)
{
    return config->given >> (key - config_keys) & 1;
}

bool config_file_gives(const struct config *config, const char *name)
{
    const struct config_key *key = find_spelling(name);
    return key && config->given_by_file >> (key - config_keys) & 1;
}

bool config_gives(const struct config *config, const char *name)
{
    const struct config_key *key = find_spelling(name);
    return key && config_key_given(key, config);
}

/* A number, or null. */
static void write_whole(const struct config_key *key, uint64_t whole, struct json_text *json)
{
    if (key->nullable && whole == (uint64_t)-1)
        json_null(json);
    else
        json_uint(json, whole);
}

/* On one line, in pretty text, too. */
static void write_json(const struct config_key *key, const struct config *config, struct json_text *json)
{
    struct json_text own;
    json_text_init(&own, false);
    key->value->write(config, &own);
    if (own.failed)
        json->failed = true;
    else
        json_raw(json, own.text, own.length);
    json_text_deinit(&own);
}

/* As config_key_parse reads it back from a file. */
void config_key_write(const struct config_key *key, const struct config *config, struct json_text *json)
{
    const uint64_t whole = is_text(key) || key->type == KEY_JSON ? 0 : whole_of(key, config);
    switch (key->type) {
    case KEY_BOOL:
        if (*const_path_of(key, config))
            json_string(json, const_path_of(key, config));
        else
            json_bool(json, whole);
        break;
    case KEY_UINT32:
    case KEY_UINT64:
    case KEY_INT64:
        write_whole(key, whole, json);
        break;
    case KEY_DOUBLE:
        if (isinf(real_of(key, config))) /* JSON has no such number */
            json_string(json, "inf");
        else
            json_double(json, real_of(key, config));
        break;
    case KEY_CHOICE:
        if (key->choices[whole])
            json_string(json, key->choices[whole]);
        else
            json_null(json); /* the default of one that depends on other keys, before config_check */
        break;
    case KEY_NAME:
    case KEY_PATH:
    case KEY_TEXT:
        json_string(json, const_member(key, config));
        break;
    case KEY_JSON:
        write_json(key, config, json);
        break;
    }
}

/* As config_key_write has it, without a name's quotes. Without memory that could run out, but for JSON, of which nothing would be left. */
void config_key_text(const struct config_key *key, const struct config *config, char *out, size_t size)
{
    const uint64_t whole = is_text(key) || key->type == KEY_JSON ? 0 : whole_of(key, config);
    struct json_text json;
    if (key->type == KEY_JSON) {
        json_text_init(&json, false);
        key->value->write(config, &json);
        snprintf(out, size, "%s", json.failed ? "" : json.text);
        json_text_deinit(&json);
    } else if (is_text(key))
        snprintf(out, size, "%s", (const char *)const_member(key, config));
    else if (*const_path_of(key, config))
        snprintf(out, size, "%s", const_path_of(key, config));
    else if (key->type == KEY_BOOL)
        snprintf(out, size, "%s", whole ? "true" : "false");
    else if (key->type == KEY_CHOICE)
        snprintf(out, size, "%s", key->choices[whole] ? key->choices[whole] : "");
    else if (key->type == KEY_DOUBLE && !isinf(real_of(key, config)))
        plain_double(real_of(key, config), out, size);
    else if (key->type == KEY_DOUBLE)
        snprintf(out, size, "inf");
    else if (key->nullable && whole == (uint64_t)-1)
        snprintf(out, size, "null");
    else
        snprintf(out, size, "%llu", (unsigned long long)whole);
}

/* Numbers and names that may be left out have a value outside their range for it. */
bool config_key_absent(const struct config_key *key, const struct config *config)
{
    if (key->type == KEY_UINT32)
        return whole_of(key, config) < key->range.whole.least;
    if (key->type == KEY_DOUBLE)
        return real_of(key, config) < key->range.real.least;
    return key->type == KEY_NAME && *(const char *)const_member(key, config) == '\0';
}

/* One of the policies in use? */
static bool is_read(const struct config_key *key, const struct config *config)
{
    const char *const used[] = {config->scheduling_policy, config->preemption_victim, config->eviction_policy, config->fleet.router};
    for (const char *const *reader = key->readers; reader && *reader; reader++)
        for (size_t i = 0; i < sizeof used / sizeof *used; i++)
            if (strcmp(*reader, used[i]) == 0)
                return true;
    return !key->readers;
}

/* Keys of the other engine, and those that the step-time model or the policies in use do not read, have no effect. */
bool config_key_matters(const struct config_key *key, const struct config *config)
{
    if (key->group == KEY_STEP_TIME)
        return key->models >> config->step_time.model & 1;
    if (config_key_absent(key, config) || !is_read(key, config) || (key->heeded && !key->heeded(config)))
        return false;
    return key->engines == KEY_BOTH || (key->engines == KEY_V1_ONLY) == (config->scheduler == SCHEDULER_VLLM_V1);
}

bool config_key_of_fleet(const struct config_key *key)
{
    return key->group == KEY_TOP && key->offset >= offsetof(struct config, fleet) &&
           key->offset < offsetof(struct config, fleet) + sizeof(struct fleet_config);
}

/* In the order of the table, nested objects after the plain keys; what is absent or has no effect is left out. */
void config_write(const struct config *config, struct json_text *json)
{
    json_open_object(json);
    for (int group = KEY_TOP; group < KEY_GROUPS; group++) {
        if (group != KEY_TOP) {
            json_key(json, config_group_names[group]);
            json_open_object(json);
        }
        for (size_t i = 0; i < config_key_count; i++) {
            /* A pass over the whole table for each group, so that rows need not be sorted by group: they stand in the order in which people
             * read them. */
            if ((int)config_keys[i].group != group || !config_key_matters(&config_keys[i], config))
                continue;
            json_key(json, config_keys[i].name);
            config_key_write(&config_keys[i], config, json);
        }
        if (group != KEY_TOP)
            json_close_object(json);
    }
    json_close_object(json);
}
