/* progress.h - a progress bar on standard error, for anything that takes longer than a second, when that is a terminal; or calls to the
 * host (host.h). */
#ifndef PAGESIM_PROGRESS_H
#define PAGESIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;    /* "replay" */
    bool shown, watched; /* watched: somebody looks, so updates by several threads must take turns */
    int64_t start_ns, next_ns;
};

/* `quiet`: never draw. */
void progress_start(struct progress *progress, const char *what, bool quiet);
/* Draw when it is time to; cheap otherwise. */
void progress_update(struct progress *progress, uint64_t done, uint64_t total);
/* Wipe the bar. */
void progress_end(struct progress *progress);

#endif
