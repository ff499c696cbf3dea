/* progress.c - a bar that redraws its own line ten times a second. The clock is asked only when standard error is a terminal, so that a
 * replay into a file pays nothing. Read progress_update first.
 */
#include "base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"

/* What is over within a second needs no bar. */
#define FIRST_NS INT64_C(1000000000)
#define EVERY_NS INT64_C(100000000)
enum { BAR_WIDTH = 40 };

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_start(struct progress *progress, const char *what, bool quiet)
{
    *progress = (struct progress){.what = what, .terminal = !quiet && isatty(STDERR_FILENO) == 1, .start_ns = now_ns()};
    progress->next_ns = progress->start_ns + FIRST_NS;
}

/* The time left assumes that the rest goes as fast as what is done. \033[K clears what a longer line has left. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
    /* Without a terminal `now` lies before any time at which something is due, so one comparison ends the call. */
    int64_t now = progress->terminal && total > 0 ? now_ns() : INT64_MIN;
    if (now < progress->next_ns)
        return;
    progress->next_ns = now + EVERY_NS;
    progress->shown = true;
    char bar[BAR_WIDTH + 1], left[UNIT_TEXT] = "?";
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = (uint64_t)i * total < done * BAR_WIDTH ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    if (done > 0)
        unit_seconds((double)(now - progress->start_ns) / 1e9 * (double)(total - done) / (double)done, left);
    fprintf(stderr, "\r%s [%s] %3.0f %%  %s left \033[K", progress->what, bar, 100.0 * (double)done / (double)total, left);
    fflush(stderr);
}

/* Wiped rather than finished: the results that follow are what should stay on the screen. */
void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
