/* half_float.h - float32 to and from the two 16-bit types, as bits. Rounds to nearest even; infinities stay, NaN stays NaN, float16 keeps
 * subnormals. Portable integer code: compilers disagree on _Float16 and __bf16.
 */
#ifndef KV_HALF_FLOAT_H
#define KV_HALF_FLOAT_H

#include <stdint.h>
#include <string.h>

static inline uint32_t kv_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float kv_bits_float(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* bfloat16 is the upper half of a float32. Adding 0x7fff, and the last kept bit in addition, carries into the upper half exactly when the
 * lower half is above the middle, or at it with an odd last bit. */
static inline uint16_t kv_bfloat16_from_float(float value)
{
    uint32_t bits = kv_float_bits(value);
    if ((bits & UINT32_C(0x7fffffff)) > UINT32_C(0x7f800000))
        return (uint16_t)(bits >> 16 | 0x40); /* a quiet NaN, whatever the rounding would do */
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static inline float kv_bfloat16_to_float(uint16_t half)
{
    return kv_bits_float((uint32_t)half << 16);
}

/* float16: 5 bits of exponent, 10 of mantissa. Rounding as above; a carry out of the mantissa raises the exponent, which is right. */
static inline uint16_t kv_float16_from_float(float value)
{
    uint32_t bits = kv_float_bits(value), sign = bits >> 16 & 0x8000, magnitude = bits & UINT32_C(0x7fffffff);
    if (magnitude > UINT32_C(0x7f800000))
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= UINT32_C(0x477ff000)) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (magnitude < UINT32_C(0x38800000)) {
        /* Subnormal: adding 0.5 aligns the wanted bits at the bottom of the mantissa, and the addition rounds to nearest even. */
        uint32_t aligned = kv_float_bits(kv_bits_float(magnitude) + 0.5F);
        return (uint16_t)(sign | (aligned - UINT32_C(0x3f000000)));
    }
    uint32_t rebased = magnitude - UINT32_C(0x38000000); /* exponent bias 127 to 15 */
    return (uint16_t)(sign | (rebased + 0xfff + (rebased >> 13 & 1)) >> 13);
}

static inline float kv_float16_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00)
        return kv_bits_float(sign | UINT32_C(0x7f800000) | (magnitude & 0x3ff) << 13);
    if (magnitude < 0x400) /* subnormal or zero: magnitude * 2^-24 */
        return kv_bits_float(sign | kv_float_bits((float)magnitude * 0x1p-24F));
    return kv_bits_float(sign | ((magnitude << 13) + UINT32_C(0x38000000)));
}

#endif
