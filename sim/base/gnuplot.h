/* gnuplot.h - pictures by gnuplot (gnuplot.info), another program: a script in, a picture out. No shell is between the two, no file of the
 * user's is read and none is written. */
#ifndef PAGESIM_GNUPLOT_H
#define PAGESIM_GNUPLOT_H

#include <stddef.h>

#include "base/diag.h"

/* SIM_USAGE: gnuplot is not on PATH; says which package has it. Ask before any work. */
SIM_NODISCARD enum status gnuplot_check(struct diag *diag);

/* What the script draws on its standard output; the caller frees *picture. SIM_FAILED: gnuplot could not be started, ended with an error or
 * drew nothing; the message has the first line that it said. One call at a time. */
SIM_NODISCARD enum status gnuplot_draw(const char *script, size_t length, char **picture, size_t *picture_length, struct diag *diag);

/* End the gnuplot that runs just now. For handlers of signals, before the process ends at once. */
void gnuplot_abandon(void);

#endif
