/* live_view.c - puts a state together and writes it. Read live_view.h first, then live_view_show. */
#include "base/live_view.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/terminal.h"

enum { ESCAPE = '\033' };

void live_view_open(struct live_view *view)
{
    *view = (struct live_view){.redraws = terminal_redraws(STDERR_FILENO), .utf8 = terminal_utf8(), .color = terminal_color()};
}

/* The window may have changed since the last state. */
void live_view_begin(struct live_view *view)
{
    view->width = terminal_width(STDERR_FILENO);
    view->count = 0;
}

void live_view_line(struct live_view *view, const char *label, const char *format, ...)
{
    va_list arguments;
    if (view->count == LIVE_LINES)
        return;
    char *line = view->lines[view->count++];
    const int length = snprintf(line, LIVE_TEXT, view->redraws ? "%-11s" : "%s ", label);
    va_start(arguments, format);
    vsnprintf(line + length, LIVE_TEXT - (size_t)length, format, arguments);
    va_end(arguments);
}

/* --- pictures ----------------------------------------------------------------------------------------------------------------------- */

struct pen {
    char *out;
    size_t used;
};

static void put(struct pen *pen, const char *text)
{
    const size_t length = strlen(text);
    if (pen->used + length >= LIVE_TEXT)
        return;
    memcpy(pen->out + pen->used, text, length + 1);
    pen->used += length;
}

char *live_bar(const struct live_view *view, double share, size_t columns, char out[LIVE_TEXT])
{
    struct pen pen = {.out = out};
    out[0] = '\0';
    if (!view->redraws || columns == 0)
        return out;
    put(&pen, view->color ? "\033[36m" : "");
    for (size_t i = 0; i < columns; i++)
        if ((double)i < share * (double)columns)
            put(&pen, view->utf8 ? "\xe2\x96\x88" : "#"); /* U+2588 */
        else
            put(&pen, view->utf8 ? "\xe2\x96\x91" : "."); /* U+2591 */
    put(&pen, view->color ? "\033[0m" : "");
    return out;
}

/* A column is the highest of the values that fall on it. U+2581 to U+2588 are eighths of a block. */
char *live_spark(const struct live_view *view, const double *values, size_t count, size_t columns, char out[LIVE_TEXT])
{
    static const char *const blocks[] = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83", "\xe2\x96\x84",
                                         "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"},
                             *const signs[] = {"_", ".", "-", ":", "=", "+", "*", "#"};
    struct pen pen = {.out = out};
    double highest = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        highest = values[i] > highest ? values[i] : highest;
    columns = columns < count ? columns : count;
    for (size_t column = 0; column < columns && view->redraws; column++) {
        double value = 0;
        for (size_t i = column * count / columns; i < (column + 1) * count / columns; i++)
            value = values[i] > value ? values[i] : value;
        const size_t level = highest > 0 ? (size_t)(value / highest * 7 + 0.5) : 0;
        put(&pen, view->utf8 ? blocks[level] : signs[level]);
    }
    return out;
}

/* --- writing ------------------------------------------------------------------------------------------------------------------------ */

/* As much of a line as fits. Colours take no room, and of UTF-8 only the first byte of a character does; all that is drawn here is one column
 * wide. A colour that is cut off is ended. */
static void put_cut(struct pen *pen, char *line, size_t width)
{
    size_t columns = 0, at = 0;
    bool colored = false;
    while (line[at]) {
        if (line[at] == ESCAPE) {
            const size_t end = at + strcspn(line + at, "m");
            colored = line[end - 1] != '0';
            at = line[end] ? end + 1 : end;
            continue;
        }
        columns += ((unsigned char)line[at] & 0xc0) != 0x80;
        if (columns > width)
            break;
        at++;
    }
    line[at] = '\0';
    put(pen, line);
    put(pen, colored ? "\033[0m" : "");
}

/* On a terminal: up to the first line of the last state, then each line over what was there. \033[K wipes before the text, as after a text
 * that fills the line it would wipe the last character. */
void live_view_show(struct live_view *view)
{
    char text[(LIVE_LINES + 1) * LIVE_TEXT];
    size_t length = 0;
    if (view->redraws && view->drawn > 0)
        length = (size_t)snprintf(text, sizeof text, "\r\033[%zuA", view->drawn);
    for (size_t i = 0; i < view->count; i++) {
        char line[LIVE_TEXT + 16];
        struct pen pen = {.out = line};
        line[0] = '\0';
        if (view->redraws)
            put_cut(&pen, view->lines[i], view->width);
        else
            put(&pen, view->lines[i]);
        length += (size_t)snprintf(text + length, sizeof text - length, view->redraws ? "\r\033[K%s\n" : "%s%s", line,
                                   i + 1 < view->count ? "; " : "\n");
    }
    view->drawn = view->count;
    for (size_t done = 0; done < length;) {
        const ssize_t wrote = write(STDERR_FILENO, text + done, length - done);
        if (wrote < 0 && errno != EINTR)
            return; /* nobody looks any more */
        done += wrote > 0 ? (size_t)wrote : 0;
    }
}
