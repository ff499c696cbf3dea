/* output.h - writes a command's result: a document in the format of --format, whole or not at all, to --output FILE or standard output. */
#ifndef PAGESIM_OUTPUT_H
#define PAGESIM_OUTPUT_H

#include "command/picture_files.h"
#include "report/renderer.h"

/* Rows for a command's option table: the whole output. */
#define OUTPUT_OPTIONS                                                                                                                     \
    {"format", "FORMAT", "table, json or csv [table]"}, {"table", "NAME", "with --format csv: which of the result's tables [the first]"},  \
        PICTURE_OPTIONS,                                                                                                                   \
    {                                                                                                                                      \
        "output", "FILE", "write the result there; - is standard output [-]"                                                               \
    }

struct output_form {
    const struct renderer *renderer;
    const char *table; /* for CSV */
    const char *path;  /* "-": standard output; NULL: no report */
    const char *html;  /* the page of pictures; NULL: none */
    struct picture_folders pictures;
    bool special; /* the command's own format, which no renderer has */
};

/* Reads --format, --table, --output and where pages and pictures go, of a command that has tables. SIM_USAGE: one of them is wrong; call this before any work. */
SIM_NODISCARD enum status output_form_read(const struct options *options, struct output_form *form, struct diag *diag);

/* Write JSON with a line end to a file ("-": standard output), whole or not at all. Deinitialises `json` in any case. */
SIM_NODISCARD enum status output_json(const char *path, struct json_text *json, struct diag *diag);

/* Write what `print` prints to standard output. */
SIM_NODISCARD enum status output_printed(void (*print)(const void *context, FILE *file), const void *context, struct diag *diag);

/* Is there anything to write? */
bool output_wanted(const struct output_form *form);

/* Render the document and write it, as a page and as pictures too if they are wanted. Nothing is written if rendering fails. Destroys the document in any
 * case. */
SIM_NODISCARD enum status output_document(const struct output_form *form, struct document *document, struct diag *diag);

/* The origin of a document of this command line. NULL: no trace, no configuration. */
struct document_origin output_origin(const struct options *options, const char *trace, const struct config *config);

#endif
