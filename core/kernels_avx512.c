/* kernels_avx512.c - kernels for AVX-512F; compiled with the flags for it (Makefile). */
#include "kernels.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#define KERNELS_NAME         "avx512"
#define LANES                16
#define STREAM(to, value)    _mm512_stream_ps((float *)(void *)(to), (__m512)(value))
#define HALF_TO_VECTOR(from) ((vector)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(from))))
#define VECTOR_TO_HALF(to, value)                                                                                                          \
    _mm256_storeu_si256((__m256i *)(void *)(to), _mm512_cvtps_ph((__m512)(value), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))
#define ANY_ABOVE(value, than) (_mm512_cmp_ps_mask((__m512)(value), _mm512_set1_ps(than), _CMP_GT_OQ) != 0)
#define EVEN                   0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD                    1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#include "kernels_body.h"
/* The attention kernel builds on the text above. */
#include "kernels_attention.h"

static const struct kv_kernels table = KERNELS_TABLE;
const struct kv_kernels *const kv_kernels_avx512 = &table;
#else
const struct kv_kernels *const kv_kernels_avx512 = NULL;
#endif
