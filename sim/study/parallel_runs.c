/* parallel_runs.c - one OpenMP loop for all studies that replay many times. Only the failure of the lowest number is kept, so nothing has
 * to be allocated however many runs there are. */
#include "study/parallel_runs.h"

#include "team.h"

/* The failure with the lowest number so far. One after the other, the runs would have stopped there, and the user would have seen this
 * message; it must not depend on which thread was faster. */
struct first_failure {
    size_t at; /* SIZE_MAX: none so far */
    struct diag diag;
};

/* A run after the first failure has no use. One before it has: it may fail too, and then its message is the right one. */
static bool still_wanted(struct first_failure *failure, size_t i)
{
    bool wanted;
#pragma omp critical(parallel_runs)
    wanted = i < failure->at;
    return wanted;
}

/* The number is tested again under the lock: since still_wanted, another thread may have failed at a lower one. */
static void keep_failure(struct first_failure *failure, size_t i, enum status status, const struct diag *diag)
{
#pragma omp critical(parallel_runs)
    if (i < failure->at) {
        *failure = (struct first_failure){.at = i, .diag = *diag};
        failure->diag.status = status;
    }
}

/* schedule(dynamic, 1): runs differ in length by orders of magnitude (a small pool preempts all the time), so each thread takes the next
 * run when it is free. OpenMP has no way to leave a loop early that keeps the order, so runs that are not wanted return at once. Each run
 * has a diag of its own, as a diag keeps its first message only. */
enum status parallel_runs(size_t count, uint32_t threads, parallel_run *run, void *context, struct diag *diag)
{
    if (count == 1) /* what it does itself in parallel would be nested, and have one thread */
        return run(context, 0, diag);
    struct first_failure failure = {.at = SIZE_MAX};
    const uint32_t team = kv_team(threads);
    (void)team; /* clang's analyzer does not see that the pragma reads it */
#pragma omp parallel for schedule(dynamic, 1) num_threads(team) default(none) shared(count, run, context, failure)
    for (size_t i = 0; i < count; i++) {
        struct diag own = {0};
        enum status status = still_wanted(&failure, i) ? run(context, i, &own) : SIM_OK;
        if (status != SIM_OK)
            keep_failure(&failure, i, status, &own);
    }
    return failure.at == SIZE_MAX ? SIM_OK : diag_set(diag, failure.diag.status, "%s", failure.diag.text);
}
