/* kernels.h - the inner loops that move and read K/V bytes, once for each instruction set, chosen at run time.
 *
 * One text (kernels_body.h) is compiled three times: portable (16-byte vectors of the compiler), AVX2 and AVX-512. Streaming stores go
 * past the caches: they win when the destination is larger than the cache and lose when it is soon read again, so the caller decides.
 * A kernel that streams must be followed by kv_kernels_fence before other threads read.
 * Internal to core/; kv_kernels_select is for tests and benchmarks.
 */
#ifndef KV_KERNELS_H
#define KV_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KV_CHUNK_ROWS = 16, KV_GROUP_MAX = 16 }; /* attention: rows at once; query heads that share one K/V head */

struct kv_kernels {
    const char *name;
    /* Copy; any alignment, no overlap. `ahead`: where the next copy's source begins, to be fetched meanwhile, or NULL. */
    void (*copy)(void *to, const void *from, size_t bytes, const void *ahead);
    void (*stream)(void *to, const void *from, size_t bytes, const void *ahead);
    /* 16-bit storage to float32, regular or streaming; and back, rounding to nearest even. */
    void (*float16_to_float)(float *to, const uint16_t *from, size_t count, bool stream);
    void (*bfloat16_to_float)(float *to, const uint16_t *from, size_t count, bool stream);
    void (*float_to_float16)(uint16_t *to, const float *from, size_t count);
    void (*float_to_bfloat16)(uint16_t *to, const float *from, size_t count);
    /* scores[g][row] = sum over d of queries[g][d] * keys[row][d]; rows <= KV_CHUNK_ROWS, the columns of scores. */
    void (*dot_rows)(const float *queries, uint32_t group, const float *keys, uint32_t rows, uint32_t head_dim, float *scores);
    /* outputs[g][d] = outputs[g][d] * scale[g] + sum over rows of weights[g][row] * values[row][d]. */
    void (*add_rows)(float *outputs, const float *scale, const float *weights, uint32_t group, const float *values, uint32_t rows,
                     uint32_t head_dim);
    /* values[i] = e^values[i], each <= 0, relative error below 2e-7; count a multiple of 16. */
    void (*exponentials)(float *values, uint32_t count);
};

/* The best set that this processor runs, or the one that was selected. */
const struct kv_kernels *kv_kernels(void);
/* Force a set by name: "portable", "avx2", "avx512"; NULL: the best again. false: unknown here, nothing changed. Not thread-safe. */
bool kv_kernels_select(const char *name);
/* Make streamed stores visible before what follows. */
void kv_kernels_fence(void);

extern const struct kv_kernels kv_kernels_portable;
/* NULL where the compiler cannot make them. */
extern const struct kv_kernels *const kv_kernels_avx2, *const kv_kernels_avx512;

#endif
