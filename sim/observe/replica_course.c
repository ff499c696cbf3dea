/* replica_course.c - fills three tracks from runs of steps, and thins them to pieces. Read replica_course.h first. */
#include "observe/replica_course.h"

#include <math.h>
#include <stdlib.h>

#include "base/array.h"

enum status replica_course_create(struct replica_course **out, struct diag *diag)
{
    struct replica_course *course;
    enum status status = array_zeroed(&course, 1, sizeof *course, "pictures of replicas", diag);
    if (status != SIM_OK)
        return status;
    *out = course;
    status = array_zeroed(&course->tracks, REPLICA_TRACKS, sizeof *course->tracks, "pictures of replicas", diag);
    for (int track = 0; track < REPLICA_TRACKS && status == SIM_OK; track++)
        status = counter_track_init(&course->tracks[track], diag);
    return status;
}

static enum status on_tallies(void *self, const struct step_tally *tallies, size_t count, struct diag *diag)
{
    struct replica_course *course = self;
    (void)diag;
    for (size_t i = 0; i < count; i++) {
        const double values[REPLICA_TRACKS] = {tallies[i].running, tallies[i].waiting, tallies[i].used_blocks};
        for (int track = 0; track < REPLICA_TRACKS; track++)
            counter_track_add(&course->tracks[track], tallies[i].decided_ns, values[track]);
    }
    return SIM_OK;
}

/* No step shows that all is given back after the last request. */
static enum status on_finish(void *self, const struct run_end *end, struct diag *diag)
{
    struct replica_course *course = self;
    (void)diag;
    for (int track = 0; track < REPLICA_TRACKS && end->steps > 0 && end->unfinished == 0; track++)
        counter_track_add(&course->tracks[track], end->end_ns, 0);
    return SIM_OK;
}

struct observer replica_course_observer(struct replica_course *course)
{
    return (struct observer){.self = course, .tallies = on_tallies, .finish = on_finish};
}

static void keep_pieces(struct replica_course *course, enum replica_track which, int64_t end_ns)
{
    struct counter_track *track = &course->tracks[which];
    double carried = NAN;
    counter_track_finish(track, end_ns);
    counter_track_thin(track, REPLICA_COURSE_PIECES);
    course->width_ns[which] = track->width_ns;
    for (uint32_t piece = 0; piece < REPLICA_COURSE_PIECES; piece++) {
        struct counter_range range = {NAN, NAN, NAN};
        if (counter_track_range(track, piece, &carried, &range))
            course->pieces[which] = piece + 1;
        course->mean[which][piece] = (float)range.mean;
        course->most[which][piece] = (float)range.highest;
    }
}

static void end_tracks(struct replica_course *course)
{
    for (int track = 0; course->tracks && track < REPLICA_TRACKS; track++)
        counter_track_deinit(&course->tracks[track]);
    free(course->tracks);
    course->tracks = NULL;
}

void replica_course_end(struct replica_course *course, int64_t end_ns)
{
    for (int track = 0; track < REPLICA_TRACKS; track++)
        keep_pieces(course, (enum replica_track)track, end_ns);
    end_tracks(course);
}

void replica_course_destroy(struct replica_course *course)
{
    if (course)
        end_tracks(course);
    free(course);
}
