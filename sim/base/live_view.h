/* live_view.h - a few lines on standard error that are drawn again in place:
 *
 *     replay      42 % ██████████░░░░░░░░░░░░░  1.10 s left
 *     running    12, waiting 3, peak 23  ▁▂▃▅▇█▆▅▃▂▁
 *
 * Where lines cannot be drawn again (no terminal, TERM=dumb) each state is one plain line instead, without bars: "replay 42 %, ...; running ...".
 *
 * The cursor rests below the view between two states and is never hidden: whatever ends the process leaves a terminal that can be used and the
 * last state on it. No line is wider than the terminal, and a state is written by one call, so that it is whole.
 */
#ifndef PAGESIM_LIVE_VIEW_H
#define PAGESIM_LIVE_VIEW_H

#include <stdbool.h>
#include <stddef.h>

enum { LIVE_LINES = 8, LIVE_TEXT = 640 };

struct live_view {
    bool redraws, utf8, color;
    size_t width; /* of this state */
    size_t drawn; /* lines of the last state, which are above the cursor */
    size_t count;
    char lines[LIVE_LINES][LIVE_TEXT];
};

void live_view_open(struct live_view *view);

/* Begin a state. */
void live_view_begin(struct live_view *view);
/* Its next line: a word and what is said about it. What does not fit is cut. */
void live_view_line(struct live_view *view, const char *label, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Write it. */
void live_view_show(struct live_view *view);

/* Pictures for a line, at most so many columns wide: a share as a bar; values as a row of signs, the highest of them the largest. Nothing
 * where lines cannot be drawn again, or when there is no room. They return `out`. */
char *live_bar(const struct live_view *view, double share, size_t columns, char out[LIVE_TEXT]);
char *live_spark(const struct live_view *view, const double *values, size_t count, size_t columns, char out[LIVE_TEXT]);

#endif
