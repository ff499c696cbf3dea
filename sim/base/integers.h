/* integers.h - the small functions that block arithmetic is made of. core/ has its own, as it depends on nothing. */
#ifndef PAGESIM_INTEGERS_H
#define PAGESIM_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* a / b, rounded up. Both widths do without a + b - 1, which overflows at the largest a. */
static inline uint32_t ceil_div(uint32_t a, uint32_t b)
{
    return a / b + (a % b != 0);
}

static inline uint64_t ceil_div_u64(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* An amount of time in nanoseconds, rounded: ns_of(2.5, 1e6) of 2.5 ms. What 64 bits do not hold is the most that they do. */
static inline int64_t ns_of(double amount, double unit_ns)
{
    const double ns = amount * unit_ns + 0.5;
    return ns < 0x1p63 ? (int64_t)ns : INT64_MAX;
}

#endif
