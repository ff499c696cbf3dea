/* line.c - appends printf-like pieces to a text of fixed size. vsnprintf returns how long the piece would have been, so the length is cut
 * back to what is there: without that the next piece would be written past the end. */
#include "base/line.h"

#include <stdarg.h>
#include <stdio.h>

void line_put(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line->text + line->length, LINE_SIZE - line->length, format, arguments);
    va_end(arguments);
    line->length += more > 0 ? (size_t)more : 0;
    if (line->length >= LINE_SIZE)
        line->length = LINE_SIZE - 1;
}
