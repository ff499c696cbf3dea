/* team.h - how many threads share a piece of work. OMP_NUM_THREADS is anybody's number, and each thread costs memory and a stack: more than
 * a few for each processor only cost, and libgomp ends the program when it cannot make as many as it is asked for. */
#ifndef PAGEDKV_TEAM_H
#define PAGEDKV_TEAM_H

#include <stddef.h>
#include <stdint.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { KV_TEAM_ALWAYS = 16 }; /* as many may be asked for on any machine */

/* `threads`, or as many as OpenMP would take (0), but at most one a processor or 16. At least 1; and 1 within a team: who is one of several
 * threads has its share already, whatever OMP_MAX_ACTIVE_LEVELS says. */
static inline uint32_t kv_team(uint32_t threads)
{
#ifdef _OPENMP
    const uint32_t processors = (uint32_t)omp_get_num_procs(), most = processors > KV_TEAM_ALWAYS ? processors : KV_TEAM_ALWAYS;
    const uint32_t wanted = threads ? threads : (uint32_t)omp_get_max_threads();
    return omp_in_parallel() ? 1 : wanted > most ? most : wanted;
#else
    (void)threads;
    return 1;
#endif
}

/* The team for moving or reading so many bytes: kv_team's, or 1 where others would not come in time. */
uint32_t kv_team_for(uint32_t threads, size_t bytes);
/* Share from so many bytes on, in the whole process; 0: as usual. For tests, which have little to move. */
void kv_team_share_from(size_t bytes);

#endif
