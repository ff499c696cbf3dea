/* crew.h - threads that share work which comes in many short rounds.
 *
 *     leader     what only one may do | round: piece, piece, ... | what only one may do | round ...
 *     others     look for a piece     | piece, piece, ...        | look for a piece     | ...
 *
 * A barrier waits for each thread of a team, also for one that has no processor at the moment, so that on a busy machine each round of a tenth
 * of a millisecond takes several. Here the leader waits only for pieces that another thread has begun; if nobody comes, it does all by itself.
 */
#ifndef PAGESIM_CREW_H
#define PAGESIM_CREW_H

#include <stdint.h>

struct crew;

struct crew_work {
    void *self;
    void (*lead)(void *self, struct crew *crew); /* in the caller's thread: calls crew_round as often as it likes */
    void (*piece)(void *self, uint32_t piece);   /* in any thread, at most one for each piece of a round */
    uint32_t pieces;
};

/* Calls lead with up to `threads` threads at hand, 1 or more; returns when it has returned. */
void crew_run(const struct crew_work *work, uint32_t threads);
/* All pieces, 0 .. pieces - 1. What the leader wrote before is seen by them, and what they wrote by the leader afterwards. */
void crew_round(struct crew *crew);

#endif
