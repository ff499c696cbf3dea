/* kernels_avx2.c - kernels for AVX2 with FMA and F16C; compiled with the flags for them (Makefile). */
#include "kernels.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <immintrin.h>
#define KERNELS_NAME              "avx2"
#define LANES                     8
#define STREAM(to, value)         _mm256_stream_ps((float *)(void *)(to), (__m256)(value))
#define HALF_TO_VECTOR(from)      ((vector)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(from))))
#define VECTOR_TO_HALF(to, value) _mm_storeu_si128((__m128i *)(void *)(to), _mm256_cvtps_ph((__m256)(value), _MM_FROUND_TO_NEAREST_INT))
#define ANY_ABOVE(value, than)    (_mm256_movemask_ps(_mm256_cmp_ps((__m256)(value), _mm256_set1_ps(than), _CMP_GT_OQ)) != 0)
#define EVEN                      0, 2, 4, 6, 8, 10, 12, 14
#define ODD                       1, 3, 5, 7, 9, 11, 13, 15
#include "kernels_body.h"
/* The attention kernel builds on the text above. */
#include "kernels_attention.h"

static const struct kv_kernels table = KERNELS_TABLE;
const struct kv_kernels *const kv_kernels_avx2 = &table;
#else
const struct kv_kernels *const kv_kernels_avx2 = NULL;
#endif
