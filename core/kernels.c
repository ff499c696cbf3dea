/* kernels.c - which set of kernels runs here, and the fence after streaming stores. The sets are kernels_portable.c, kernels_avx2.c,
 * kernels_avx512.c and kernels_neon.c; read kernels.h first.
 *
 * A set may run only where the processor has every extension that its file is compiled for: the compiler is free to use each of them
 * anywhere in that file. */
#include "kernels.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "pagedkv.h"

enum { ASKED = 1 << 30 };

/* All sets but the portable one, the best of each kind of processor first, and the extensions they are compiled for. */
static const struct choice {
    const struct kv_kernels *const *kernels;
    uint32_t needed;
} choices[] = {
    {&kv_kernels_avx512, KV_CPU_AVX2 | KV_CPU_FMA | KV_CPU_F16C | KV_CPU_AVX512F},
    {&kv_kernels_avx2, KV_CPU_AVX2 | KV_CPU_FMA | KV_CPU_F16C},
    {&kv_kernels_neon, KV_CPU_NEON},
};
enum { CHOICES = sizeof choices / sizeof *choices };

static const struct kv_kernels *selected; /* NULL: the best */

uint32_t kv_processor_features(void)
{
    /* The cpuid instruction may cost microseconds in a virtual machine, so the answer is kept. Threads that race store the same. */
    static _Atomic uint32_t answer;
    uint32_t features = atomic_load_explicit(&answer, memory_order_relaxed);
    if (features)
        return features & ~(uint32_t)ASKED;
#if defined(__x86_64__) || defined(__i386__)
    /* These also say whether the system saves the wide registers, which cpuid alone does not. */
    features |= __builtin_cpu_supports("avx2") ? KV_CPU_AVX2 : 0;
    features |= __builtin_cpu_supports("fma") ? KV_CPU_FMA : 0;
    features |= __builtin_cpu_supports("avx512f") ? KV_CPU_AVX512F : 0;
    /* Not every compiler's __builtin_cpu_supports knows F16C. It uses the registers of AVX, which AVX2 implies. */
    unsigned a, b, c, d;
    features |= __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) ? KV_CPU_F16C : 0;
#elif defined(__aarch64__)
    features |= KV_CPU_NEON; /* is in all of them */
#endif
    atomic_store_explicit(&answer, features | ASKED, memory_order_relaxed);
    return features;
}

bool kv_kernels_run_on(const struct kv_kernels *kernels, uint32_t features)
{
    if (!kernels)
        return false;
    for (size_t i = 0; i < CHOICES; i++)
        if (*choices[i].kernels == kernels)
            return (features & choices[i].needed) == choices[i].needed;
    return true; /* the portable ones */
}

const struct kv_kernels *kv_kernels_for(uint32_t features)
{
    for (size_t i = 0; i < CHOICES; i++)
        if (kv_kernels_run_on(*choices[i].kernels, features))
            return *choices[i].kernels;
    return &kv_kernels_portable;
}

const struct kv_kernels *kv_kernels(void)
{
    return selected ? selected : kv_kernels_for(kv_processor_features());
}

const char *kv_kernels_name(void)
{
    return kv_kernels()->name;
}

bool kv_kernels_select(const char *name)
{
    const struct kv_kernels *found = name && strcmp(name, kv_kernels_portable.name) == 0 ? &kv_kernels_portable : NULL;
    for (size_t i = 0; i < CHOICES && name && !found; i++)
        if (kv_kernels_run_on(*choices[i].kernels, kv_processor_features()) && strcmp((*choices[i].kernels)->name, name) == 0)
            found = *choices[i].kernels;
    if (!name || found)
        selected = found;
    return !name || found;
}

void kv_kernels_fence(void)
{
#if defined(__SSE2__)
    __builtin_ia32_sfence(); /* other processors have no streaming stores here */
#endif
}
