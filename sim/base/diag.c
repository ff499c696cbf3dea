/* diag.c - the one place where error sentences are put together. Read diag.h first: it says who may write into a diag and when.
 */
#include "base/diag.h"

#include <stdio.h>
#include <string.h>

/* The first message wins: what goes wrong later is usually a consequence, such as a file that cannot be closed. */
__attribute__((format(printf, 4, 0))) static enum status set_v(struct diag *diag, enum status status, const char *prefix,
                                                               const char *format, va_list arguments)
{
    if (diag->status != SIM_OK)
        return diag->status;
    diag->status = status;
    int used = snprintf(diag->text, sizeof diag->text, "%s", prefix);
    if (used >= 0 && (size_t)used < sizeof diag->text)
        vsnprintf(diag->text + used, sizeof diag->text - (size_t)used, format, arguments);
    return status;
}

enum status diag_set(struct diag *diag, enum status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum status result = set_v(diag, status, "", format, arguments);
    va_end(arguments);
    return result;
}

/* Editors and terminals turn "file:line:column:" into a link, so the prefix has exactly that form. */
enum status diag_at(struct diag *diag, const char *file, size_t line, size_t column, const char *format, ...)
{
    char prefix[512];
    if (line == 0)
        snprintf(prefix, sizeof prefix, "%s: ", file);
    else if (column == 0)
        snprintf(prefix, sizeof prefix, "%s:%zu: ", file, line);
    else
        snprintf(prefix, sizeof prefix, "%s:%zu:%zu: ", file, line, column);
    if (diag->status == SIM_OK) {
        diag->file_bytes = strlen(file);
        diag->line = line;
        diag->column = line == 0 ? 0 : column;
    }
    va_list arguments;
    va_start(arguments, format);
    enum status result = set_v(diag, SIM_BAD_INPUT, prefix, format, arguments);
    va_end(arguments);
    return result;
}

/* The message has its line after the file's name and a colon. */
void diag_move_down(struct diag *diag, size_t lines)
{
    char rest[sizeof diag->text];
    if (lines == 0 || diag->line == 0 || diag->file_bytes + 1 >= strlen(diag->text))
        return;
    const char *number = diag->text + diag->file_bytes + 1;
    snprintf(rest, sizeof rest, "%s", number + strspn(number, "0123456789"));
    diag->line += lines;
    snprintf(diag->text + diag->file_bytes, sizeof diag->text - diag->file_bytes, ":%zu%s", diag->line, rest);
}

/* How many bytes: a number that is far too large points to a bad length in the input. */
enum status diag_no_memory(struct diag *diag, size_t bytes, const char *what)
{
    return diag_set(diag, SIM_FAILED, "out of memory: %zu bytes for %s", bytes, what);
}

void diag_clear(struct diag *diag)
{
    *diag = (struct diag){0};
}
