/* replay_report.h - the report of `pagesim replay` on one run, as a document.
 *
 * Times measured on this machine are kept apart under "measured", because they differ from run to run. Everything else is a function of trace,
 * configuration and seed.
 */
#ifndef PAGESIM_REPLAY_REPORT_H
#define PAGESIM_REPLAY_REPORT_H

#include "config/sizing.h"
#include "data_plane/memory_limit.h"
#include "observe/replay_course.h"
#include "report/document.h"
#include "run/run.h"

struct measured {
    double replay_seconds, cpu_seconds; /* of the replay alone; of the process so far */
    struct kv_memory_speed limit;       /* zero: not measured */
    uint32_t threads;
};

struct replay_result {
    const struct run *run;        /* replayed */
    struct replay_course *course; /* what pictures need; NULL: none. Thinned to what they show */
    const struct sizing *sizing;  /* its `known` is false when the pool's size was given in blocks */
    const char *replica_traces;   /* the folder with the requests of each replica; NULL: none */
    struct measured measured;
};

/* The caller destroys the document. */
struct document *replay_report(const struct replay_result *result, const struct document_origin *origin);

/* How the pool's size was computed, in a line or two. Nothing when it was given in blocks. */
void sizing_lines(struct document *document, const struct sizing *sizing);

/* The figures that a page shows first. */
void replay_key_figures(struct document *document, const struct figure_set *figures);

/* The charts of a page (replay_pictures.c). */
void replay_pictures(struct document *document, const struct replay_result *result);

/* The lines of the report that are for people (replay_report_lines.c). */
void replay_report_lines(struct document *document, const struct replay_result *result);

#endif
