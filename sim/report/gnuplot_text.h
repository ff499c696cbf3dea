/* gnuplot_text.h - what others wrote, as a script for gnuplot may hold it, and the page's colours (html/page.css).
 *
 * Text of others (names of series, categories, titles) stands in single quotes alone, where gnuplot expands nothing, and enhanced text is
 * off. A doubled quote is meant to be a quote there, but at the start of a string gnuplot 5.4 takes it for the end. So text never has one:
 * quotes and backquotes become characters that look like them, and what is not printable an escape (base/printable.h).
 */
#ifndef PAGESIM_GNUPLOT_TEXT_H
#define PAGESIM_GNUPLOT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Letters of a name in the legend or of an axis, and of a category; a longer one is cut. */
enum { GNUPLOT_NAME_MOST = 40, GNUPLOT_CATEGORY_MOST = 24 };

/* A string of one line. `category`: labels along axes are formats. */
void gnuplot_put_quoted(const char *text, bool category, FILE *file);
/* A string of at most three lines of at most `most` letters, cut at spaces; returns how many. Of no text: nothing. */
int gnuplot_put_title(const char *title, size_t most, FILE *file);

/* "#0072b2": the page's colour of series of that group; paler where it covers a whole grid. */
const char *gnuplot_color(size_t group, char out[8]);
const char *gnuplot_pale_color(size_t group, char out[8]);

#endif
