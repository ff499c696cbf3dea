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
struct line renderer_names(const char *more)
{
    const size_t count = RENDERERS + (more != NULL);
    struct line line = {0};
    for (size_t i = 0; i < count; i++)
        line_put(&line, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", i < RENDERERS ? renderers[i].name : more);
    return line;
}
