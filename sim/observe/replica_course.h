/* replica_course.h - how one replica of a fleet went, for small pictures: requests that run and wait, and blocks in use, over time.
 *
 * There may be hundreds of replicas: while one is replayed its tracks are as large as those of a single server (counter_track.h), afterwards only the
 * pieces are kept that a small picture shows.
 */
#ifndef PAGESIM_REPLICA_COURSE_H
#define PAGESIM_REPLICA_COURSE_H

#include "engine/observer.h"
#include "observe/counter_track.h"

enum { REPLICA_COURSE_PIECES = 128 };
enum replica_track { REPLICA_RUNNING, REPLICA_WAITING, REPLICA_USED_BLOCKS, REPLICA_TRACKS };

struct replica_course {
    struct counter_track *tracks; /* [REPLICA_TRACKS] while it is replayed; NULL afterwards */
    int64_t width_ns[REPLICA_TRACKS];
    uint32_t pieces[REPLICA_TRACKS]; /* up to the end of the replica */
    /* Of each piece the mean over time and the most, from the time 0 on; NaN: before it started. */
    float mean[REPLICA_TRACKS][REPLICA_COURSE_PIECES], most[REPLICA_TRACKS][REPLICA_COURSE_PIECES];
};

SIM_NODISCARD enum status replica_course_create(struct replica_course **out, struct diag *diag);
struct observer replica_course_observer(struct replica_course *course);
/* After the replay, which ended at end_ns: keep the pieces alone. */
void replica_course_end(struct replica_course *course, int64_t end_ns);
/* NULL is fine. */
void replica_course_destroy(struct replica_course *course);

#endif
