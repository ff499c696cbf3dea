/* decision_recorder.h - an observer that keeps a fingerprint of the decisions of each step and of what its output brought, tables included, and
 * says where two recordings differ. */
#ifndef TESTS_DECISION_RECORDER_H
#define TESTS_DECISION_RECORDER_H

#include "engine/observer.h"

struct decisions {
    uint64_t *decided, *completed; /* a fingerprint a step */
    size_t decided_count, decided_capacity, completed_count, completed_capacity;
    size_t limit; /* stop the replay with SIM_INTERRUPTED after so many steps: some random cases never end */
};

/* Looks at what `observer.decisions` promises. */
struct observer decisions_observer(struct decisions *decisions);
void decisions_deinit(struct decisions *decisions);
/* True when both are the same; else `text` names the first step that differs. */
bool decisions_equal(const struct decisions *a, const struct decisions *b, char *text, size_t size);

#endif
