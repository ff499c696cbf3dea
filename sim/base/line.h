/* line.h - a text that is put together from pieces. What does not fit is cut, as a broken line is better than a broken report. */
#ifndef PAGESIM_LINE_H
#define PAGESIM_LINE_H

#include <stddef.h>

enum { LINE_SIZE = 1024 };

/* Zero it first. */
struct line {
    char text[LINE_SIZE];
    size_t length;
};

/* Append. */
void line_put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
