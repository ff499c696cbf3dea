/* tune_detail.h - what is told of a tuning beyond its best: what each setting is worth alone, full replays at the limit, whether another
 * clock would choose otherwise, and who came nearest where nobody meets the limits.
 */
#ifndef PAGESIM_TUNE_DETAIL_H
#define PAGESIM_TUNE_DETAIL_H

#include "study/tune_search.h"

#define TUNE_NOBODY UINT32_MAX /* no server starts with that combination */

/* One key at one of its values, all others as they are in the best, and as given. */
struct tune_change {
    uint32_t key, digit;
    double number;                    /* of the value; NaN: it is a name */
    uint32_t around_best, from_given; /* candidates, or TUNE_NOBODY */
};

enum tune_replay { TUNE_BEST, TUNE_BEST_ABOVE, TUNE_GIVEN, TUNE_GIVEN_AT_BEST, TUNE_REPLAYS };

/* A whole replay with the first seed. */
struct tune_shown {
    uint32_t candidate;
    double load;
    struct load_result result; /* result.figures is this one's */
    struct figure_set figures;
};

/* The clock with one constant a tenth less or more. */
struct tune_by_clock {
    struct tune_clock clock;
    uint32_t winner;               /* among those that were tried */
    double winner_load, best_load; /* what it reaches, and the best of the usual clock; NaN: nothing */
};

enum { TUNE_CLOCKS_MOST = 32 };

struct tune_detail {
    struct tune_change *changes; /* by key, then by number; owned */
    size_t change_count;
    struct tune_shown *replays; /* of candidates under loads, each once; owned */
    size_t replay_count;
    const struct tune_shown *shown[TUNE_REPLAYS]; /* NULL: there is none */
    const struct tune_shown *nearest;             /* nothing meets the limits, and this misses by least of those that were looked at */
    struct tune_by_clock clocks[TUNE_CLOCKS_MOST];
    size_t clock_count;
    bool clocks_asked;       /* and with a count of 0 there is no constant to turn */
    size_t clock_candidates; /* that each clock tried */
    uint64_t clock_replays;
};

/* The values of all candidates in `changes` are known afterwards. End it with tune_detail_deinit in any case. */
SIM_NODISCARD enum status tune_detail_make(struct tune_search *search, bool clocks, struct tune_detail *out, struct diag *diag);
void tune_detail_deinit(struct tune_detail *detail);

#endif
