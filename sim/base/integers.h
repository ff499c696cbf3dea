/* integers.h - the two small functions that block arithmetic is made of. core/ has its own, as it depends on nothing. */
#ifndef PAGESIM_INTEGERS_H
#define PAGESIM_INTEGERS_H

#include <stdint.h>

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* a / b, rounded up; no overflow at the largest a. */
static inline uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return a / b + (a % b != 0);
}

#endif
