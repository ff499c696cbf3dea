/* spec_text.c - reads "name:key=value,key=value" against a row of a table. Read spec_text.h first, then spec_read_keys. */
#include "generate/spec_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/line.h"
#include "base/nearest_name.h"

enum { NAMES_MOST = 32 };

const char *spec_arguments(const char *text)
{
    const char *colon = strchr(text, ':');
    return colon ? colon + 1 : "";
}

enum status spec_find_name(const struct spec_place *place, const char *what, const struct spec_name *const *names, size_t count,
                           size_t *index, struct diag *diag)
{
    const size_t length = strcspn(place->text, ":");
    const char *known[NAMES_MOST];
    char word[SPEC_NAME];
    struct line all = {0};
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]->name) == length && strncmp(names[i]->name, place->text, length) == 0) {
            *index = i;
            return SIM_OK;
        }
        known[i] = names[i]->name;
        line_put(&all, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " and ", names[i]->name);
    }
    snprintf(word, sizeof word, "%.*s", (int)length, place->text);
    const char *near = nearest_name(word, known, count);
    if (near)
        return diag_set(diag, SIM_USAGE, "--%s %s: no %s is called \"%s\"; did you mean %s?", place->option, place->text, what, word, near);
    return diag_set(diag, SIM_USAGE, "--%s %s: no %s is called \"%s\"; there are %s", place->option, place->text, what, word, all.text);
}

bool spec_take_pair(const char **arguments, char *key, double *value, bool *is_number)
{
    const char *text = *arguments;
    char *end;
    if (*text == '\0')
        return false;
    const size_t item = strcspn(text, ","), name = strcspn(text, "=,");
    const char *number = name < item ? text + name + 1 : text;
    snprintf(key, SPEC_NAME, "%.*s", name < item ? (int)name : 0, text);
    *value = strtod(number, &end);
    *is_number = end != number && end == text + item && isfinite(*value);
    *arguments = text + item + (text[item] == ',');
    return true;
}

/* "rate, cv" */
static struct line key_names(const struct spec_name *name)
{
    struct line line = {0};
    for (const struct spec_key *key = name->keys; key->name; key++)
        line_put(&line, "%s%s", key == name->keys ? "" : ", ", key->name);
    return line;
}

/* The place of a key in the row; an empty word is the first key. -1: there is none, which is told. */
static int find_key(const struct spec_place *place, const struct spec_name *name, const char *word, struct diag *diag)
{
    const char *known[SPEC_KEYS];
    size_t count = 0;
    for (; name->keys[count].name; count++) {
        if (*word == '\0' || strcmp(name->keys[count].name, word) == 0)
            return (int)count;
        known[count] = name->keys[count].name;
    }
    const char *near = nearest_name(word, known, count);
    if (count == 0)
        diag_set(diag, SIM_USAGE, "--%s %s: %s takes no numbers", place->option, place->text, name->name);
    else if (near)
        diag_set(diag, SIM_USAGE, "--%s %s: %s has no \"%s\"; did you mean %s?", place->option, place->text, name->name, word, near);
    else
        diag_set(diag, SIM_USAGE, "--%s %s: %s has no \"%s\"; it takes %s", place->option, place->text, name->name, word,
                 key_names(name).text);
    return -1;
}

/* A negative least is only a bound of what is stored; messages need not speak of it. */
static enum status check_value(const struct spec_place *place, const struct spec_key *key, double value, bool is_number, struct diag *diag)
{
    if (is_number && value >= key->least && value <= key->most)
        return SIM_OK;
    return diag_set(diag, SIM_USAGE, "--%s %s: %s must be a number from %.12g to %.12g (%s)", place->option, place->text, key->name,
                    key->least, key->most, key->help);
}

enum status spec_read_keys(const struct spec_place *place, const struct spec_name *name, double *values, struct diag *diag)
{
    const char *arguments = spec_arguments(place->text);
    bool given[SPEC_KEYS] = {false}, is_number, first = true;
    char word[SPEC_NAME];
    double value;
    for (int i = 0; i < SPEC_KEYS && name->keys[i].name; i++)
        values[i] = name->keys[i].otherwise;
    for (; spec_take_pair(&arguments, word, &value, &is_number); first = false) {
        if (*word == '\0' && !first)
            return diag_set(diag, SIM_USAGE, "--%s %s: only the first number may stand without its name; %s takes %s", place->option,
                            place->text, name->name, key_names(name).text);
        const int i = find_key(place, name, word, diag);
        if (i < 0 || check_value(place, &name->keys[i], value, is_number, diag) != SIM_OK)
            return diag->status;
        if (given[i])
            return diag_set(diag, SIM_USAGE, "--%s %s: %s is given twice", place->option, place->text, name->keys[i].name);
        given[i] = true;
        values[i] = value;
    }
    for (const struct spec_key *key = name->keys; key->name; key++)
        if (!given[key - name->keys] && key->otherwise == SPEC_NEEDED)
            return diag_set(diag, SIM_USAGE, "--%s %s: %s is missing (%s), as in %s:%s=1", place->option, place->text, key->name, key->help,
                            name->name, key->name);
    return SIM_OK;
}
