/* later_turns.h - sessions: a later turn comes when the turn before it has ended and its user has thought.
 *
 *     asks at = max(its arrival in the trace, end of the turn before + delay)
 *
 * A turn ends when the last of its samples does. One that was dropped before the replay ends when it would have asked, and one that was
 * rejected when it came, so that the session goes on without it. Turns that may ask wait in a heap by (time, position). Belongs to one replay and one thread. Constant time an end without
 * sessions, else logarithmic in the sessions that are going.
 */
#ifndef PAGESIM_LATER_TURNS_H
#define PAGESIM_LATER_TURNS_H

#include "base/diag.h"
#include "trace/trace.h"

struct later_turns {
    const struct trace *trace; /* NULL: no sessions, and nothing else is used */
    int64_t *asks_ns;          /* by position, once it is known */
    uint32_t *heap;            /* positions that may ask */
    uint32_t count;
    uint32_t *samples_going; /* by position of sample 0; NULL: every position is a request of its own */
};

/* Borrows trace; a trace without sessions allocates nothing. */
SIM_NODISCARD enum status later_turns_init(struct later_turns *turns, const struct trace *trace, struct diag *diag);
void later_turns_deinit(struct later_turns *turns);

/* `position` ended at `now_ns`, or would have asked then and was dropped. is_dropped: by position, or NULL. */
void later_turns_end(struct later_turns *turns, uint32_t position, int64_t now_ns, const bool *is_dropped);

/* Take the first one, turns->heap[0], out. */
void later_turns_pop(struct later_turns *turns);

#endif
