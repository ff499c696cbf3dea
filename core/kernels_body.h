/* kernels_body.h - the text of the kernels, included once by each kernels_<set>.c, which defines
 *
 *   KERNELS_NAME         the set's name
 *   LANES                floats in a vector: 4, 8 or 16
 *   STREAM(to, vector)   a streaming store to an aligned place (a plain one where there is none)
 *   SUM(vector)          sum of its lanes; may be undefined
 *   HALF_TO_VECTOR(from) LANES float16 to a vector; VECTOR_TO_HALF(to, vector) the other way; may be undefined
 *
 * Vectors are those of the compiler (gcc and clang alike), so that the text reads like the scalar loop that it replaces. Floats are only
 * moved or, in attention, summed in a fixed order for each set.
 */
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

/* --- 16-bit types ----------------------------------------------------------------------------------------------------------------- */

typedef uint32_t words __attribute__((vector_size(LANES * 4)));
typedef uint16_t halves __attribute__((vector_size(LANES * 2)));

static inline vector bfloat16_vector(const uint16_t *from)
{
    halves narrow;
    memcpy(&narrow, from, sizeof narrow);
    return (vector)(__builtin_convertvector(narrow, words) << 16);
}

static void bfloat16_to_float(float *to, const uint16_t *from, size_t count, bool stream)
{
    size_t at = 0;
    if (stream && (size_t)to % VECTOR_BYTES == 0)
        for (; at + LANES <= count; at += LANES)
            STREAM(to + at, bfloat16_vector(from + at));
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

static void float16_to_float(float *to, const uint16_t *from, size_t count, bool stream)
{
    size_t at = 0;
#ifdef HALF_TO_VECTOR
    if (stream && (size_t)to % VECTOR_BYTES == 0)
        for (; at + LANES <= count; at += LANES)
            STREAM(to + at, HALF_TO_VECTOR(from + at));
    for (; at + LANES <= count; at += LANES)
        store(to + at, HALF_TO_VECTOR(from + at));
#else
    (void)stream;
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

#ifndef SUM
/* Pairwise, in the shape that the processors' own reductions have. */
static inline float sum_of(vector value)
{
    float lanes[LANES];
    memcpy(lanes, &value, sizeof value);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lanes[i] += lanes[i + half];
    return lanes[0];
}
#define SUM(value) sum_of(value)
#endif

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

static void exponentials(float *values, uint32_t count)
{
    for (uint32_t at = 0; at < count; at += LANES)
        store(values + at, exponential(load(values + at)));
}

static void dot_rows(const float *queries, uint32_t group, const float *keys, uint32_t rows, uint32_t head_dim, float *scores)
{
    for (uint32_t row = 0; row < rows; row++) {
        const float *key = keys + (size_t)row * head_dim;
        for (uint32_t g = 0; g < group; g++) {
            const float *query = queries + (size_t)g * head_dim;
            vector sum = {0};
            float rest = 0;
            uint32_t d = 0;
            for (; d + LANES <= head_dim; d += LANES)
                sum += load(query + d) * load(key + d);
            for (; d < head_dim; d++)
                rest += query[d] * key[d];
            scores[g * KV_CHUNK_ROWS + row] = SUM(sum) + rest;
        }
    }
}

static void add_rows(float *outputs, const float *scale, const float *weights, uint32_t group, const float *values, uint32_t rows,
                     uint32_t head_dim)
{
    for (uint32_t g = 0; g < group; g++) {
        float *output = outputs + (size_t)g * head_dim;
        uint32_t d = 0;
        for (; d + LANES <= head_dim; d += LANES) {
            vector sum = load(output + d) * scale[g];
            for (uint32_t row = 0; row < rows; row++)
                sum += load(values + (size_t)row * head_dim + d) * weights[g * KV_CHUNK_ROWS + row];
            store(output + d, sum);
        }
        for (; d < head_dim; d++) {
            output[d] *= scale[g];
            for (uint32_t row = 0; row < rows; row++)
                output[d] += values[(size_t)row * head_dim + d] * weights[g * KV_CHUNK_ROWS + row];
        }
    }
}

#define KERNELS_TABLE                                                                                                                      \
    {                                                                                                                                      \
        .name = KERNELS_NAME, .copy = copy_bytes, .stream = stream_bytes, .float16_to_float = float16_to_float,                            \
        .bfloat16_to_float = bfloat16_to_float, .float_to_float16 = float_to_float16, .float_to_bfloat16 = float_to_bfloat16,              \
        .dot_rows = dot_rows, .add_rows = add_rows, .exponentials = exponentials,                                                          \
    }
