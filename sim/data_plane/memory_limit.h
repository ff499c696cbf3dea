/* memory_limit.h - which of the measured speeds of this machine's memory is the yardstick for the data plane. */
#ifndef PAGESIM_MEMORY_LIMIT_H
#define PAGESIM_MEMORY_LIMIT_H

#include "config/config.h"
#include "pagedkv.h"

/* GB/s that reading K/V that way cannot beat: of a copy for gathers, of reading for attention; 0: not measured. */
static inline double memory_limit_for(const struct kv_memory_speed *speed, enum kv_read read)
{
    return read == KV_READ_ATTEND ? speed->read_gb_per_s : speed->copy_gb_per_s;
}

#endif
