/* replay_loop.h - the loop of every replay, on a virtual clock. It takes in who has arrived, lets the stepper (stepper.h) go on, and skips
 * time in which nothing can run:
 *
 *     drop those who can never run
 *     repeat:  take in everybody with arrival <= now, but for those whom the front door turns away
 *              advance: one step or several, up to the next arrival
 *              idle?  skip to the next arrival, or end when there is none
 *
 * It ends when nobody is left; when requests are left that nothing can move (a stall); when the engine dies (an abort, V0); or when so many
 * steps in a row bring no token that they never will. How the asynchronous engine fits is said in stepper.h.
 */
#ifndef PAGESIM_REPLAY_LOOP_H
#define PAGESIM_REPLAY_LOOP_H

#include "engine/stepper.h"

/* So many steps in a row without one output token are no long prompt. vLLM V1 under priority, with equal keys and the full-prompt gate off,
 * can let requests preempt each other for ever: each admission takes the blocks that the other one needs. The replay ends as a stall. */
enum { LIVELOCK_STEPS = 1000000 };

/* Whoever wants to know how far the replay is, or to stop it. */
struct replay_watch {
    /* NULL, or called now and then with requests finished so far and their total; true: stop with SIM_INTERRUPTED. */
    bool (*progress)(void *context, uint64_t finished, uint64_t total);
    void *context;
};

/* What is known of a replay when it is over. */
struct replay_facts {
    struct run_end end;
    char diagnosis[512];          /* after a stall or an abort: what happened and the remedy */
    char abort[256];              /* what end.abort points to */
    uint64_t steps_without_token; /* in a row, so far */
    /* Filled by whoever chose the stepper (sim/replay), not by the loop. */
    bool by_events;    /* the event replay ran */
    char why_not[128]; /* else: why it did not */
};

/* Drop those who can never run; before the first replay_loop_go. */
SIM_NODISCARD enum status replay_loop_begin(struct stepper *stepper, struct diag *diag);
/* Go on up to the horizon of the stepper's arrivals: until it stands there, or earlier if it is idle and nobody arrives before. With an
 * infinite horizon that is the end of the replay. */
SIM_NODISCARD enum status replay_loop_go(struct stepper *stepper, const struct replay_watch *watch, struct replay_facts *facts,
                                         struct diag *diag);

/* Run the stepper to the end of its trace, then call the observers' finish. A stall and an abort are SIM_OK; *facts tells of them. Else
 * what the stepper or an observer returned, or SIM_INTERRUPTED; the observers' finish is not called then. */
SIM_NODISCARD enum status replay_loop_run(struct stepper *stepper, const struct replay_watch *watch, struct replay_facts *facts,
                                          struct diag *diag);

#endif
