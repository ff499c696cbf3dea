/* ranks.c - what needs no MPI: what launchers say, and work that one process does. Read ranks.h first. */
#include "study/ranks.h"

#include <stdlib.h>

/* Open MPI's mpirun; MPICH's, Intel's and Slurm's for their kind of MPI. What Slurm says of a job (SLURM_NTASKS) says nothing of this
 * process: a batch script has it, too. */
static const char *const launchers[][2] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"}, {"PMI_SIZE", "PMI_RANK"}, {"MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"}};
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
        if (number_in(launchers[i][0]) > most)
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
