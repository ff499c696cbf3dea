/* output.c - from a document to a file. Read report/document.h and report/renderer.h first. The text is made in memory first, so that a file is
 * replaced by a whole result or not at all, and a full disk never leaves half a JSON object. */
#include "command/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/line.h"
#include "base/text_file.h"

/* The names are checked before any work, against what the command says it has: a typing error must not cost an hour of replaying. */
static enum status check_table(const struct options *options, const struct output_form *form, struct diag *diag)
{
    const struct command *command = options->command;
    struct line names = {0};
    if (!options_has(options, "table"))
        return SIM_OK;
    if (strcmp(form->renderer->name, "csv") != 0)
        return diag_set(diag, SIM_USAGE, "--table has no effect without --format csv");
    for (size_t i = 0; command->tables[i]; i++) {
        const bool last = command->tables[i + 1] == NULL;
        if (last && command->last_table_needs && !options_has(options, command->last_table_needs))
            break;
        if (strcmp(command->tables[i], form->table) == 0)
            return SIM_OK;
        line_put(&names, "%s%s", i ? ", " : "", command->tables[i]);
    }
    return diag_set(diag, SIM_USAGE, "--table %s: must be one of %s", form->table, names.text);
}

enum status output_form_read(const struct options *options, struct output_form *form, struct diag *diag)
{
    const char *format = options_value(options, "format"), *path = options_value(options, "output"),
               *table = options_value(options, "table"), *special = options->command->special_format;
    *form = (struct output_form){.table = table ? table : options->command->tables[0], .path = path ? path : "-"};
    form->special = special && format && strcmp(format, special) == 0;
    form->renderer = renderer_find(form->special ? NULL : format);
    if (!form->renderer)
        return diag_set(diag, SIM_USAGE, "--format %s: must be %s", format, renderer_names(special).text);
    return check_table(options, form, diag);
}

static bool speaks_utf8(void)
{
    const char *locale = getenv("LC_ALL");
    if (!locale || !*locale)
        locale = getenv("LC_CTYPE");
    if (!locale || !*locale)
        locale = getenv("LANG");
    return locale && (strcasestr(locale, "utf-8") || strcasestr(locale, "utf8"));
}

/* Colour and more than 80 columns only on a terminal: what goes to a file or a pipe must not depend on the window. */
static struct render_options options_for(const struct output_form *form)
{
    struct render_options options = {.width = TABLE_LINE, .table = form->table, .utf8 = speaks_utf8()};
    struct winsize size;
    if (strcmp(form->path, "-") != 0 || isatty(STDOUT_FILENO) != 1)
        return options;
    options.color = !getenv("NO_COLOR");
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > TABLE_LINE)
        options.width = size.ws_col;
    return options;
}

/* Into memory. A document that ran out of memory while it was built fails here, before anything is printed. */
static enum status render(const struct output_form *form, const struct document *document, char **text, size_t *length, struct diag *diag)
{
    const struct render_options options = options_for(form);
    enum status status = document_status(document, diag);
    if (status != SIM_OK)
        return status;
    FILE *file = open_memstream(text, length);
    if (!file)
        return diag_no_memory(diag, 4096, "the result");
    status = form->renderer->render(document, &options, file, diag);
    if (fclose(file) != 0 && status == SIM_OK)
        status = diag_no_memory(diag, *length, "the result");
    return status;
}

/* The writer renames at commit; on a failure the target keeps its old content. */
enum status output_text(const char *path, const char *text, size_t length, struct diag *diag)
{
    struct text_writer *writer = NULL;
    enum status status = text_writer_open(path, &writer, diag);
    if (status == SIM_OK && (status = text_writer_write(writer, text, length, diag)) == SIM_OK)
        return text_writer_commit(writer, diag);
    text_writer_discard(writer);
    return status;
}

enum status output_json(const char *path, struct json_text *json, struct diag *diag)
{
    json_end_line(json);
    enum status status = json_text_status(json, diag);
    if (status == SIM_OK)
        status = output_text(path, json->text, json->length, diag);
    json_text_deinit(json);
    return status;
}

enum status output_document(const struct output_form *form, struct document *document, struct diag *diag)
{
    char *text = NULL;
    size_t length = 0;
    enum status status = render(form, document, &text, &length, diag);
    if (status == SIM_OK)
        status = output_text(form->path, text, length, diag);
    free(text);
    document_destroy(document);
    return status;
}

struct document_origin output_origin(const struct options *options, const char *trace, const struct config *config)
{
    return (struct document_origin){
        .command = options->command->name, .command_line = options_command_line(options), .trace = trace, .config = config};
}
