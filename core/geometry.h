/* geometry.h - bounds of a walk over blocks (struct kv_geometry, pagedkv.h), and the choice apart from its measurement, for tests. Internal. */
#ifndef KV_GEOMETRY_H
#define KV_GEOMETRY_H

#include "pagedkv.h"

enum { KV_TURN_LEAST = 256, KV_TURN_MOST = 8192, KV_AHEAD_MOST = 1 << 20 };

/* Which of `count` speeds is best: the first, unless another is clearly faster. */
uint32_t kv_geometry_best(const double *speeds, uint32_t count);

#endif
