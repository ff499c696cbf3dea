/* progress.c - a bar that redraws its own line ten times a second, a view that does the same with several, or as many calls to the host. The
 * clock is asked only when somebody looks, so that a replay into a file pays nothing. Read progress_update first.
 */
#include "base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "base/terminal.h"
#include "base/units.h"

/* What is over within a second needs no bar. Of a view that nobody can see change, few states are enough. */
#define FIRST_NS INT64_C(1000000000)
#define EVERY_NS INT64_C(100000000)
#define PLAIN_NS INT64_C(5000000000)
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
    progress->watched = host ? host->progress != NULL : !quiet && terminal_redraws(STDERR_FILENO);
    progress->next_ns = progress->start_ns + (host ? 0 : FIRST_NS);
}

void progress_start_view(struct progress *progress, const char *what, progress_describe *describe, const void *context)
{
    progress_start(progress, what, false);
    if (host_now())
        return;
    live_view_open(&progress->view);
    progress->describe = describe;
    progress->context = context;
    progress->watched = true;
    progress->next_ns = progress->start_ns + (progress->view.redraws ? EVERY_NS : PLAIN_NS);
}

/* The time left assumes that the rest goes as fast as what is done. */
static char *time_left(const struct progress *progress, int64_t now, char out[UNIT_TEXT])
{
    snprintf(out, UNIT_TEXT, "?");
    if (progress->done > 0)
        unit_seconds((double)(now - progress->start_ns) / 1e9 * (double)(progress->total - progress->done) / (double)progress->done, out);
    return out;
}

/* The view's first line, then what the caller has to say. `ended`: how long it took instead of how long it will. */
static void draw_view(struct progress *progress, int64_t now, bool ended)
{
    enum { MARGIN = 33, BAR_LEAST = 6 };
    struct live_view *view = &progress->view;
    const double share = progress->total > 0 ? (double)progress->done / (double)progress->total : 0;
    char bar[LIVE_TEXT], time[UNIT_TEXT];
    live_view_begin(view);
    live_bar(view, share,
             view->width > MARGIN + BAR_WIDTH   ? BAR_WIDTH
             : view->width > MARGIN + BAR_LEAST ? view->width - MARGIN
                                                : BAR_LEAST,
             bar);
    if (ended)
        unit_seconds((double)(now - progress->start_ns) / 1e9, time);
    else
        time_left(progress, now, time);
    live_view_line(view, progress->what, "%3.0f %%%s%s%s%s%s", 100 * share, *bar ? " " : ",", bar, ended ? " after " : " ", time,
                   ended ? "" : " left");
    progress->describe(progress, view);
    live_view_show(view);
}

/* \033[K clears what a longer line has left. */
static void draw(struct progress *progress, int64_t now)
{
    const uint64_t done = progress->done, total = progress->total;
    progress->shown = true;
    char bar[BAR_WIDTH + 1], left[UNIT_TEXT];
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = (uint64_t)i * total < done * BAR_WIDTH ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%  %s left \033[K", progress->what, bar, 100.0 * (double)done / (double)total,
            time_left(progress, now, left));
    fflush(stderr);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t total)
{
    if (!progress->watched || total == 0)
        return;
    const struct host *host = host_now();
    const int64_t now = now_ns();
    progress->done = done;
    progress->total = total;
    if (now < progress->next_ns)
        return;
    progress->next_ns = now + (progress->describe && !progress->view.redraws ? PLAIN_NS : EVERY_NS);
    if (host)
        host->progress(host->context, done, total);
    else if (progress->describe)
        draw_view(progress, now, false);
    else
        draw(progress, now);
}

void progress_finish(struct progress *progress, uint64_t done, uint64_t total)
{
    progress->done = done;
    progress->total = total;
}

/* A bar is wiped rather than finished: the results that follow are what should stay on the screen. A view is shown even if all was over
 * before its first state was due. */
void progress_end(struct progress *progress)
{
    if (progress->describe)
        draw_view(progress, now_ns(), true);
    progress->describe = NULL;
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
