/* requirements.c - reads --require before a replay and judges the figures after it. Read figure/requirement.h first for the grammar. All
 * requirements are judged, so that one run shows everything that is not met. */
#include "command/requirements.h"

#include <stdio.h>
#include <string.h>

enum status requirements_read(const struct options *options, unsigned scopes, struct requirements *out, struct figure_wishes *wishes,
                              struct diag *diag)
{
    enum status status = SIM_OK;
    out->count = 0;
    for (uint32_t i = 0; i < options->own_count && status == SIM_OK; i++) {
        if (strcmp(options->own[i].name, "require") != 0)
            continue;
        if (out->count == REQUIREMENTS_MOST)
            return diag_set(diag, SIM_USAGE, "more than %d requirements", REQUIREMENTS_MOST);
        struct requirement *requirement = &out->list[out->count++];
        status = requirement_read(options->own[i].value, scopes, requirement, diag);
        if (status == SIM_OK)
            status = figure_wish(wishes, requirement->name, diag);
    }
    return status;
}

enum status requirements_judge(const struct requirements *requirements, const struct figure_set *figures, struct diag *diag)
{
    char failed[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < requirements->count; i++) {
        const struct requirement *requirement = &requirements->list[i];
        const double value = figure_set_value(figures, requirement->name);
        if (!requirement_met(requirement, value) && used < sizeof failed)
            used += (size_t)snprintf(failed + used, sizeof failed - used, "%s%s (%s is %.6g)", used ? "; " : "", requirement->text,
                                     requirement->name, value);
    }
    return used ? diag_set(diag, SIM_REQUIREMENT, "not met: %s", failed) : SIM_OK;
}
