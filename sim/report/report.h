/* report.h - what a replay tells: a table for people, JSON and CSV for programs, and every figure by name for --require.
 *
 * All figures stand in one flat list of (name, value); names carry their unit. JSON is that list plus configuration and provenance; CSV is
 * that list as two columns. Measured times of this machine stand apart ("measured"), as they differ from run to run; everything else is a
 * function of trace, configuration and seed.
 */
#ifndef PAGESIM_REPORT_H
#define PAGESIM_REPORT_H

#include <stdio.h>

#include "base/json.h"
#include "config/sizing.h"
#include "data_plane/worker.h"
#include "figure/figure.h"
#include "figure/goodput.h"
#include "figure/latency_choice.h"
#include "observe/ledger.h"
#include "observe/metrics.h"
#include "pagedkv.h"
#include "replay/engine.h"

enum { REPORT_SCHEMA_VERSION = 1, REPORT_FIGURES_MOST = 256 };

struct measured {
    double replay_seconds, cpu_seconds; /* of the replay alone; of the process so far */
    struct kv_memory_speed limit;       /* zero: not measured */
    uint32_t threads;
};

struct report {
    const struct trace *trace;
    const struct config *config;
    const struct metrics *metrics;
    const struct ledger *ledger;
    const struct worker_totals *worker; /* NULL: no data plane */
    const struct replay_facts *facts;
    const struct goodput *goodput;       /* NULL: no limits were given */
    const struct latency_choice *choice; /* NULL, or collected: further percentiles */
    const struct sizing *sizing;         /* NULL or not known: the pool's size was given in blocks */
    struct measured measured;
    struct figure figures[REPORT_FIGURES_MOST];
    size_t figure_count;
};

/* GB/s that reading K/V cannot beat on this machine: of a copy for gathers, of reading for attention; 0: not measured. */
double report_read_limit(const struct report *report);

/* Compute the list of figures from the observers. Everything is borrowed. */
void report_collect(struct report *report);

/* NULL when no figure has that name. */
const struct figure *report_find(const struct report *report, const char *name);

/* At most 80 columns. `color`: highlight headings. */
void report_print(const struct report *report, FILE *file, bool color);
/* The whole report; `with_measured` false leaves out what differs from run to run. */
void report_write_json(const struct report *report, struct json_text *json, bool with_measured);
/* name,value lines with a header. */
void report_print_csv(const struct report *report, FILE *file);

/* Bytes of K/V that one block holds: of the configured model on one GPU, else of the kv shape. */
uint64_t report_block_bytes(const struct config *config);

#endif
