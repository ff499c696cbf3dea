/* test_replica_course.c - what is kept for small pictures, of values that are known. */
#include <criterion/criterion.h>
#include <math.h>

#include "observe/replica_course.h"

static void tell(struct replica_course *course, int64_t at_ns, uint32_t running, uint32_t waiting, uint32_t used)
{
    struct diag diag = {0};
    const struct observer observer = replica_course_observer(course);
    const struct step_tally tally = {.decided_ns = at_ns, .running = running, .waiting = waiting, .used_blocks = used};
    cr_assert_eq(observer.tallies(observer.self, &tally, 1, &diag), SIM_OK);
}

/* Before its start a replica has no values; from then on a piece has the mean over its time and the most. */
Test(replica_course, keeps_mean_and_most_of_each_piece)
{
    struct replica_course *course = NULL;
    struct diag diag = {0};
    const int64_t start_ns = 1 << 20, end_ns = 1 << 24;
    cr_assert_eq(replica_course_create(&course, &diag), SIM_OK);
    tell(course, start_ns, 2, 0, 10);
    tell(course, end_ns / 2, 6, 3, 30);
    tell(course, end_ns / 2 + 1, 4, 0, 20);
    const struct observer observer = replica_course_observer(course);
    const struct run_end end = {.steps = 3, .end_ns = end_ns};
    cr_assert_eq(observer.finish(observer.self, &end, &diag), SIM_OK);
    replica_course_end(course, end_ns);
    cr_expect_null(course->tracks);
    for (int track = 0; track < REPLICA_TRACKS; track++) {
        const int64_t width_ns = course->width_ns[track];
        cr_assert(width_ns > 0 && end_ns / width_ns <= REPLICA_COURSE_PIECES);
        const uint32_t middle = (uint32_t)(end_ns / 2 / width_ns), first = (uint32_t)(start_ns / width_ns);
        const float before[] = {2, 0, 10}, most[] = {6, 3, 30}, after[] = {4, 0, 20};
        cr_expect(first == 0 || isnan(course->mean[track][first - 1]));
        cr_expect_eq(course->mean[track][middle - 1], before[track]);
        cr_expect_eq(course->most[track][middle], most[track]);
        cr_expect(fabs((double)course->mean[track][middle] - (double)after[track]) < 0.01);
        cr_expect_eq(course->mean[track][middle + 1], after[track]);
    }
    replica_course_destroy(course);
}
