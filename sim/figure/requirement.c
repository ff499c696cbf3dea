/* requirement.c - parses what users demand, binds it to a figure, and judges values. Read the grammar in requirement.h first. Parsing and
 * binding are separate steps, because commands such as compare strip a prefix from the name between the two. */
#include "figure/requirement.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t");
}

static bool take_word(const char **at, const char *word)
{
    if (strncmp(*at, word, strlen(word)) != 0)
        return false;
    *at = skip_spaces(*at + strlen(word));
    return true;
}

/* The longer operators come first in the list, or "<=" would be read as "<". */
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

/* Every latency, its errors and what a comparison makes of it have the latency's name in theirs; a slowdown is one, too. */
static bool names_latency(const char *name)
{
    for (int latency = 0; latency < LATENCIES; latency++)
        if (strstr(name, latency_names[latency]))
            return true;
    return strstr(name, "slowdown") != NULL;
}

/* A unit converts the user's value, once, into the figure's unit. Without a unit the value is in the figure's unit already. */
enum status requirement_resolve(struct requirement *requirement, const char *name, unsigned scopes, struct diag *diag)
{
    struct figure_kind made;
    char what[160];
    snprintf(what, sizeof what, "requirement \"%.120s\"", requirement->text);
    enum status status = figure_check_name(what, name, scopes, diag);
    if (status != SIM_OK)
        return status;
    const struct figure_kind *kind = figure_kind_find(name, &made);
    const bool is_time = kind->unit == FIGURE_MS || kind->unit == FIGURE_S;
    requirement->of_latency = names_latency(name);
    if (requirement->unit == UNIT_NONE)
        return SIM_OK;
    /* ms and s need a time; % needs anything but a time. */
    if (is_time == (requirement->unit == UNIT_PERCENT))
        return diag_set(diag, SIM_USAGE, "%s: the unit does not fit the figure %s", what, name);
    if (requirement->unit == UNIT_PERCENT)
        requirement->value /= 100;
    else if (requirement->unit == UNIT_S && kind->unit == FIGURE_MS)
        requirement->value *= 1000;
    else if (requirement->unit == UNIT_MS && kind->unit == FIGURE_S)
        requirement->value /= 1000;
    requirement->unit = UNIT_NONE; /* resolving again must not convert again */
    return SIM_OK;
}

enum status requirement_read(const char *text, unsigned scopes, struct requirement *out, struct diag *diag)
{
    enum status status = requirement_parse(text, out, diag);
    return status == SIM_OK ? requirement_resolve(out, out->name, scopes, diag) : status;
}

/* Every comparison with NaN is false, so an undefined figure meets nothing. */
bool requirement_met(const struct requirement *requirement, double value, double unserved)
{
    const double wanted = requirement->value;
    const unsigned is =
        (value < wanted ? REQUIRE_LESS : 0U) | (value == wanted ? REQUIRE_EQUAL : 0U) | (value > wanted ? REQUIRE_GREATER : 0U);
    return (requirement->operator& is) != 0 && !requirement_lacks_requests(requirement, unserved);
}

struct line requirements_text(const struct requirement *list, size_t count)
{
    struct line line = {0};
    for (size_t i = 0; i < count; i++)
        line_put(&line, "%s%s", i ? ", " : "", list[i].text);
    return line;
}
