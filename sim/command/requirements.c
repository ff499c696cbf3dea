/* requirements.c - see requirements.h. */
#include "command/requirements.h"

#include <string.h>

enum status requirements_parse(const struct options *options, struct diag *diag)
{
    enum status status = SIM_OK;
    struct requirement requirement;
    for (uint32_t i = 0; i < options->own_count && status == SIM_OK; i++)
        if (strcmp(options->own[i].name, "require") == 0)
            status = requirement_parse(options->own[i].value, &requirement, diag);
    return status;
}

enum status requirements_read(const struct options *options, struct requirement *out, size_t most, size_t *count, struct diag *diag)
{
    enum status status = SIM_OK;
    *count = 0;
    for (uint32_t i = 0; i < options->own_count && status == SIM_OK; i++) {
        if (strcmp(options->own[i].name, "require") != 0)
            continue;
        if (*count == most)
            return diag_set(diag, SIM_USAGE, "more than %zu requirements", most);
        status = requirement_parse(options->own[i].value, &out[(*count)++], diag);
    }
    return status;
}

enum status requirements_check(const struct options *options, const struct figure *figures, size_t count, struct diag *diag)
{
    char failed[512] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < options->own_count; i++) {
        struct requirement requirement;
        bool met;
        double actual;
        if (strcmp(options->own[i].name, "require") != 0)
            continue;
        enum status status = requirement_parse(options->own[i].value, &requirement, diag);
        if (status == SIM_OK)
            status = requirement_check(&requirement, figures, count, &met, &actual, diag);
        if (status != SIM_OK)
            return status;
        if (!met && used < sizeof failed)
            used += (size_t)snprintf(failed + used, sizeof failed - used, "%s%s (%s is %.6g)", used ? "; " : "", requirement.text,
                                     requirement.name, actual);
    }
    return used ? diag_set(diag, SIM_REQUIREMENT, "not met: %s", failed) : SIM_OK;
}
