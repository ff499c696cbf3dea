/* renderer.c - the list of renderers. Read renderer.h first. A new renderer is a row there and a file next to render_json.c. */
#include "report/renderer.h"

#include <string.h>

#define RENDERER_ROW(name, function) {name, function},
static const struct renderer renderers[] = {RENDERERS(RENDERER_ROW)};
enum { RENDERER_COUNT = sizeof renderers / sizeof *renderers };

/* No name: the first row, the default of --format. */
const struct renderer *renderer_find(const char *name)
{
    for (size_t i = 0; i < RENDERER_COUNT; i++)
        if (!name || strcmp(renderers[i].name, name) == 0)
            return &renderers[i];
    return NULL;
}

/* Help and error messages list the names from here, so that a new row shows up in both. */
struct line renderer_names(const char *more)
{
    const size_t count = RENDERER_COUNT + (more != NULL);
    struct line line = {0};
    for (size_t i = 0; i < count; i++)
        line_put(&line, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", i < RENDERER_COUNT ? renderers[i].name : more);
    return line;
}
