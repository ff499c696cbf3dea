/* renderer.h - the ways to show a document. Each is one file and one row of RENDERERS below; `--format NAME` chooses one by name.
 *
 * A renderer knows nothing about the command whose result it shows. So a new command needs no renderer, and a new renderer works for all
 * commands.
 */
#ifndef PAGESIM_RENDERER_H
#define PAGESIM_RENDERER_H

#include <stdio.h>

#include "base/line.h"
#include "report/document.h"

struct render_options {
    size_t width;      /* columns that lines for people may have */
    bool color;        /* headings in bold */
    bool utf8;         /* charts may be drawn with more than ASCII */
    const char *table; /* CSV: which table; NULL: the first one */
};

struct renderer {
    const char *name; /* as in --format */
    /* Print the whole document. SIM_FAILED: out of memory; SIM_USAGE: there is no such table. */
    enum status (*render)(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag);
};

/* The renderer with that name, or NULL if there is none. Without a name (NULL), the default. */
const struct renderer *renderer_find(const char *name);
/* "table, json or csv", or with `more`: "table, json, csv or MORE". */
struct line renderer_names(const char *more);

/* A document as JSON text, for those who print nothing. The caller ends *out; on failure there is nothing to end. */
SIM_NODISCARD enum status document_to_json(const struct document *document, struct json_text *out, struct diag *diag);

/* The page of pictures, which --html writes next to what --format prints: one file that needs nothing else, the same bytes for the same
 * document. `width` of the options counts. */
enum status render_html(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag);
/* SIM_USAGE: the program was built without Chart.js, so that there would be no pictures. */
SIM_NODISCARD enum status render_html_check(struct diag *diag);

/* The list: name and function. The first one is the default of --format. */
#define RENDERERS(X)                                                                                                                       \
    X("table", render_terminal)                                                                                                            \
    X("json", render_json)                                                                                                                 \
    X("csv", render_csv)

#define RENDERER_DECLARE(name, function)                                                                                                   \
    enum status function(const struct document *document, const struct render_options *options, FILE *file, struct diag *diag);
RENDERERS(RENDERER_DECLARE)
#undef RENDERER_DECLARE

#endif
