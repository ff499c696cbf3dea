/* picture_files.c - from the charts of a document to files. Read picture_files.h first. All are drawn before the first is written, so that a
 * gnuplot that fails leaves the old files. */
#include "command/picture_files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/gnuplot.h"
#include "base/memory_stream.h"
#include "base/text_writer.h"
#include "command/interrupt.h"
#include "command/output_folder.h"

/* Names of the options, and after a dot of the files. */
static const char *const options_of[PICTURE_FORMS] = {"svg", "png", "gnuplot"}, *const endings[PICTURE_FORMS] = {"svg", "png", "gp"};

bool picture_files_wanted(const struct options *options)
{
    bool wanted = options_has(options, "html") || options_has(options, "charts");
    for (int form = 0; form < PICTURE_FORMS; form++)
        wanted |= options_has(options, options_of[form]);
    return wanted;
}

enum status picture_folders_read(const struct options *options, struct picture_folders *folders, struct diag *diag)
{
    enum status status = SIM_OK;
    for (int form = 0; form < PICTURE_FORMS && status == SIM_OK; form++) {
        folders->path[form] = options_value(options, options_of[form]);
        if (folders->path[form] && form != PICTURE_SCRIPT)
            status = gnuplot_check(diag);
        if (folders->path[form] && status == SIM_OK)
            status = output_folder_check(options_of[form], folders->path[form], "chart", diag);
    }
    return status;
}

bool picture_folders_any(const struct picture_folders *folders)
{
    for (int form = 0; form < PICTURE_FORMS; form++)
        if (folders->path[form])
            return true;
    return false;
}

/* --- pictures ----------------------------------------------------------------------------------------------------------------------- */

/* DIR/KEY.svg. A key is a word of the program or of a figure, which may hold any character: only letters, digits, _ and - are kept. A second
 * chart of that name gets a number. */
static char *name_file(const struct picture_files *pictures, const char *folder, const char *key, const char *ending)
{
    const size_t length = strlen(folder), room = length + strlen(key) + 32;
    char *path = malloc(room), *name = path ? path + length + 1 : NULL;
    if (!path)
        return NULL;
    for (int number = 1;; number++) {
        bool taken = false;
        char again[16] = "";
        if (number > 1)
            snprintf(again, sizeof again, "_%d", number);
        snprintf(path, room, "%s/%s%s.%s", folder, key, again, ending);
        for (char *at = name; *at && strcmp(at, strrchr(name, '.')) != 0; at++)
            if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *at))
                *at = '_';
        for (size_t i = 0; i < pictures->count; i++)
            taken |= strcmp(pictures->list[i].path, path) == 0;
        if (!taken)
            return path;
    }
}

/* The script, or what gnuplot makes of it. */
static enum status draw(const struct chart *chart, enum picture_form form, char **text, size_t *length, struct diag *diag)
{
    struct memory_stream stream;
    char *script;
    enum status status = memory_stream_open(&stream, diag);
    if (status != SIM_OK)
        return status;
    gnuplot_script(chart, form, stream.file);
    if (form == PICTURE_SCRIPT)
        return memory_stream_close(&stream, text, length, diag);
    size_t script_length;
    status = memory_stream_close(&stream, &script, &script_length, diag);
    if (status != SIM_OK)
        return status;
    status = gnuplot_draw(script, script_length, text, length, diag);
    free(script);
    return status;
}

/* Ctrl-C in a terminal ends the gnuplot as well. */
static enum status add_picture(struct picture_files *pictures, const struct document_element *element, enum picture_form form,
                               struct diag *diag)
{
    struct diag why = {0};
    if (array_reserve(&pictures->list, &pictures->capacity, pictures->count + 1, sizeof *pictures->list, "pictures", diag) != SIM_OK)
        return diag->status;
    struct picture_file *made = &pictures->list[pictures->count];
    *made = (struct picture_file){
        .path = name_file(pictures, pictures->folders.path[form], element->key ? element->key : "chart", endings[form])};
    if (!made->path)
        return diag_no_memory(diag, PATH_MAX, "a file name");
    pictures->count++;
    const enum status status = interrupted ? SIM_INTERRUPTED : draw(element->chart, form, &made->text, &made->length, &why);
    if (interrupted)
        return diag_set(diag, SIM_INTERRUPTED, "interrupted");
    return status == SIM_OK ? SIM_OK : diag_set(diag, status, "%s: %s", made->path, why.text);
}

enum status picture_files_make(const struct picture_folders *folders, const struct document *document, struct picture_files *pictures,
                               struct diag *diag)
{
    enum status status = document_status(document, diag);
    pictures->folders = *folders;
    for (size_t i = 0; status == SIM_OK && i < document->count; i++)
        for (int form = 0; form < PICTURE_FORMS && status == SIM_OK; form++)
            if (folders->path[form] && document_is_picture(&document->elements[i]))
                status = add_picture(pictures, &document->elements[i], (enum picture_form)form, diag);
    return status;
}

enum status picture_files_write(const struct picture_files *pictures, struct diag *diag)
{
    enum status status = SIM_OK;
    for (int form = 0; form < PICTURE_FORMS; form++)
        if (pictures->folders.path[form] && output_folder_make(pictures->folders.path[form], diag) != SIM_OK)
            return diag->status;
    for (size_t i = 0; i < pictures->count && status == SIM_OK; i++)
        status = text_writer_write_file(pictures->list[i].path, pictures->list[i].text, pictures->list[i].length, diag);
    return status;
}

void picture_files_deinit(struct picture_files *pictures)
{
    for (size_t i = 0; i < pictures->count; i++) {
        free(pictures->list[i].path);
        free(pictures->list[i].text);
    }
    free(pictures->list);
    *pictures = (struct picture_files){0};
}
