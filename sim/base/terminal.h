/* terminal.h - what the terminals of this process can show. Environment variables are read directly, as setlocale() would also change the
 * decimal point of numbers. */
#ifndef PAGESIM_TERMINAL_H
#define PAGESIM_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Is the descriptor a terminal on which lines can be drawn again? Not with TERM=dumb. */
bool terminal_redraws(int descriptor);
/* Columns of the terminal: of its window and of COLUMNS the smaller one; 80 when neither is known. */
size_t terminal_width(int descriptor);
/* Does the language's character set have more than ASCII? */
bool terminal_utf8(void);
/* NO_COLOR is not set, whatever its value. */
bool terminal_color(void);

#endif
