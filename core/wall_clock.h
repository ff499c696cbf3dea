/* wall_clock.h - seconds from some moment on, for measurements of this machine. Internal. */
#ifndef KV_WALL_CLOCK_H
#define KV_WALL_CLOCK_H

#include <time.h>

static inline double kv_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
