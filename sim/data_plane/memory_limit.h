/* memory_limit.h - what this machine's memory can do, measured: the yardstick for the data plane's bandwidth.
 *
 * A sequential copy with streaming stores and prefetch, and a sequential read, of more than the caches hold, by as many threads as the
 * data plane uses; the best of a few rounds by the wall clock. Takes about 0.1 s.
 */
#ifndef PAGESIM_MEMORY_LIMIT_H
#define PAGESIM_MEMORY_LIMIT_H

#include <stdint.h>

struct memory_limit {
    double copy_gb_per_s, read_gb_per_s; /* bytes copied, or read, a ns; 0: not measured (no memory for it) */
};

struct memory_limit memory_limit_measure(uint32_t threads);

#endif
