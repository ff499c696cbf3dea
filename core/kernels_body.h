/* kernels_body.h - the text of the kernels, included once by each kernels_<set>.c, which defines
 *
 *   KERNELS_NAME         the set's name
 *   LANES                floats in a vector: 4, 8 or 16
 *   STREAM(to, vector)   a streaming store to an aligned place (a plain one where there is none)
 *   HALF_TO_VECTOR(from) LANES float16 to a vector; VECTOR_TO_HALF(to, vector) the other way; may be undefined
 *
 * Vectors are those of the compiler (gcc and clang alike), so that the text reads like the scalar loop that it replaces. Floats are only
 * moved or, in attention, summed in a fixed order for each set.
 */
#include <math.h>
#include <string.h>

#include "half_float.h"
#include "kernels.h"

typedef float vector __attribute__((vector_size(LANES * 4)));
enum { VECTOR_BYTES = LANES * 4, LINE = 64 };

static inline vector load(const void *from)
{
    vector value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void store(void *to, vector value)
{
    memcpy(to, &value, sizeof value);
}

static void copy_bytes(void *to, const void *from, size_t bytes, const void *ahead)
{
    unsigned char *out = to;
    const unsigned char *in = from, *next = ahead;
    size_t at = 0;
    for (; at + LINE <= bytes; at += LINE) {
        if (next)
            __builtin_prefetch(next + at);
        for (size_t part = 0; part < LINE; part += VECTOR_BYTES)
            store(out + at + part, load(in + at + part));
    }
    memcpy(out + at, in + at, bytes - at);
}

static void stream_bytes(void *to, const void *from, size_t bytes, const void *ahead)
{
    unsigned char *out = to;
    const unsigned char *in = from, *next = ahead;
    size_t head = (LINE - (size_t)out % LINE) % LINE, at = head < bytes ? head : bytes;
    memcpy(out, in, at); /* streaming stores want whole aligned lines */
    for (; at + LINE <= bytes; at += LINE) {
        if (next)
            __builtin_prefetch(next + at);
        for (size_t part = 0; part < LINE; part += VECTOR_BYTES)
            STREAM(out + at + part, load(in + at + part));
    }
    memcpy(out + at, in + at, bytes - at);
}

/* Rows that lie together go to places `stride` bytes apart: a token's heads into its block. */
static void spread_rows(void *to, size_t stride, const void *from, size_t row_bytes, size_t rows, bool stream)
{
    unsigned char *out = to;
    const unsigned char *in = from;
    if (stream && ((size_t)to | stride | row_bytes) % LINE == 0) {
        for (size_t row = 0; row < rows; row++, out += stride, in += row_bytes)
            for (size_t at = 0; at < row_bytes; at += VECTOR_BYTES)
                STREAM(out + at, load(in + at));
        return;
    }
    for (size_t row = 0; row < rows; row++)
        copy_bytes(out + row * stride, in + row * row_bytes, row_bytes, NULL);
}

/* --- 16-bit types ----------------------------------------------------------------------------------------------------------------- */

typedef uint32_t words __attribute__((vector_size(LANES * 4)));
typedef uint16_t halves __attribute__((vector_size(LANES * 2)));

static inline vector bfloat16_vector(const uint16_t *from)
{
    halves narrow;
    memcpy(&narrow, from, sizeof narrow);
    return (vector)(__builtin_convertvector(narrow, words) << 16);
}

enum { LINE_HALVES = LINE / 2 };

static void bfloat16_to_float(float *to, const uint16_t *from, size_t count, bool stream, const uint16_t *ahead)
{
    size_t at = 0;
    if (stream && (size_t)to % VECTOR_BYTES == 0)
        for (; at + LINE_HALVES <= count; at += LINE_HALVES) {
            if (ahead)
                __builtin_prefetch(ahead + at);
            for (size_t part = at; part < at + LINE_HALVES; part += LANES)
                STREAM(to + part, bfloat16_vector(from + part));
        }
    for (; at + LANES <= count; at += LANES)
        store(to + at, bfloat16_vector(from + at));
    for (; at < count; at++)
        to[at] = kv_bfloat16_to_float(from[at]);
}

static void float_to_bfloat16(uint16_t *to, const float *from, size_t count)
{
    for (size_t at = 0; at < count; at++)
        to[at] = kv_bfloat16_from_float(from[at]);
}

static void float16_to_float(float *to, const uint16_t *from, size_t count, bool stream, const uint16_t *ahead)
{
    size_t at = 0;
#ifdef HALF_TO_VECTOR
    if (stream && (size_t)to % VECTOR_BYTES == 0)
        for (; at + LINE_HALVES <= count; at += LINE_HALVES) {
            if (ahead)
                __builtin_prefetch(ahead + at);
            for (size_t part = at; part < at + LINE_HALVES; part += LANES)
                STREAM(to + part, HALF_TO_VECTOR(from + part));
        }
    for (; at + LANES <= count; at += LANES)
        store(to + at, HALF_TO_VECTOR(from + at));
#else
    (void)stream;
    (void)ahead;
#endif
    for (; at < count; at++)
        to[at] = kv_float16_to_float(from[at]);
}

static void float_to_float16(uint16_t *to, const float *from, size_t count)
{
    size_t at = 0;
#ifdef VECTOR_TO_HALF
    for (; at + LANES <= count; at += LANES)
        VECTOR_TO_HALF(to + at, load(from + at));
#endif
    for (; at < count; at++)
        to[at] = kv_float16_from_float(from[at]);
}

/* --- attention -------------------------------------------------------------------------------------------------------------------- */

/* e^x for x <= 0 in every lane: 2^n * e^r with r = x - n ln 2 in two parts, |r| <= 0.35, and the Taylor polynomial of degree 7, whose
 * rest is below 1e-8. Far below zero it is 0. */
static inline vector exponential(vector x)
{
    typedef int32_t integers __attribute__((vector_size(LANES * 4)));
    const float shift = 0x1.8p23F; /* adding it rounds to the nearest integer, which then stands in the low bits */
    const vector least = (vector){0} - 87.0F;
    const integers inside = (integers)(x > least);
    x = (vector)(((integers)x & inside) | ((integers)least & ~inside));
    vector n = x * 1.44269504F + shift;
    integers power = (integers)n << 23;
    n -= shift;
    vector r = x - n * 0.693145752F - n * 1.42860677e-6F;
    vector sum = r * (1.0F / 5040) + 1.0F / 720;
    sum = sum * r + 1.0F / 120;
    sum = sum * r + 1.0F / 24;
    sum = sum * r + 1.0F / 6;
    sum = sum * r + 0.5F;
    sum = sum * r + 1.0F;
    sum = sum * r + 1.0F;
    return (vector)((integers)sum + power);
}

/* After both texts. */
#define KERNELS_TABLE                                                                                                                      \
    {                                                                                                                                      \
        .name = KERNELS_NAME, .copy = copy_bytes, .stream = stream_bytes, .spread = spread_rows, .float16_to_float = float16_to_float,     \
        .bfloat16_to_float = bfloat16_to_float, .float_to_float16 = float_to_float16, .float_to_bfloat16 = float_to_bfloat16,              \
        .attend = {attend_float32, attend_float16, attend_bfloat16},                                                                       \
    }
