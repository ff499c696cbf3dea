/* ranks.h - one command in several processes, which may be on several machines: MPI's ranks, where the program was built with it (make mpi).
 *
 * All ranks run the same command line. Rank 0 is the one that people see: it alone prints, writes files and holds the journal; notices of the
 * others are muted. What takes long is handed out: rank 0 gives numbers of work to whoever is free, and each result comes back as a line of
 * text, which rank 0 takes as if it had been read from a journal.
 *
 *     rank 0                                    rank 1, 2, ...
 *     ranks_open           all                  ranks_open
 *     reads the trace                           waits
 *     ranks_share_trace    all                  ranks_share_trace     one copy a machine
 *     checks all points                         checks all points
 *     ranks_agree          all                  ranks_agree           a failure of one is everybody's
 *     ranks_hand_out       all                  ranks_hand_out
 *       run, and           <- number wanted     run in all threads
 *       take lines         numbers ->
 *                          <- line
 *     tells                                     returns
 *     ranks_close          all                  ranks_close
 *
 * Functions marked "all" must be called by all ranks in the same order, whatever failed before. In a build without MPI, or when nobody started
 * several processes, there is one rank, number 0, and everything here costs nothing: ranks_mpi.c and ranks_alone.c are the same functions, of
 * which a build has one. State is the process's, as MPI's is; one thread calls these functions.
 *
 * A rank that dies ends them all: the launcher ends the others, rank 0 says how to go on, and its journal has every line that it took.
 */
#ifndef PAGESIM_RANKS_H
#define PAGESIM_RANKS_H

#include <stdatomic.h>

#include "base/json.h"
#include "study/parallel_runs.h"
#include "trace/trace.h"

/* Pieces of work that do not depend on each other, each with a number. */
struct rank_work {
    const size_t *numbers; /* rank 0's: what is to be done, the first first; others have none */
    size_t count;
    uint32_t threads;       /* of this rank */
    const atomic_int *stop; /* NULL, or not 0 once the user has had enough */
    void *context;
    parallel_run *run;                                                   /* do it and keep the result; any thread */
    void (*write)(void *context, size_t number, struct json_text *line); /* the kept result; other ranks */
    enum status (*take)(void *context, size_t from, const char *line, size_t length,
                        struct diag *diag);                  /* keep it; rank 0, from rank `from` */
    enum status (*settle)(void *context, struct diag *diag); /* rank 0, after it has taken or done some: put them on the disk */
};

/* What launchers say in the environment, before anything is opened: how many processes they have started of this command (1: just one, or
 * none that is known), and whether this is the first. */
uint32_t ranks_launched(void);
bool ranks_launched_first(void);

/* Join the others, if there are any or `asked` says so. SIM_USAGE: there are some and this build has no MPI, so that each would do
 * everything. SIM_FAILED: MPI does not start. End with ranks_close in any case. */
SIM_NODISCARD enum status ranks_open(bool asked, struct diag *diag);
void ranks_close(void);

/* What the process should end with: of a failure that all ranks know rank 0 tells, alone, so that no launcher ends it before it has. */
SIM_NODISCARD enum status ranks_exit_status(enum status status);

uint32_t ranks_count(void);
uint32_t ranks_number(void);

/* All. The first rank's failure becomes everybody's, with its name; so does a `fingerprint` that differs from rank 0's. */
SIM_NODISCARD enum status ranks_agree(enum status status, uint64_t fingerprint, struct diag *diag);

/* All. `*trace` is rank 0's, or NULL after a failure, which `status` says; on all ranks it becomes one that shares its arrays with the others
 * on the same machine. trace_destroy ends it. */
SIM_NODISCARD enum status ranks_share_trace(enum status status, struct trace **trace, struct diag *diag);

/* All. Do the work, in all threads of all ranks. Afterwards rank 0 has all results. The status is the same everywhere, except
 * that SIM_INTERRUPTED is known only to those who were. */
SIM_NODISCARD enum status ranks_hand_out(const struct rank_work *work, struct diag *diag);

/* The same in this process alone: for both builds. */
SIM_NODISCARD enum status ranks_work_alone(const struct rank_work *work, struct diag *diag);

#endif
