/* figure.h - the one table of figures: every number by which a run is judged, with its name, unit, sense and meaning.
 *
 * Everything that names a figure uses this table: reports, CSV headers, sweep columns, --require, --objectives, compare. Names are vLLM's
 * where its benchmark has one. `pagesim figures` prints the table. A new figure is one row in figure_rows.h.
 *
 * Every latency also has percentiles that no row lists, such as p99.9_queue_ms. They are computed when asked for (run_figures.h).
 *
 *     figure_kind    what a figure is: a row of the table
 *     figure         one figure's value in one run
 *     figure_set     the figures of one run, in the table's order, then the further percentiles
 */
#ifndef PAGESIM_FIGURE_H
#define PAGESIM_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "observe/latency.h"

enum { FIGURE_NAME_SIZE = 64, FIGURES_MOST = 256 };

enum figure_unit {
    FIGURE_COUNT, /* of things: whole numbers, unless a mean */
    FIGURE_MS,
    FIGURE_S,
    FIGURE_SHARE, /* 0..1 */
    FIGURE_PER_S, /* requests or tokens a second */
    FIGURE_BYTES, /* people see MiB */
    FIGURE_GB_PER_S
};

enum figure_sense { FIGURE_LESS_IS_BETTER, FIGURE_MORE_IS_BETTER, FIGURE_NEITHER };

/* How the values of several seeds become one. */
enum figure_combine { FIGURE_MEAN, FIGURE_MAX };

/* Which runs have the figure. */
enum figure_scope {
    FIGURE_ALWAYS,
    FIGURE_OF_SPECULATION,  /* runs in which tokens are drafted */
    FIGURE_OF_OFFLOADING,   /* runs with K and V in the host's memory */
    FIGURE_OF_HANDOVER,     /* runs that get prompts which other servers computed */
    FIGURE_OF_GROUPS,       /* engines with groups of sequences (V0) */
    FIGURE_OF_BYTES,        /* runs that move K/V bytes */
    FIGURE_OF_GOODPUT,      /* runs that were given limits */
    FIGURE_OF_CLIENT,       /* runs with max_concurrency, where the client holds requests back */
    FIGURE_OF_FLEET,        /* runs of several servers, and those that are compared with them or whose price is told */
    FIGURE_OF_MACHINE,      /* runs that move K/V bytes; measured on this machine, so it differs from run to run */
    FIGURE_OF_VALIDATION,   /* comparisons with a measured run */
    FIGURE_OF_COMPARED_RUN, /* either side of a comparison (`pagesim compare`) */
    FIGURE_OF_COMPARISON,   /* a comparison as a whole */
};

struct figure_kind {
    const char *name;
    enum figure_unit unit;
    enum figure_sense sense;
    enum figure_combine combine;
    enum figure_scope scope;
    bool whole;          /* an integer */
    const char *heading; /* over a column for people */
    const char *meaning; /* a sentence without a full stop */
};

extern const struct figure_kind figure_kinds[];
extern const size_t figure_kind_count;

/* The row with that name. For a percentile that no row lists, a row is made in *made; its name points to `name`. NULL: there is none. */
const struct figure_kind *figure_kind_find(const char *name, struct figure_kind *made);

/* "p99.9_queue_ms" -> LATENCY_QUEUE, 99.9. False: not the name of a percentile. */
bool figure_parse_percentile(const char *name, enum latency *latency, double *percentile);

/* Scopes of a run, as bits 1 << enum figure_scope. */
#define FIGURE_SCOPE(scope) (1u << (scope))

/* SIM_USAGE: there is no figure of that name, or runs of these scopes lack it. The message starts with WHAT and gives the nearest name. */
SIM_NODISCARD enum status figure_check_name(const char *what, const char *name, unsigned scopes, struct diag *diag);

/* How many decimals reports for people show; TABLE_WHOLE for counts (table.h). */
int figure_decimals(const struct figure_kind *kind);
/* "less is better"; NULL: neither is. */
const char *figure_sense_text(enum figure_sense sense);

/* --- values ------------------------------------------------------------------------------------------------------------------------ */

struct figure {
    char name[FIGURE_NAME_SIZE];
    double value;
    bool whole;
    bool measured;  /* on this machine (FIGURE_OF_MACHINE): not a function of trace, configuration and seed */
    bool undefined; /* there is no value, for example TPOT when all outputs have one token; value is 0 then */
};

struct figure_set {
    struct figure list[FIGURES_MOST];
    size_t count;
};

/* Append a figure that is in the table; NaN is undefined. More than FIGURES_MOST are left out. */
void figure_set_add(struct figure_set *set, const struct figure_kind *kind, double value);
/* The same by name; the name must be in the table. */
void figure_set_put(struct figure_set *set, const char *name, double value);

/* NULL when the set has no figure of that name. */
const struct figure *figure_set_find(const struct figure_set *set, const char *name);
/* NaN when it has none or it is undefined. */
double figure_set_value(const struct figure_set *set, const char *name);

/* All digits, for programs: whole figures as integers, others as the shortest text that reads back the same, "" when undefined. `out` has
 * 32 bytes. */
char *figure_text(const struct figure *figure, char *out);

/* --- figures that are wanted in addition to those of every report --------------------------------------------------------------------- */

enum { FIGURE_WISHES_MOST = 96 };

struct figure_wishes {
    char names[FIGURE_WISHES_MOST][FIGURE_NAME_SIZE];
    size_t count;
};

/* Remember a percentile to compute. A name that is a row of the table, or is there already, is not added. SIM_USAGE: more than
 * FIGURE_WISHES_MOST. */
SIM_NODISCARD enum status figure_wish(struct figure_wishes *wishes, const char *name, struct diag *diag);

#endif
