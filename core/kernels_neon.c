/* kernels_neon.c - kernels for 64-bit Arm. NEON, with fused multiply-add and conversion of float16, is part of every such processor, so
 * nothing is asked at run time. Streaming stores are plain: these processors see whole lines being overwritten and do not read them. */
#include "kernels.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define KERNELS_NAME              "neon"
#define LANES                     4
#define SUMS                      8 /* of 32 registers; as many as two multipliers with a latency of four keep under way */
#define STREAM(to, value)         store(to, value)
#define HALF_TO_VECTOR(from)      ((vector)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(from))))
#define VECTOR_TO_HALF(to, value) vst1_u16(to, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)(value))))
#define BRAIN_TO_VECTOR(from)     ((vector)vshll_n_u16(vld1_u16(from), 16))
#define ANY_ABOVE(value, than)    (vmaxvq_f32((float32x4_t)(value)) > (than))
#define EVEN                      0, 2, 4, 6
#define ODD                       1, 3, 5, 7
#include "kernels_body.h"
/* The attention kernel builds on the text above. */
#include "kernels_attention.h"

static const struct kv_kernels table = KERNELS_TABLE;
const struct kv_kernels *const kv_kernels_neon = &table;
#else
const struct kv_kernels *const kv_kernels_neon = NULL;
#endif
