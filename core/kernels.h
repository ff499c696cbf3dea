/* kernels.h - the inner loops that move and read K/V bytes, once for each instruction set, chosen at run time.
 *
 * One text (kernels_body.h) is compiled for each: portable (16-byte vectors of the compiler), AVX2, AVX-512, NEON. Streaming stores go
 * past the caches: they win when the destination is larger than the cache and lose when it is soon read again, so the caller decides.
 * A kernel that streams must be followed by kv_kernels_fence before other threads read.
 * Internal to core/, its tests and benchmarks; the public part (kv_kernels_name, kv_kernels_select) is in pagedkv.h.
 */
#ifndef KV_KERNELS_H
#define KV_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pagedkv.h"

enum { KV_CHUNK_ROWS = 16 }; /* attention: rows at once */
enum { KV_RUNS_MAX = 8 };    /* runs of bytes that are moved together */

/* Runs of equal length from anywhere to anywhere; none overlaps another. */
struct kv_runs {
    uint32_t count; /* 1..KV_RUNS_MAX */
    size_t turn;    /* so many bytes of each in turn, a multiple of KV_TURN_LEAST */
    size_t bytes;   /* of each source */
    void *to[KV_RUNS_MAX];
    const void *from[KV_RUNS_MAX];
    const void *ahead[KV_RUNS_MAX]; /* as many bytes that are read soon */
    bool fetch;                     /* ask for those meanwhile */
};

/* Some of the rows that one K/V head attends to, in any order, and the running softmax of the query heads that share it. Row i is head_dim
 * values of the type `at` bytes after keys[i] (values[i]); `rows` entries are read, of those ahead too. */
struct kv_attend_rows {
    const float *queries; /* [group][head_dim] */
    const unsigned char *const *keys, *const *values;
    const unsigned char *const *keys_ahead, *const *values_ahead; /* as many rows that are read soon, to be fetched meanwhile */
    size_t at, at_ahead;
    uint32_t group, rows, head_dim; /* 1 <= group <= KV_ATTEND_GROUP_MAX, 1 <= rows <= KV_CHUNK_ROWS */
    float scale;
    float *maximum; /* [group], at first -infinity */
    float *sums;    /* [group][KV_CHUNK_ROWS], to be added up in the end */
    float *outputs; /* [group][head_dim], in the end to be divided by that sum */
};

struct kv_kernels {
    const char *name;
    /* Copy; any alignment, no overlap. `ahead`: where the next copy's source begins, to be fetched meanwhile, or NULL. */
    void (*copy)(void *to, const void *from, size_t bytes, const void *ahead);
    void (*stream)(void *to, const void *from, size_t bytes, const void *ahead);
    /* Sum of all floats, but for what is left of 256 bytes: reads and does nothing else, for measuring what memory can do. */
    float (*sum)(const void *from, size_t bytes);
    /* `rows` rows of row_bytes, together in `from`, to places `stride` bytes apart. */
    void (*spread)(void *to, size_t stride, const void *from, size_t row_bytes, size_t rows, bool stream);
    /* Runs of rows of each enum kv_store_dtype become runs of float32, all runs side by side: one run alone is read at less than half of
     * the memory's speed (kernels_body.h says why). move[KV_STORE_FLOAT32] copies bytes as they are. */
    void (*move[3])(const struct kv_runs *runs, bool stream);
    /* 16-bit storage to float32, and back, rounding to nearest even. */
    void (*float16_to_float)(float *to, const uint16_t *from, size_t count);
    void (*bfloat16_to_float)(float *to, const uint16_t *from, size_t count);
    void (*float_to_float16)(uint16_t *to, const float *from, size_t count);
    void (*float_to_bfloat16)(uint16_t *to, const float *from, size_t count);
    /* One chunk of attention with rows of each enum kv_store_dtype. */
    void (*attend[3])(const struct kv_attend_rows *chunk);
};

/* The best set that this processor runs, or the one that was selected. */
const struct kv_kernels *kv_kernels(void);
/* Make streamed stores visible before what follows. */
void kv_kernels_fence(void);

/* Extensions of processors that the sets use. */
enum kv_cpu_feature { KV_CPU_AVX2 = 1, KV_CPU_FMA = 2, KV_CPU_F16C = 4, KV_CPU_AVX512F = 8, KV_CPU_NEON = 16 };

/* Those that this processor has. */
uint32_t kv_processor_features(void);
/* The choice for a processor with these extensions, and whether it runs a set (NULL: it does not). Apart from kv_kernels, for tests. */
const struct kv_kernels *kv_kernels_for(uint32_t features);
bool kv_kernels_run_on(const struct kv_kernels *kernels, uint32_t features);

extern const struct kv_kernels kv_kernels_portable;
/* NULL where the compiler cannot make them. */
extern const struct kv_kernels *const kv_kernels_avx2, *const kv_kernels_avx512, *const kv_kernels_neon;

#endif
