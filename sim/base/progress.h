/* progress.h - how far something is, on standard error: a progress bar for anything that takes longer than a second, when that is a terminal;
 * a live view (live_view.h) where one is asked for; or calls to the host (host.h). */
#ifndef PAGESIM_PROGRESS_H
#define PAGESIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/live_view.h"

struct progress;

/* Add the lines below the bar of a live view (live_view_line). progress->context is the caller's. */
typedef void progress_describe(const struct progress *progress, struct live_view *view);

struct progress {
    const char *what;    /* "replay" */
    bool shown, watched; /* watched: somebody looks, so updates by several threads must take turns */
    int64_t start_ns, next_ns;
    uint64_t done, total;        /* of the last update */
    progress_describe *describe; /* NULL: no live view */
    const void *context;
    struct live_view view;
};

/* `quiet`: never draw. */
void progress_start(struct progress *progress, const char *what, bool quiet);
/* The same with a live view of the bar and what `describe` says; without a terminal, a line every few seconds. A host's calls stay as they are. */
void progress_start_view(struct progress *progress, const char *what, progress_describe *describe, const void *context);
/* Draw when it is time to; cheap otherwise. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);
/* The last state of a view is of the end, which comes between two updates. */
void progress_finish(struct progress *progress, uint64_t done, uint64_t total);
/* Wipe the bar; a view stays, with its last state. */
void progress_end(struct progress *progress);

#endif
