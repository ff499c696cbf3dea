/* chart_print.h - a chart for the terminal, at most 80 columns wide.
 *
 *      40 % |                       aaaaaaaa           100 % ..........................
 *           |              aaAaaaaaa   B                     xxx#++++++++++++++++++++++
 *           |       aaaaaaabbbb                              ####+++++++++++++++++++x##
 *       0 % +aaaabbbbbbbb---------------------           0 % ##########################
 *            1k          10k          100k                   0 s                   3 s
 */
#ifndef PAGESIM_CHART_PRINT_H
#define PAGESIM_CHART_PRINT_H

#include <stdio.h>

#include "base/chart.h"

/* Later lines are drawn over earlier ones, marks over all. `utf8`: areas are shaded blocks instead of letters. A chart without extent prints
 * nothing. */
void chart_print(const struct chart *chart, bool color, bool utf8, FILE *file);

#endif
