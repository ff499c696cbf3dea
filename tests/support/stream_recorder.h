/* stream_recorder.h - an observer that keeps everything a replay says, and says where two such recordings differ. */
#ifndef TESTS_STREAM_RECORDER_H
#define TESTS_STREAM_RECORDER_H

#include "replay/replay.h"

struct stream {
    struct step_tally *tallies;
    size_t tally_count, tally_capacity;
    struct event *events;
    size_t event_count, event_capacity;
    struct run_end end;
    size_t tally_limit; /* 0, or stop the replay with SIM_INTERRUPTED after so many: some random cases never end */
};

struct observer stream_observer(struct stream *stream);
/* Replay with this observer alone. Aborts where the step-time model cannot be made. */
enum status stream_record(const struct trace *trace, const struct config *config, bool reference, struct stream *stream,
                          struct replay_facts *facts, struct diag *diag);
void stream_deinit(struct stream *stream);

/* An observer of runs that holds each against the recorded tallies of the same steps: the first tally in every field, and every sum, peak
 * and duration against a walk over the single steps. Events are compared one by one. */
struct run_check {
    const struct stream *expected; /* by the plain scheduler */
    uint32_t block_size;
    bool contiguity;        /* ask for table_runs and compare them; else they are left out */
    size_t tallies, events; /* how many were compared */
    size_t longest;         /* steps of the longest run */
    bool equal;             /* start with true */
    char text[256];         /* the first difference */
};
struct observer run_check_observer(struct run_check *check);

/* True when both say the same in every field; else `text` names the first difference. */
bool stream_equal(const struct stream *a, const struct stream *b, char *text, size_t size);

#endif
