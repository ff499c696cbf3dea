/* printable.h - text of others (names of files and fields, values of options, words of a trace) made harmless before it reaches a terminal.
 *
 * A terminal obeys control characters. So what is not printable is shown as an escape: \n, \t, \x1b; a byte that is not UTF-8 as \xff; a C1
 * control, a line separator or a character that turns the direction of text as \u0085. All else, UTF-8 included, stays as it is.
 */
#ifndef PAGESIM_PRINTABLE_H
#define PAGESIM_PRINTABLE_H

#include <stdbool.h>
#include <stdio.h>

/* Bytes of the longest escape and its terminator; how many times as long as the text the result may be. */
enum { PRINTABLE_ESCAPE = 12, PRINTABLE_GROWTH = 4 };

/* Bytes of the character at the start of `text`, which is not at its end; *code: the character, or -1 for a byte that is not UTF-8. */
size_t printable_next(const char *text, long *code);
/* Does a terminal only show it? Not so with -1. */
bool printable_code(long code);
/* The whole text. */
bool printable(const char *text);

/* One character, or what stands for it; returns how many bytes of `text` it was. */
size_t printable_show(const char *text, char out[PRINTABLE_ESCAPE]);

/* Copy as much as fits, whole characters and escapes only, and terminate. */
void printable_copy(const char *text, char *out, size_t size);
/* The same to a stream. `lines`: line ends stay, for text of several lines that the program itself has put together. */
void printable_put(const char *text, bool lines, FILE *file);

#endif
