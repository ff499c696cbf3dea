/* renderer.c - the list of renderers. Read renderer.h first. A new renderer is a row here and a file next to render_json.c. The first row is
 * the default of --format. */
#include "report/renderer.h"

#include <string.h>

static const struct renderer renderers[] = {
    {"table", render_terminal},
    {"json", render_json},
    {"csv", render_csv},
};
enum { RENDERERS = sizeof renderers / sizeof *renderers };

const struct renderer *renderer_find(const char *name)
{
    for (size_t i = 0; i < RENDERERS; i++)
        if (!name || strcmp(renderers[i].name, name) == 0)
            return &renderers[i];
    return NULL;
}

/* Help and error messages list the names from here, so that a new row shows up in both. */
void renderer_names(const char *more, char *out, size_t size)
{
    const size_t count = RENDERERS + (more != NULL);
    size_t used = 0;
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 i == 0          ? ""
                                 : i + 1 < count ? ", "
                                                 : " or ",
                                 i < RENDERERS ? renderers[i].name : more);
}
