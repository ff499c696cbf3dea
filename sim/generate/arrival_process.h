/* arrival_process.h - when requests arrive: a table of processes, spelled as spec_text.h says, for example gamma:rate=4,cv=2.
 *
 * A process gives one arrival after the other, in nanoseconds from the start of the trace; the first is at 0. Where requests come in
 * sessions, what arrives is sessions, and `rate` stays that of requests: it is divided by the mean number of requests in one.
 */
#ifndef PAGESIM_ARRIVAL_PROCESS_H
#define PAGESIM_ARRIVAL_PROCESS_H

#include <stdint.h>

#include "base/diag.h"
#include "generate/spec_text.h"

/* The latest time that a trace may hold, 285 years (doc/formats.md, section 1). */
#define ARRIVAL_LATEST_NS INT64_C(9000000000000000000)

struct arrival_process;

struct arrival_state {
    uint64_t random;
    int64_t now_ns;
    double left_s; /* onoff: of the time in which requests come */
    bool begun;
};

struct arrival_kind {
    struct spec_name spec;
    bool closed; /* users instead of arrivals: a user's next request waits for the answer to the last */
    /* Seconds from one arrival to the next. */
    double (*gap_s)(const struct arrival_process *self, struct arrival_state *state);
};

struct arrival_process {
    const struct arrival_kind *kind; /* NULL: none was read */
    double keys[SPEC_KEYS];
    double per_arrival; /* requests that come with one arrival, on average: 1 unless there are sessions */
    char text[96];      /* as it was spelled, for messages */
};

/* SIM_USAGE: what spec_read_keys says. */
SIM_NODISCARD enum status arrival_process_read(struct arrival_process *out, const struct spec_place *place, struct diag *diag);

/* Another mean gap, of requests; 0: all at once. A process without a rate becomes Poisson. */
void arrival_process_set_gap(struct arrival_process *process, double gap_s);

/* Users of a closed loop, and over how many seconds they begin. Only where kind->closed. */
uint32_t arrival_process_users(const struct arrival_process *process);
double arrival_process_ramp_s(const struct arrival_process *process);

void arrival_start(struct arrival_state *state, uint64_t seed);

/* The next arrival to state->now_ns. SIM_BAD_INPUT: it would be later than ARRIVAL_LATEST_NS. */
SIM_NODISCARD enum status arrival_next(const struct arrival_process *process, struct arrival_state *state, struct diag *diag);

/* `seconds` after `ns`. SIM_BAD_INPUT as above; `setting` is the option to name, and what it says. */
SIM_NODISCARD enum status arrival_add(int64_t ns, double seconds, const char *setting, const char *text, int64_t *out, struct diag *diag);

/* The table, for help pages: the i-th row, NULL after the last. */
const struct spec_name *arrival_process_name(size_t i);

#endif
