/* gnuplot_script.h - a chart as a script for gnuplot (base/gnuplot.h): one picture for a paper, in a column's width, on white.
 *
 * The script is complete: numbers stand in it as data blocks, and the picture goes to standard output. So whoever wants it otherwise changes
 * the script. Colours are those of the page (html/page.css).
 */
#ifndef PAGESIM_GNUPLOT_SCRIPT_H
#define PAGESIM_GNUPLOT_SCRIPT_H

#include <stdio.h>

#include "base/chart.h"

enum picture_form { PICTURE_SVG, PICTURE_PNG, PICTURE_SCRIPT, PICTURE_FORMS };

/* The script that draws an SVG or a PNG; PICTURE_SCRIPT: that of the SVG, with a word on its use. */
void gnuplot_script(const struct chart *chart, enum picture_form form, FILE *file);

#endif
