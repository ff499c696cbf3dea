/* kernels_body.h - the text of the kernels, included once by each kernels_<set>.c, which defines
 *
 *   KERNELS_NAME         the set's name
 *   LANES                floats in a vector: 4, 8 or 16
 *   STREAM(to, vector)   a streaming store to an aligned place (a plain one where there is none)
 *   HALF_TO_VECTOR(from) LANES float16 to a vector; VECTOR_TO_HALF(to, vector) the other way; may be undefined
 *   BRAIN_TO_VECTOR(from) the same for bfloat16, where the compiler's own is slow; may be undefined
 *
 * Vectors are those of the compiler (gcc and clang alike), so that the text reads like the scalar loop that it replaces. Floats are only
 * moved or, in attention, summed in a fixed order for each set.
 */
#include <math.h>
#include <string.h>

#include "geometry.h"
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

/* A plain copy is memcpy's job; this one fetches the next source meanwhile, which memcpy cannot know. */
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

/* As many independent sums as fit the registers, so that additions do not wait for each other and memory is the limit. */
static float sum_lines(const void *from, size_t bytes)
{
    enum { STEP = 256, CHAINS = STEP / VECTOR_BYTES }; /* as many additions may be under way */
    const unsigned char *in = from;
    vector sums[CHAINS] = {{0}};
    for (size_t at = 0; at + STEP <= bytes; at += STEP)
        for (int i = 0; i < CHAINS; i++)
            sums[i] += load(in + at + (size_t)i * VECTOR_BYTES);
    for (int i = 1; i < CHAINS; i++)
        sums[0] += sums[i];
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += sums[0][lane];
    return sum;
}

/* Rows that lie together go to places `stride` bytes apart: a token's heads into its block. Nothing is asked for ahead: what is read in order
 * the processor finds by itself, and requests of ours took a tenth of the speed. */
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

/* --- types of rows ---------------------------------------------------------------------------------------------------------------- */

#define ALWAYS static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Types of K/V rows, as enum kv_store_dtype counts them. */
enum { TYPE_FLOAT32, TYPE_FLOAT16, TYPE_BFLOAT16 };

typedef uint32_t words __attribute__((vector_size(LANES * 4)));
typedef uint16_t halves __attribute__((vector_size(LANES * 2)));

/* Widening is a shift: the 16 bits are the upper half of the float32. */
ALWAYS vector bfloat16_vector(const uint16_t *from)
{
#ifdef BRAIN_TO_VECTOR
    return BRAIN_TO_VECTOR(from);
#else
    halves narrow;
    memcpy(&narrow, from, sizeof narrow);
    return (vector)(__builtin_convertvector(narrow, words) << 16);
#endif
}

ALWAYS vector float16_vector(const uint16_t *from)
{
#ifdef HALF_TO_VECTOR
    return HALF_TO_VECTOR(from);
#else
    float lanes[LANES];
    for (int i = 0; i < LANES; i++)
        lanes[i] = kv_float16_to_float(from[i]);
    return load(lanes);
#endif
}

/* Where the i-th vector of a row of floats begins. */
ALWAYS size_t at_vector(int i)
{
    return (size_t)i * LANES;
}

ALWAYS size_t type_bytes(int type)
{
    return type == TYPE_FLOAT32 ? 4 : 2;
}

ALWAYS vector load_as(int type, const unsigned char *row, size_t index)
{
    if (type == TYPE_FLOAT32)
        return load(row + index * 4);
    const uint16_t *half = (const uint16_t *)(const void *)row + index;
    return type == TYPE_FLOAT16 ? float16_vector(half) : bfloat16_vector(half);
}

ALWAYS float load_one(int type, const unsigned char *row, size_t index)
{
    const uint16_t *half = (const uint16_t *)(const void *)row;
    if (type == TYPE_FLOAT32)
        return ((const float *)(const void *)row)[index];
    return type == TYPE_FLOAT16 ? kv_float16_to_float(half[index]) : kv_bfloat16_to_float(half[index]);
}

static void bfloat16_to_float(float *to, const uint16_t *from, size_t count)
{
    size_t at = 0;
    for (; at + LANES <= count; at += LANES)
        store(to + at, bfloat16_vector(from + at));
    for (; at < count; at++)
        to[at] = kv_bfloat16_to_float(from[at]);
}

/* The compiler makes vectors of this loop by itself. */
static void float_to_bfloat16(uint16_t *to, const float *from, size_t count)
{
    for (size_t at = 0; at < count; at++)
        to[at] = kv_bfloat16_from_float(from[at]);
}

static void float16_to_float(float *to, const uint16_t *from, size_t count)
{
    size_t at = 0;
    for (; at + LANES <= count; at += LANES)
        store(to + at, float16_vector(from + at));
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

/* --- runs side by side ------------------------------------------------------------------------------------------------------------
 * A core reads memory at its full speed only while its level-2 prefetchers run, and they start anew at each jump and stop at each page
 * (of the host's tables, in a virtual machine): about 600 ns are lost each time, as much as copying 12 KiB takes. So up to eight runs are read
 * in turn, some lines of each, which gives the prefetchers eight streams at a time; and each line that is read asks for one that is read
 * later, into the second level, because the first has too few places for lines under way. Together: 0.46 to 0.93 of the limit. How many
 * runs and lines are best is the processor's: geometry.c. */

ALWAYS void move_line(int type, bool stream, unsigned char *to, const unsigned char *from)
{
    UNROLL
    for (int i = 0; i < LINE / VECTOR_BYTES; i++) {
        vector value = load_as(type, from, at_vector(i));
        if (stream) // NOLINT(bugprone-branch-clone): the portable set has no streaming stores
            STREAM(to + at_vector(i) * sizeof(float), value);
        else
            store(to + at_vector(i) * sizeof(float), value);
    }
}

/* What is less than a line; `bytes` of the source. */
ALWAYS void move_few(int type, unsigned char *to, const unsigned char *from, size_t bytes)
{
    if (type == TYPE_FLOAT32)
        memcpy(to, from, bytes);
    else if (type == TYPE_FLOAT16)
        float16_to_float((float *)(void *)to, (const uint16_t *)(const void *)from, bytes / 2);
    else
        bfloat16_to_float((float *)(void *)to, (const uint16_t *)(const void *)from, bytes / 2);
}

ALWAYS void move_runs(int type, bool stream, const struct kv_runs *runs)
{
    const size_t widening = 4 / type_bytes(type), step = LINE / widening; /* bytes of source that make a line */
    unsigned char *to[KV_RUNS_MAX];
    const unsigned char *from[KV_RUNS_MAX], *ahead[KV_RUNS_MAX];
    size_t left[KV_RUNS_MAX], common = SIZE_MAX, at = 0;
    for (uint32_t run = 0; run < runs->count; run++) {
        to[run] = runs->to[run];
        from[run] = runs->from[run];
        ahead[run] = runs->ahead[run];
        size_t head = stream ? (LINE - (size_t)to[run] % LINE) % LINE / widening : 0; /* streaming stores want whole aligned lines */
        head = head < runs->bytes ? head : runs->bytes;
        move_few(type, to[run], from[run], head);
        to[run] += head * widening;
        from[run] += head;
        left[run] = runs->bytes - head;
        common = left[run] < common ? left[run] : common;
    }
    for (; at + runs->turn <= common; at += runs->turn)
        for (uint32_t run = 0; run < runs->count; run++)
            for (size_t few = at; few < at + runs->turn; few += KV_TURN_LEAST) {
                unsigned char *out = to[run] + few * widening;
                const unsigned char *in = from[run] + few, *next = ahead[run] + few;
                for (size_t part = 0; part < KV_TURN_LEAST && runs->fetch; part += LINE)
                    __builtin_prefetch(next + part, 0, 2);
                UNROLL
                for (size_t part = 0; part < KV_TURN_LEAST; part += step)
                    move_line(type, stream, out + part * widening, in + part);
            }
    for (uint32_t run = 0; run < runs->count; run++) {
        size_t done = at;
        for (; done + step <= left[run]; done += step) {
            if (runs->fetch)
                __builtin_prefetch(ahead[run] + done, 0, 2);
            move_line(type, stream, to[run] + done * widening, from[run] + done);
        }
        move_few(type, to[run] + done * widening, from[run] + done, left[run] - done);
    }
}

#define MOVE(name, type)                                                                                                                   \
    static void name(const struct kv_runs *runs, bool stream)                                                                              \
    {                                                                                                                                      \
        if (stream)                                                                                                                        \
            move_runs(type, true, runs);                                                                                                   \
        else                                                                                                                               \
            move_runs(type, false, runs);                                                                                                  \
    }
MOVE(move_float32, TYPE_FLOAT32)
MOVE(move_float16, TYPE_FLOAT16)
MOVE(move_bfloat16, TYPE_BFLOAT16)

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
        .name = KERNELS_NAME, .sum = sum_lines, .copy = copy_bytes, .stream = stream_bytes, .spread = spread_rows,                         \
        .move = {move_float32, move_float16, move_bfloat16}, .float16_to_float = float16_to_float, .bfloat16_to_float = bfloat16_to_float, \
        .float_to_float16 = float_to_float16, .float_to_bfloat16 = float_to_bfloat16,                                                      \
        .attend = {attend_float32, attend_float16, attend_bfloat16},                                                                       \
    }
