/* ranks_alone.c - a build without MPI: one rank, or a clear word that there should be more. Read ranks.h first. */
#include "study/ranks.h"

enum status ranks_open(bool asked, struct diag *diag)
{
    const uint32_t launched = ranks_launched();
    if (launched > 1)
        return diag_set(diag, SIM_USAGE,
                        "%u processes were started, and as this build has no MPI each of them would do everything; `make mpi` builds one "
                        "that shares the work (or give each a --shard)",
                        launched);
    return asked ? diag_set(diag, SIM_USAGE, "--mpi: this build has no MPI; `make mpi` builds one that has") : SIM_OK;
}

void ranks_close(void) {}

enum status ranks_exit_status(enum status status)
{
    return status;
}

uint32_t ranks_count(void)
{
    return 1;
}

uint32_t ranks_number(void)
{
    return 0;
}

enum status ranks_agree(enum status status, uint64_t fingerprint, struct diag *diag)
{
    (void)fingerprint;
    (void)diag;
    return status;
}

enum status ranks_share_trace(enum status status, struct trace **trace, struct diag *diag)
{
    (void)trace;
    (void)diag;
    return status;
}

enum status ranks_hand_out(const struct rank_work *work, struct diag *diag)
{
    return ranks_work_alone(work, diag);
}
