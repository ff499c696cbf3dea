/* kernels.c - see kernels.h: which set runs here. Asking the processor is cheap enough to be done at each call, so there is nothing to
 * initialise and nothing to race for. */
#include "kernels.h"

#include <string.h>

static const struct kv_kernels *selected; /* NULL: the best */

static bool runs_here(const struct kv_kernels *kernels)
{
    if (kernels == &kv_kernels_portable)
        return true;
#if defined(__x86_64__) || defined(__i386__)
    if (kernels && kernels == kv_kernels_avx512)
        return __builtin_cpu_supports("avx512f");
    if (kernels && kernels == kv_kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return false;
}

const struct kv_kernels *kv_kernels(void)
{
    if (selected)
        return selected;
    return runs_here(kv_kernels_avx512) ? kv_kernels_avx512 : runs_here(kv_kernels_avx2) ? kv_kernels_avx2 : &kv_kernels_portable;
}

bool kv_kernels_select(const char *name)
{
    const struct kv_kernels *const all[] = {&kv_kernels_portable, kv_kernels_avx2, kv_kernels_avx512};
    if (!name) {
        selected = NULL;
        return true;
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i] && strcmp(all[i]->name, name) == 0 && runs_here(all[i])) {
            selected = all[i];
            return true;
        }
    return false;
}

void kv_kernels_fence(void)
{
#if defined(__SSE2__)
    __builtin_ia32_sfence();
#endif
}
