/* output.c - from a document to a file. Read report/document.h and report/renderer.h first. The text is made in memory first, so that a
 * file is replaced by a whole result or not at all, and a full disk never leaves half a JSON object.
 *
 * The way of a result: document -> renderer -> text in memory -> writer -> file. Each arrow can fail, and only the last step, the rename at
 * commit, changes anything that a reader can see. */
#include "command/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/host.h"
#include "base/line.h"
#include "base/memory_stream.h"
#include "base/terminal.h"
#include "base/text_writer.h"

/* The names are checked before any work, against what the command says it has: a typing error must not cost an hour of replaying. The last
 * of a command's tables may exist only with some option (last_table_needs); naming it without that option is an error of usage as well. */
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

/* The special format has no renderer of its own: its command makes a document of lines, which the default renderer prints as they are. */
enum status output_form_read(const struct options *options, struct output_form *form, struct diag *diag)
{
    const char *format = options_value(options, "format"), *path = options_value(options, "output"),
               *table = options_value(options, "table"), *special = options->command->special_format;
    *form = (struct output_form){.table = table ? table : options->command->tables[0], .path = path ? path : "-"};
    if (!table && options->command->any_table)
        form->table = NULL;
    form->html = options_value(options, "html");
    if ((form->html && render_html_check(diag) != SIM_OK) || picture_folders_read(options, &form->pictures, diag) != SIM_OK)
        return diag->status;
    /* A page on standard output is alone there. */
    if (form->html && strcmp(form->html, "-") == 0 && !path)
        form->path = NULL;
    form->special = special && format && strcmp(format, special) == 0;
    form->renderer = renderer_find(form->special ? NULL : format);
    if (!form->renderer)
        return diag_set(diag, SIM_USAGE, "--format %s: must be %s", format, renderer_names(special).text);
    if (options_has(options, "charts") && strcmp(form->renderer->name, "json") != 0)
        return diag_set(diag, SIM_USAGE, "--charts has no effect without --format json");
    return options->command->any_table && strcmp(form->renderer->name, "csv") == 0 ? SIM_OK : check_table(options, form, diag);
}

/* Colour and more than 80 columns only on a terminal: what goes to a file or a pipe must not depend on the window. NO_COLOR turns colour
 * off whatever its value. A terminal narrower than 80 columns still gets 80: the reports' lines are made for that and wrap there. */
static struct render_options options_for(const struct output_form *form)
{
    struct render_options options = {.width = TABLE_LINE, .table = form->table, .utf8 = terminal_utf8()};
    struct winsize size;
    if (strcmp(form->path, "-") != 0 || host_now() || isatty(STDOUT_FILENO) != 1)
        return options;
    options.color = terminal_color();
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > TABLE_LINE)
        options.width = size.ws_col;
    return options;
}

/* Into memory. A document that ran out of memory while it was built fails here, before anything is printed, and one that runs out while it
 * is printed has no text at all. */
static enum status render(const struct renderer *renderer, const struct render_options *options, const struct document *document,
                          char **text, size_t *length, struct diag *diag)
{
    enum status status = document_status(document, diag);
    if (status != SIM_OK)
        return status;
    struct memory_stream stream;
    if (memory_stream_open(&stream, diag) != SIM_OK)
        return diag->status;
    status = renderer->render(document, options, stream.file, diag);
    if (memory_stream_close(&stream, text, length, diag) != SIM_OK)
        return diag->status;
    return status;
}

/* Everything for standard output goes through a writer, as standard output need not be the process's (base/host.h). */
enum status output_printed(void (*print)(const void *context, FILE *file), const void *context, struct diag *diag)
{
    struct memory_stream stream;
    char *text = NULL;
    size_t length;
    enum status status = memory_stream_open(&stream, diag);
    if (status != SIM_OK)
        return status;
    print(context, stream.file);
    status = memory_stream_close(&stream, &text, &length, diag);
    if (status != SIM_OK)
        return status;
    status = text_writer_write_file("-", text, length, diag);
    free(text);
    return status;
}

enum status output_json(const char *path, struct json_text *json, struct diag *diag)
{
    json_end_line(json);
    enum status status = json_text_status(json, diag);
    if (status == SIM_OK)
        status = text_writer_write_file(path, json->text, json->length, diag);
    json_text_deinit(json);
    return status;
}

/* All but the commit. NULL path: nothing is wanted, and *out stays NULL. */
static enum status prepare(const char *path, const struct renderer *renderer, const struct render_options *options,
                           const struct document *document, struct text_writer **out, struct diag *diag)
{
    char *text = NULL;
    size_t length = 0;
    enum status status = path ? render(renderer, options, document, &text, &length, diag) : SIM_OK;
    if (path && status == SIM_OK)
        status = text_writer_open(path, out, diag);
    if (path && status == SIM_OK)
        status = text_writer_write(*out, text, length, diag);
    free(text);
    return status;
}

bool output_wanted(const struct output_form *form)
{
    return form->path || form->html || picture_folders_any(&form->pictures);
}

/* Takes the document over, so that a command can make it in the argument and need not clean up after any outcome. Report, page and pictures
 * are all complete before any takes its name. The page is as wide as what goes to a file: the same bytes whatever the window. */
enum status output_document(const struct output_form *form, struct document *document, struct diag *diag)
{
    static const struct renderer page = {"html", render_html};
    struct text_writer *writers[2] = {NULL, NULL};
    const struct render_options plain = {.width = TABLE_LINE};
    struct picture_files pictures = {0};
    enum status status = prepare(form->html, &page, &plain, document, &writers[1], diag);
    if (status == SIM_OK)
        status = picture_files_make(&form->pictures, document, &pictures, diag);
    if (status == SIM_OK && form->path) {
        const struct render_options shown = options_for(form);
        status = prepare(form->path, form->renderer, &shown, document, &writers[0], diag);
    }
    if (status == SIM_OK)
        status = picture_files_write(&pictures, diag);
    picture_files_deinit(&pictures);
    for (int i = 0; i < 2; i++)
        if (status == SIM_OK && writers[i])
            status = text_writer_commit(writers[i], diag);
        else
            text_writer_discard(writers[i]);
    document_destroy(document);
    return status;
}

/* The command line is a copy that document_create() takes over. When memory is short there is none, and the document knows. */
struct document_origin output_origin(const struct options *options, const char *trace, const struct config *config)
{
    char *line = options_command_line(options);
    return (struct document_origin){.command = options->command->name,
                                    .command_line = line,
                                    .incomplete = !line,
                                    .trace = trace,
                                    .config = config,
                                    .pictures = picture_files_wanted(options),
                                    .charts = options_has(options, "charts")};
}
