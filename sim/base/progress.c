/* progress.c - a bar that redraws its own line ten times a second, or as many calls to the host. The clock is asked only when somebody
 * looks, so that a replay into a file pays nothing. Read progress_update first.
 */
#include "base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
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
    const struct host *host = host_now();
    *progress = (struct progress){.what = what, .start_ns = now_ns()};
    progress->watched = host ? host->progress != NULL : !quiet && isatty(STDERR_FILENO) == 1;
    progress->next_ns = progress->start_ns + (host ? 0 : FIRST_NS);
}

/* The time left assumes that the rest goes as fast as what is done. \033[K clears what a longer line has left. */
static void draw(struct progress *progress, int64_t now, uint64_t done, uint64_t total)
{
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

void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
    /* Where nobody looks `now` lies before any time at which something is due, so one comparison ends the call. */
    int64_t now = progress->watched && total > 0 ? now_ns() : INT64_MIN;
    if (now < progress->next_ns)
        return;
    progress->next_ns = now + EVERY_NS;
    const struct host *host = host_now();
    if (host)
        host->progress(host->context, done, total);
    else
        draw(progress, now, done, total);
}

/* Wiped rather than finished: the results that follow are what should stay on the screen. */
void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
