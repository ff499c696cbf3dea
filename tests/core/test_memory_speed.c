/* test_memory_speed.c - that there is a speed. How large it is, is the machine's business. */
#include <criterion/criterion.h>
#include <math.h>

#include "pagedkv.h"

Test(memory_speed, is_measured_with_any_number_of_threads)
{
    for (uint32_t threads = 0; threads <= 2; threads += 2) {
        const struct kv_memory_speed speed = kv_memory_speed_measure(threads);
        cr_expect(speed.copy_gb_per_s > 0 && isfinite(speed.copy_gb_per_s), "copies: %g", speed.copy_gb_per_s);
        cr_expect(speed.read_gb_per_s > 0 && isfinite(speed.read_gb_per_s), "reads: %g", speed.read_gb_per_s);
    }
}
