/* replay_course.c - fills the tracks from tallies and the pauses from events. Read replay_course.h first; on_tallies says which clock each
 * track goes by. It watches a replay only if a page of pictures is wanted: tallies cost more than the runs that others take. */
#include "observe/replay_course.h"

#include <stdlib.h>

#include "base/array.h"
#include "config/kv_groups.h"

enum status replay_course_init(struct replay_course *course, const struct trace *trace, const struct config *config, struct diag *diag)
{
    *course = (struct replay_course){.trace = trace, .block_size = kv_groups_of(config).alignment};
    sample_track_init(&course->gaps);
    enum status status = memory_map_init(&course->map, trace, config, diag);
    for (int track = 0; track < COURSE_TRACKS && status == SIM_OK; track++)
        status = counter_track_init(&course->tracks[track], diag);
    return status;
}

void replay_course_deinit(struct replay_course *course)
{
    for (int track = 0; track < COURSE_TRACKS; track++)
        counter_track_deinit(&course->tracks[track]);
    memory_map_deinit(&course->map);
    free(course->pauses);
    free(course->newest);
    *course = (struct replay_course){0};
}

/* What the step computes. Time in which no step runs is a step of no tokens; where it has no length, the last step runs on. */
static void add_work(struct replay_course *course, const struct step_tally *tally)
{
    const int64_t vain = tally->vain_tokens, prefill = tally->prefill_tokens, decode = (int64_t)tally->scheduled_tokens - prefill - vain;
    const bool gap = tally->step == TALLY_GAP;
    if (gap && tally->duration_ns == 0)
        return;
    counter_track_add(&course->tracks[COURSE_PREFILL_TOKENS], tally->start_ns, (double)prefill);
    counter_track_add(&course->tracks[COURSE_DECODE_TOKENS], tally->start_ns, decode > 0 ? (double)decode : 0);
    counter_track_add(&course->tracks[COURSE_VAIN_TOKENS], tally->start_ns, (double)vain);
    counter_track_add(&course->tracks[COURSE_STEP_MS], tally->start_ns, gap ? 0 : (double)tally->duration_ns / 1e6);
}

static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    struct replay_course *course = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const struct step_tally *tally = &tallies[i];
        const uint64_t slots = (uint64_t)tally->table_blocks * course->block_size - tally->shared_empty_slots;
        course->preemptions += tally->preemptions;
        if (tally->regular_gaps > 0)
            sample_track_add(&course->gaps, tally->start_ns + tally->duration_ns, tally->duration_ns, tally->regular_gaps);
        const double values[] = {tally->running,
                                 tally->waiting,
                                 tally->used_blocks,
                                 tally->cached_blocks,
                                 (double)tally->free_blocks - tally->cached_blocks,
                                 (double)(slots - tally->held_tokens),
                                 (double)course->preemptions};
        for (int track = 0; track <= COURSE_PREEMPTIONS; track++)
            counter_track_add(&course->tracks[track], tally->decided_ns, values[track]);
        add_work(course, tally);
    }
    return SIM_OK;
}

static enum status preempt(struct replay_course *course, const struct event *event, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!course->newest)
        status = array_zeroed(&course->newest, course->trace->count, sizeof *course->newest, "pauses", diag);
    if (status == SIM_OK)
        status = array_reserve(&course->pauses, &course->pause_capacity, course->pause_count + 1, sizeof *course->pauses, "pauses", diag);
    if (status != SIM_OK)
        return status;
    if (course->newest[event->request] > 0)
        course->pauses[course->newest[event->request] - 1].caught_up_ns = event->time_ns;
    course->pauses[course->pause_count++] = (struct course_pause){.from_ns = event->time_ns,
                                                                  .to_ns = -1,
                                                                  .caught_up_ns = -1,
                                                                  .request = event->request,
                                                                  .recomputes = event->extra == PREEMPT_RECOMPUTE};
    course->newest[event->request] = (uint32_t)course->pause_count;
    return SIM_OK;
}

/* What ends a pause, or the computing after it. A token that was on its way when the request lost its blocks comes during the pause, and the
 * request may end by it; then nothing is computed again. */
static void go_on(struct replay_course *course, const struct event *event)
{
    struct course_pause *pause = &course->pauses[course->newest[event->request] - 1];
    const bool over = event->kind == EVENT_FINISH || event->kind == EVENT_IGNORE;
    const bool waits = pause->to_ns < 0, token = event->kind == EVENT_GAP || event->kind == EVENT_FIRST_TOKEN;
    if (waits && (over || event->kind == EVENT_READMIT || event->kind == EVENT_SWAP_IN))
        pause->to_ns = event->time_ns;
    if (over || (token && !waits)) {
        pause->caught_up_ns = event->time_ns;
        course->newest[event->request] = 0;
    }
}

static enum status on_events(void *self, const struct event *events, size_t count, struct diag *diag)
{
    struct replay_course *course = self;
    enum status status = SIM_OK;
    for (size_t i = 0; i < count && status == SIM_OK; i++) {
        const struct event *event = &events[i];
        if (event->kind == EVENT_GAP)
            sample_track_add(&course->gaps, event->time_ns, event->value, event->extra);
        if (event->kind == EVENT_PREEMPT)
            status = preempt(course, event, diag);
        else if (course->newest && course->newest[event->request] > 0)
            go_on(course, event);
    }
    return status;
}

static enum status look(void *self, const struct pool_states *pool, int64_t *next_ns, struct diag *diag)
{
    return memory_map_look(&((struct replay_course *)self)->map, pool, next_ns, diag);
}

/* No step shows that all is given back after the last request. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    static const enum course_track emptied[] = {COURSE_RUNNING,        COURSE_WAITING,       COURSE_USED_BLOCKS, COURSE_EMPTY_SLOTS,
                                                COURSE_PREFILL_TOKENS, COURSE_DECODE_TOKENS, COURSE_VAIN_TOKENS, COURSE_STEP_MS};
    struct replay_course *course = self;
    (void)diag;
    for (size_t i = 0; i < sizeof emptied / sizeof *emptied && end->steps > 0 && end->unfinished == 0; i++)
        counter_track_add(&course->tracks[emptied[i]], end->end_ns, 0);
    return SIM_OK;
}

struct observer replay_course_observer(struct replay_course *course)
{
    return (struct observer){
        .self = course, .tallies = on_tallies, .events = on_events, .pool = course->map.cells ? look : NULL, .finish = on_finish};
}
