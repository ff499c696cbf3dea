/* requirements.c - reads --require before a replay and judges the figures after it. Read figure/requirement.h first for the grammar. All
 * requirements are judged, so that one run shows everything that is not met.
 *
 * Names are checked against the scopes of the run's configuration before the replay: a figure that this run will not have is an error of
 * usage and not a requirement that fails. */
#include "command/requirements.h"

#include "base/line.h"

/* NULL has two meanings, the end and an error; callers look at diag after the loop, as everywhere in the program. */
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

enum status requirements_resolve(const struct options *options, struct requirement *requirement, const char *name, unsigned scopes,
                                 struct diag *diag)
{
    enum status status = requirement_resolve(requirement, name, scopes, diag);
    if (options_has(options, "allow-dropped"))
        requirement->of_latency = false;
    return status;
}

/* Percentiles outside of the usual ones are added to the wishes, or the value would be missing when it is judged. */
enum status requirements_read(const struct options *options, unsigned scopes, struct requirements *out, struct figure_wishes *wishes,
                              struct diag *diag)
{
    struct requirement *requirement;
    uint32_t next = 0;
    while ((requirement = requirements_next(options, out, &next, diag)) != NULL)
        if (requirements_resolve(options, requirement, requirement->name, scopes, diag) != SIM_OK ||
            figure_wish(wishes, requirement->name, diag) != SIM_OK)
            break;
    return diag->status;
}

/* A figure without a value is NaN, which meets no requirement: what cannot be shown to hold counts as failed. The message shows the value
 * that was found, so that nobody has to search it in the report. A value that looks good because few were served is told with their number
 * and with the option that lets it pass. */
enum status requirements_judge(const struct requirements *requirements, const struct figure_set *figures, struct diag *diag)
{
    const double unserved = figure_set_value(figures, "unserved");
    struct line failed = {0};
    bool lacks = false;
    for (size_t i = 0; i < requirements->count; i++) {
        const struct requirement *requirement = &requirements->list[i];
        const double value = figure_set_value(figures, requirement->name);
        if (requirement_met(requirement, value, unserved))
            continue;
        line_put(&failed, "%s%s (%s is %.6g)", failed.length ? "; " : "", requirement->text, requirement->name, value + 0.0);
        lacks = lacks || requirement_lacks_requests(requirement, unserved);
    }
    if (lacks)
        line_put(&failed, "; %.0f of %.0f requests were not served (%.0f dropped): --allow-dropped judges the latencies of the rest",
                 unserved, figure_set_value(figures, "requests"), figure_set_value(figures, "dropped"));
    return failed.length ? diag_set(diag, SIM_REQUIREMENT, "not met: %s", failed.text) : SIM_OK;
}
