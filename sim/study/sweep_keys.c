/* sweep_keys.c - looks keys up by name, reads "a,b,c" and ranges, and checks each value as the configuration would. Start with
 * sweep_keys_parse_values; the list reader calls the smaller ones itself.
 */
#include "study/sweep_keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/nearest_name.h"

void sweep_key_name(const struct config_key *key, char *out, size_t size)
{
    const char *group = config_group_names[key->group];
    snprintf(out, size, "%s%s%s", group, *group ? "." : "", key->name);
}

/* Options of a command line have negated spellings (--no-enable-prefix-caching), which are no keys: a sweep gives values, so the name of
 * the key itself is wanted. The 128 names are for the suggestion only; keys beyond that are found, but never suggested. */
enum status sweep_key_find(const char *name, const char *what, const struct config_key **out, struct diag *diag)
{
    static const char hint[] = "`pagesim config show` lists the keys";
    char spellings[128][SWEEP_KEY_NAME_SIZE];
    const char *names[128];
    size_t count = config_key_count < 128 ? config_key_count : 128;
    bool negated;
    *out = config_find_option(name, &negated);
    if (*out && !negated)
        return SIM_OK;
    for (size_t i = 0; i < count; i++) {
        sweep_key_name(&config_keys[i], spellings[i], sizeof spellings[i]);
        names[i] = spellings[i];
    }
    const char *near = nearest_name(name, names, count);
    return diag_set(diag, SIM_USAGE, "%s: there is no configuration key \"%s\"; %s%s%s", what, name, near ? "did you mean \"" : hint,
                    near ? near : "", near ? "\"?" : "");
}

/* Linear: there are at most 64 varied keys, and this runs while a plan is read, not while it is replayed. */
uint32_t sweep_keys_index(const struct sweep_keys *keys, const struct config_key *key)
{
    uint32_t i = 0;
    while (i < keys->count && keys->list[i] != key)
        i++;
    return i;
}

uint32_t sweep_keys_seed(const struct sweep_keys *keys)
{
    bool negated;
    return sweep_keys_index(keys, config_find_option("seed", &negated));
}

/* A key that is varied twice would have two values in one point, and which of them holds would depend on the order of options. */
enum status sweep_keys_add(struct sweep_keys *keys, const struct config_key *key, const char *what, uint32_t *index, struct diag *diag)
{
    char name[SWEEP_KEY_NAME_SIZE];
    sweep_key_name(key, name, sizeof name);
    if (sweep_keys_index(keys, key) < keys->count)
        return diag_set(diag, SIM_USAGE, "%s: %s is varied twice; give all its values at once", what, name);
    if (keys->count == SWEEP_KEYS_MOST)
        return diag_set(diag, SIM_USAGE, "%s: more than %d varied keys", what, SWEEP_KEYS_MOST);
    *index = keys->count;
    keys->list[keys->count++] = key;
    return SIM_OK;
}

/* The value is tried with the parser that will read it as an option later, into a configuration that is thrown away. So a wrong value is
 * found before anything is replayed, with the words that the key itself uses. Whether values go together is known only when a point's
 * configuration is made (sweep_plan_config). The text is filed before it is checked: after an error the whole plan is thrown away. */
enum status sweep_keys_add_value(struct sweep_keys *keys, const struct config_key *key, const char *text, size_t length, const char *what,
                                 struct diag *diag)
{
    char name[SWEEP_KEY_NAME_SIZE], wrong[512];
    struct config scratch;
    enum status status =
        array_reserve(&keys->values, &keys->value_capacity, keys->value_count + 1, sizeof *keys->values, "values of a sweep", diag);
    char *copy = status == SIM_OK ? strndup(text, length) : NULL;
    if (!copy)
        return status == SIM_OK ? diag_no_memory(diag, length, "values of a sweep") : status;
    keys->values[keys->value_count++] = copy;
    config_defaults(SCHEDULER_VLLM_V1, &scratch);
    if (config_key_parse(key, copy, &scratch))
        return SIM_OK;
    sweep_key_name(key, name, sizeof name);
    config_key_wrong(key, copy, wrong, sizeof wrong);
    return diag_set(diag, SIM_USAGE, "%s: %s=%s: %s", what, name, copy, wrong);
}

/* --- ranges ----------------------------------------------------------------------------------------------------------------------- */

/* The values from, from + step, ... or from, from * step, ... as far as `to`, which is included when it is hit. */
struct range {
    double from, to, step;
    bool multiplies;
};

static bool is_whole(enum key_type type)
{
    return type == KEY_UINT32 || type == KEY_UINT64 || type == KEY_INT64;
}

/* "a:b", "a:b:step" or "a:b:*factor"; false: not of that form. */
static bool read_range(const char *text, size_t length, struct range *out)
{
    char copy[128], *at = copy, *end;
    if (length >= sizeof copy || !memchr(text, ':', length))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *out = (struct range){.step = 1};
    out->from = strtod(at, &end);
    if (end == at || *end != ':')
        return false;
    at = end + 1;
    out->to = strtod(at, &end);
    if (end == at)
        return false;
    if (*end == ':') {
        at = end + 1;
        out->multiplies = *at == '*';
        at += out->multiplies;
        out->step = strtod(at, &end);
    }
    return end != at && *end == '\0' && isfinite(out->from) && isfinite(out->to) && isfinite(out->step);
}

/* Does the range lead from `from` to `to`, and does every value of it have exact text? Whole numbers are counted in doubles, exact up to
 * 2^53. A step of 0, or one that leads away from `to`, would never end. A range of whole numbers starts at 0 or above. The values
 * themselves are checked later, one by one, against the bounds of their key. */
static bool range_fits(const struct range *range, enum key_type type)
{
    if (is_whole(type) && (rint(range->from) != range->from || rint(range->to) != range->to || rint(range->step) != range->step ||
                           range->from < 0 || fabs(range->to) > SWEEP_LARGEST_WHOLE || range->from > SWEEP_LARGEST_WHOLE))
        return false;
    if (range->multiplies)
        return range->from > 0 && range->step > 1 && range->to >= range->from;
    return range->step != 0 && (range->to - range->from) * range->step >= 0;
}

/* Computed from i, not by adding up: an error of rounding does not grow along the range. */
static double range_value(const struct range *range, uint64_t i)
{
    return range->multiplies ? range->from * pow(range->step, (double)i) : range->from + (double)i * range->step;
}

/* How many values there are. Compared with the limit while it is a double: a range like 0:1e300 has more steps than an integer can hold,
 * and converting such a double would be undefined. */
static uint64_t range_count(const struct range *range)
{
    /* A hair more, so that 0:1:0.1 has its 1. */
    const double steps = range->multiplies ? log(range->to / range->from) / log(range->step) : (range->to - range->from) / range->step;
    return steps + 1e-9 >= SWEEP_POINTS_MOST ? SWEEP_POINTS_MOST + 1 : (uint64_t)(steps + 1e-9) + 1;
}

static enum status add_range(struct sweep_keys *keys, const struct config_key *key, const struct range *range, const char *what,
                             struct diag *diag)
{
    enum status status = SIM_OK;
    uint64_t count = range_count(range);
    if (count > SWEEP_POINTS_MOST)
        return diag_set(diag, SIM_USAGE, "%s: a range of more than %d values", what, SWEEP_POINTS_MOST);
    for (uint64_t i = 0; i < count && status == SIM_OK; i++) {
        char text[64];
        /* 12 digits: 0.3 is 0.3 and not 0.30000000000000004 */
        int length = snprintf(text, sizeof text, is_whole(key->type) ? "%.0f" : "%.12g", range_value(range, i));
        status = sweep_keys_add_value(keys, key, text, (size_t)length, what, diag);
    }
    return status;
}

/* Up to the next comma, which JSON has inside of brackets, too. */
static size_t item_length(const struct config_key *key, const char *text)
{
    size_t length = 0, depth = 0;
    if (key->type != KEY_JSON)
        return strcspn(text, ",");
    for (; text[length] && (depth > 0 || text[length] != ','); length++) {
        depth += text[length] == '[' || text[length] == '{';
        depth -= depth > 0 && (text[length] == ']' || text[length] == '}');
    }
    return length;
}

/* Items are separated by commas, and each may be a range: 8,16:64:16,128. A colon means a range only where numbers are wanted; in the
 * text of a path or a name it is a character like others. */
enum status sweep_keys_parse_values(struct sweep_keys *keys, const struct config_key *key, const char *text, const char *what,
                                    struct diag *diag)
{
    enum status status = SIM_OK;
    const bool numeric = is_whole(key->type) || key->type == KEY_DOUBLE;
    for (const char *at = text; status == SIM_OK;) {
        struct range range;
        size_t length = item_length(key, at);
        if (numeric && memchr(at, ':', length)) {
            if (!read_range(at, length, &range) || !range_fits(&range, key->type))
                return diag_set(diag, SIM_USAGE,
                                "%s: \"%.*s\" is not a range that fits; FROM:TO:STEP is one, as in 1000:8000:500, and FROM:TO:*FACTOR",
                                what, (int)length, at);
            status = add_range(keys, key, &range, what, diag);
        } else {
            status = sweep_keys_add_value(keys, key, at, length, what, diag);
        }
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    return status;
}

void sweep_keys_deinit(struct sweep_keys *keys)
{
    for (size_t i = 0; i < keys->value_count; i++)
        free(keys->values[i]);
    free(keys->values);
    *keys = (struct sweep_keys){0};
}
