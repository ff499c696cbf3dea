/* crew.c - pieces are drawn from one counter. Read crew.h first. */
#include "fleet/crew.h"

#include <sched.h>
#include <stdbool.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "base/integers.h"

struct crew {
    const struct crew_work *work;
    uint32_t share;      /* so many pieces are drawn at once: drawing costs as much as a small one */
    uint32_t next, done; /* of this round: the piece that is drawn next, or there are none; pieces that are finished */
    bool over;
};

enum { LOOKS_BEFORE_YIELDING = 1 << 15, SHARES = 32 };

/* Whoever has looked in vain for a tenth of a millisecond gives the processor away. Not earlier: on a busy machine it is gone for a time slice, and a
 * share of pieces takes microseconds. */
static void look_again(uint32_t *looks)
{
    if (++*looks % LOOKS_BEFORE_YIELDING == 0)
        sched_yield();
}

/* False: none is left. A thread that was late for the last round gets pieces of this one. */
static bool do_share(struct crew *crew)
{
    const struct crew_work *work = crew->work;
    const uint32_t share = crew->share;
    uint32_t first;
#pragma omp atomic capture acq_rel
    {
        first = crew->next;
        crew->next += share;
    }
    if (first >= work->pieces)
        return false;
    const uint32_t end = min_u32(first + share, work->pieces);
    for (uint32_t piece = first; piece < end; piece++)
        work->piece(work->self, piece);
#pragma omp atomic update release
    crew->done += end - first;
    return true;
}

void crew_round(struct crew *crew)
{
    uint32_t done = 0, looks = 0;
#pragma omp atomic write relaxed
    crew->done = 0;
#pragma omp atomic write release
    crew->next = 0;
    while (do_share(crew)) {}
    while (done < crew->work->pieces) {
#pragma omp atomic read acquire
        done = crew->done;
        look_again(&looks);
    }
}

#ifdef _OPENMP
/* The counter is only drawn from when there are pieces: it must not run over. */
static void help(struct crew *crew)
{
    bool over = false;
    for (uint32_t looks = 0; !over; look_again(&looks)) {
        uint32_t next;
#pragma omp atomic read relaxed
        next = crew->next;
        if (next < crew->work->pieces)
            while (do_share(crew)) {}
#pragma omp atomic read acquire
        over = crew->over;
    }
}
#endif

static void lead(struct crew *crew)
{
    crew->work->lead(crew->work->self, crew);
#pragma omp atomic write release
    crew->over = true;
}

void crew_run(const struct crew_work *work, uint32_t threads)
{
    struct crew crew = {.work = work, .share = 1 + work->pieces / SHARES, .next = work->pieces};
    (void)threads; /* without OpenMP there is one */
#ifdef _OPENMP
#pragma omp parallel num_threads(threads) if (threads > 1)
    if (omp_get_thread_num() > 0)
        help(&crew);
    else
#endif
        lead(&crew);
}
