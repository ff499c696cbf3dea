/* requirements.c - reads --require before a replay and judges the figures after it. Read figure/requirement.h first for the grammar. All
 * requirements are judged, so that one run shows everything that is not met. */
#include "command/requirements.h"

#include "base/line.h"

struct requirement *requirements_next(const struct options *options, struct requirements *requirements, uint32_t *next, struct diag *diag)
{
    const char *text = options_next(options, "require", next);
    if (!text)
        return NULL;
    if (requirements->count == REQUIREMENTS_MOST) {
        diag_set(diag, SIM_USAGE, "more than %d requirements", REQUIREMENTS_MOST);
        return NULL;
    }
    struct requirement *requirement = &requirements->list[requirements->count++];
    return requirement_parse(text, requirement, diag) == SIM_OK ? requirement : NULL;
}

enum status requirements_read(const struct options *options, unsigned scopes, struct requirements *out, struct figure_wishes *wishes,
                              struct diag *diag)
{
    struct requirement *requirement;
    uint32_t next = 0;
    while ((requirement = requirements_next(options, out, &next, diag)) != NULL)
        if (requirement_resolve(requirement, requirement->name, scopes, diag) != SIM_OK ||
            figure_wish(wishes, requirement->name, diag) != SIM_OK)
            break;
    return diag->status;
}

enum status requirements_judge(const struct requirements *requirements, const struct figure_set *figures, struct diag *diag)
{
    struct line failed = {0};
    for (size_t i = 0; i < requirements->count; i++) {
        const struct requirement *requirement = &requirements->list[i];
        const double value = figure_set_value(figures, requirement->name);
        if (!requirement_met(requirement, value))
            line_put(&failed, "%s%s (%s is %.6g)", failed.length ? "; " : "", requirement->text, requirement->name, value);
    }
    return failed.length ? diag_set(diag, SIM_REQUIREMENT, "not met: %s", failed.text) : SIM_OK;
}
