/* size_replicas.h - how many servers of one configuration meet requirements under the load that is given: rate_search.h over fleets.
 *
 * A ladder of loads is one of fleets read backwards: with fewer servers each has more to bear. Verdicts are not monotone here either, as
 * another number of servers shuffles who meets whom. So the answer is the fewest servers such that they, and every larger fleet that was
 * looked at, pass; looked at is the largest, what a search that doubles its steps and then halves them comes by, and RATE_BAND fleets on
 * either side of the answer, all of them:
 *
 *     servers  1 2 3 4 5 6 7 8 9 ...  most
 *              F F F P F P P P P ...  P
 *                  ^     ^ answer, 4 is told as passing by chance
 */
#ifndef PAGESIM_SIZE_REPLICAS_H
#define PAGESIM_SIZE_REPLICAS_H

#include "study/load_run.h"
#include "study/rate_search.h"

struct replicas_question {
    struct load_question load;   /* fixed: arrivals are the configuration's */
    const struct config *config; /* its number of replicas is not looked at */
    uint32_t least, most;        /* fleets that are asked about */
};

/* A fleet that was replayed. */
struct replicas_tried {
    uint32_t replicas;
    struct load_result result;
    struct figure_set figures;
};

struct replicas_answer {
    uint32_t answer;               /* 0: not even the most will do */
    struct replicas_tried **tried; /* by number of servers; owned */
    size_t count, capacity;
};

/* SIM_BAD_INPUT: a fleet that is looked at cannot be. SIM_INTERRUPTED. End it with replicas_answer_deinit in any case. */
SIM_NODISCARD enum status size_replicas(const struct replicas_question *question, struct replicas_answer *out, struct diag *diag);
void replicas_answer_deinit(struct replicas_answer *answer);

/* NULL: it was not replayed. */
const struct replicas_tried *replicas_tried_at(const struct replicas_answer *answer, uint32_t replicas);

/* The configuration with so many servers. What one costs is told, too. */
void replicas_apply(const struct replicas_question *question, uint32_t replicas, struct config *config);

#endif
