/* output.c - see output.h. */
#include "command/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text_file.h"

enum status output_format(const struct options *options, const char **format, struct diag *diag)
{
    *format = options_value(options, "format") ? options_value(options, "format") : "table";
    if (strcmp(*format, "table") != 0 && strcmp(*format, "json") != 0 && strcmp(*format, "csv") != 0)
        return diag_set(diag, SIM_USAGE, "--format %s: must be table, json or csv", *format);
    return SIM_OK;
}

enum status output_format_or(const struct options *options, const char *more, const char **format, struct diag *diag)
{
    const char *wanted = options_value(options, "format");
    if (wanted && strcmp(wanted, more) == 0) {
        *format = more;
        return SIM_OK;
    }
    if (wanted && output_format(options, format, &(struct diag){0}) != SIM_OK)
        return diag_set(diag, SIM_USAGE, "--format %s: must be table, json, csv or %s", wanted, more);
    return output_format(options, format, diag);
}

enum status output_begin(struct output *output, const struct options *options, struct diag *diag)
{
    const char *path = options_value(options, "output");
    *output = (struct output){.path = path ? path : "-"};
    output->color = strcmp(output->path, "-") == 0 && isatty(STDOUT_FILENO) == 1 && !getenv("NO_COLOR");
    output->file = open_memstream(&output->text, &output->length);
    return output->file ? SIM_OK : diag_no_memory(diag, 4096, "the result");
}

enum status output_json(struct output *output, struct json_text *json, struct diag *diag)
{
    enum status status = json_text_status(json, diag);
    if (status == SIM_OK)
        fprintf(output->file, "%s\n", json->text);
    json_text_deinit(json);
    return status;
}

enum status output_end(struct output *output, enum status status, struct diag *diag)
{
    struct text_writer *writer = NULL;
    if (fclose(output->file) != 0 && status == SIM_OK)
        status = diag_no_memory(diag, output->length, "the result");
    if (status == SIM_OK)
        status = text_writer_open(output->path, &writer, diag);
    if (status == SIM_OK && (status = text_writer_write(writer, output->text, output->length, diag)) == SIM_OK)
        status = text_writer_commit(writer, diag);
    else
        text_writer_discard(writer);
    free(output->text);
    return status;
}
