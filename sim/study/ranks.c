/* ranks.c - what needs no MPI: what launchers say, and work that one process does. Read ranks.h first. */
#include "study/ranks.h"

#include <stdlib.h>

/* Open MPI's mpirun; MPICH's and Intel's, and Slurm's srun for these; srun for Open MPI, which has no number of its own. What Slurm alone says
 * counts for nothing: a batch script and jobs that have nothing to do with MPI have it, too. */
static const char *const launchers[][2] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"}, {"PMI_SIZE", "PMI_RANK"}, {"SLURM_STEP_NUM_TASKS", "PMIX_RANK"}};
enum { LAUNCHERS = sizeof launchers / sizeof *launchers };

static uint32_t number_in(const char *variable)
{
    const char *text = getenv(variable);
    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

uint32_t ranks_launched(void)
{
    uint32_t most = 1;
    for (int i = 0; i < LAUNCHERS; i++)
        if (getenv(launchers[i][1]) && number_in(launchers[i][0]) > most)
            most = number_in(launchers[i][0]);
    return most;
}

bool ranks_launched_first(void)
{
    for (int i = 0; i < LAUNCHERS; i++)
        if (number_in(launchers[i][1]) > 0)
            return false;
    return true;
}

static enum status run_one(void *context, size_t i, struct diag *diag)
{
    const struct rank_work *work = context;
    return work->run(work->context, work->numbers[i], diag);
}

enum status ranks_work_alone(const struct rank_work *work, struct diag *diag)
{
    return parallel_runs(work->count, work->threads, run_one, (void *)(uintptr_t)work, diag);
}
