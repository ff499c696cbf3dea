/* requirement.c - see requirement.h. */
#include "figure/requirement.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest_name.h"

static const char *skip_spaces(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

static bool take_word(const char **at, const char *word)
{
    if (strncmp(*at, word, strlen(word)) != 0)
        return false;
    *at = skip_spaces(*at + strlen(word));
    return true;
}

static bool take_operator(const char **at, enum requirement_operator *out)
{
    static const struct {
        const char *text;
        enum requirement_operator operator;
    } known[] = {{"<=", REQUIRE_AT_MOST}, {">=", REQUIRE_AT_LEAST}, {"<", REQUIRE_LESS}, {">", REQUIRE_GREATER}, {"=", REQUIRE_EQUAL}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (take_word(at, known[i].text)) {
            *out = known[i].operator;
            return true;
        }
    return false;
}

enum status requirement_parse(const char *text, struct requirement *out, struct diag *diag)
{
    const char *at = skip_spaces(text), *start = at;
    struct requirement made = {.text = text};
    while (isalnum((unsigned char)*at) || *at == '_' || *at == '.') /* p99.9_ttft_ms */
        at++;
    size_t length = (size_t)(at - start);
    if (length == 0 || length >= sizeof made.name)
        return diag_set(diag, SIM_USAGE, "requirement \"%s\" does not begin with a figure's name, as in p99_ttft_ms<500", text);
    memcpy(made.name, start, length);
    at = skip_spaces(at);
    if (!take_operator(&at, &made.operator))
        return diag_set(diag, SIM_USAGE, "requirement \"%s\": one of <, <=, >, >=, = should follow %s", text, made.name);
    char *end;
    made.value = strtod(at, &end);
    if (end == at || !isfinite(made.value))
        return diag_set(diag, SIM_USAGE, "requirement \"%s\": a number should stand at its end, as in p99_ttft_ms<500", text);
    at = skip_spaces(end);
    if (take_word(&at, "ms"))
        made.unit = UNIT_MS;
    else if (take_word(&at, "s"))
        made.unit = UNIT_S;
    else if (take_word(&at, "%"))
        made.unit = UNIT_PERCENT;
    if (*at)
        return diag_set(diag, SIM_USAGE, "requirement \"%s\": \"%s\" is not a unit; there are ms, s and %%", text, at);
    *out = made;
    return SIM_OK;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcmp(text + length - tail, ending) == 0;
}

/* The requirement's value in the figure's own unit; false when there is no way to it. */
static bool in_unit_of(const struct requirement *requirement, double *value)
{
    const bool ms = ends_with(requirement->name, "_ms"),
               seconds = !ms && ends_with(requirement->name, "_s") && !ends_with(requirement->name, "_per_s");
    *value = requirement->value;
    switch (requirement->unit) {
    case UNIT_NONE:
        return true;
    case UNIT_PERCENT:
        *value /= 100;
        return !ms && !seconds;
    case UNIT_MS:
        *value /= seconds ? 1000 : 1;
        return ms || seconds;
    case UNIT_S:
        *value *= ms ? 1000 : 1;
        return ms || seconds;
    }
    return false;
}

static enum status unknown_figure(const struct requirement *requirement, const struct figure *figures, size_t count, struct diag *diag)
{
    const char **names = calloc(count ? count : 1, sizeof *names);
    if (!names)
        return diag_no_memory(diag, count * sizeof *names, "names of figures");
    for (size_t i = 0; i < count; i++)
        names[i] = figures[i].name;
    const char *near = nearest_name(requirement->name, names, count);
    enum status status =
        diag_set(diag, SIM_USAGE, "requirement \"%s\": there is no figure \"%s\"%s%s%s", requirement->text, requirement->name,
                 near ? "; did you mean \"" : "; --format json lists them", near ? near : "", near ? "\"?" : "");
    free(names);
    return status;
}

enum status requirement_check(const struct requirement *requirement, const struct figure *figures, size_t count, bool *met, double *actual,
                              struct diag *diag)
{
    size_t i = 0;
    double wanted;
    while (i < count && strcmp(figures[i].name, requirement->name) != 0)
        i++;
    if (i == count)
        return unknown_figure(requirement, figures, count, diag);
    if (!in_unit_of(requirement, &wanted))
        return diag_set(diag, SIM_USAGE, "requirement \"%s\": the unit does not fit the figure %s", requirement->text, requirement->name);
    const double value = figures[i].value;
    *actual = figures[i].undefined ? NAN : value;
    const bool answers[] = {value<wanted, value <= wanted, value> wanted, value >= wanted, value == wanted};
    *met = !figures[i].undefined && answers[requirement->operator];
    return SIM_OK;
}
