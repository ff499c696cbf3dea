/* memory_speed.c - measures the best that this machine's memory can do, as the yardstick for gathers and attention.
 *
 * It uses the same kernels as the data plane, on memory that lies in order and in large pages. What a gather does not reach of this, its
 * jumps cost it. The best of some rounds is taken, because whatever else runs on the machine can only make a round slower. */
#include <stddef.h>
#include <string.h>

#include "kernels.h"
#include "pagedkv.h"
#include "pages.h"
#include "team.h"
#include "wall_clock.h"

enum { PIECES = 64, ROUNDS = 4, AHEAD = 2048 };
#define TOTAL_BYTES ((size_t)64 << 20)

/* With streaming stores: a plain copy reads each line of the destination before it writes it, which moves half as much again. */
static void copy_piece(unsigned char *to, const unsigned char *from, size_t bytes)
{
    kv_kernels()->stream(to, from, bytes, from + AHEAD);
    kv_kernels_fence();
}

static void read_piece(const unsigned char *from, size_t bytes)
{
    float sum = kv_kernels()->sum(from, bytes);
    __asm__ volatile("" ::"m"(sum)); /* so that the reading is not left out */
}

/* Best speed of ROUNDS after one that touches the memory. `to` NULL: read only. */
static double best_speed(unsigned char *to, const unsigned char *from, uint32_t threads)
{
    const size_t piece = TOTAL_BYTES / PIECES;
    const uint32_t team = kv_team(threads ? threads : 1);
    double best = 0;
    (void)team; /* the build without OpenMP */
    for (int round = 0; round <= ROUNDS; round++) {
        double start = kv_seconds();
#pragma omp parallel for schedule(static) num_threads(team) default(none) shared(to, from, piece)
        for (size_t i = 0; i < PIECES; i++) {
            if (to)
                copy_piece(to + i * piece, from + i * piece, piece);
            else
                read_piece(from + i * piece, piece);
        }
        double speed = (double)TOTAL_BYTES / (kv_seconds() - start) / 1e9;
        if (round > 0 && speed > best)
            best = speed;
    }
    return best;
}

/* In large pages, so that the measurement is of memory and not of address translation; written once before it is read, as pages that were
 * never written are all one page of zeros, which the cache holds. */
struct kv_memory_speed kv_memory_speed_measure(uint32_t threads)
{
    struct kv_memory_speed speed = {0};
    size_t from_bytes = TOTAL_BYTES + AHEAD, to_bytes = TOTAL_BYTES;
    enum kv_pages kind;
    unsigned char *from = kv_pages_map(&from_bytes, &kind), *to = kv_pages_map(&to_bytes, &kind);
    if (from && to) {
        memset(from, 1, TOTAL_BYTES + AHEAD);
        speed.copy_gb_per_s = best_speed(to, from, threads);
        speed.read_gb_per_s = best_speed(NULL, from, threads);
    }
    kv_pages_unmap(from, from_bytes);
    kv_pages_unmap(to, to_bytes);
    return speed;
}
