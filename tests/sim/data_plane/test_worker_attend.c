/* test_worker_attend.c - the exact arithmetic that attention is checked with: right outputs pass, each wrong one is seen. */
#include <criterion/criterion.h>
#include <math.h>

#include "data_plane/worker_attend.h"
#include "data_plane/worker_values.h"

/* Over one token the softmax is 1, whatever the queries are, and each output is the token's value. */
Test(worker_attend, each_wrong_output_is_seen_and_a_nan_is_wrong)
{
    enum { HEADS = 2, DIM = 5, OUTPUTS = HEADS * ATTEND_GROUP * DIM };
    const struct kv_config kv = {.num_layers = 1, .num_kv_heads = HEADS, .head_dim = DIM, .dtype = KV_DTYPE_FLOAT32};
    const uint64_t link = 7;
    const float queries[OUTPUTS] = {0};
    float outputs[OUTPUTS];
    for (uint32_t i = 0; i < OUTPUTS; i++)
        outputs[i] = worker_value(&kv, 0, link, true, i / (ATTEND_GROUP * DIM), i % DIM);
    const struct kv_attend_sequence sequence = {.num_tokens = 1, .queries = queries, .outputs = outputs};
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        struct diag diag = {0};
        double error = -1;
        cr_assert_eq(attend_error(&kv, 0, &link, &sequence, threads, &error, &diag), SIM_OK);
        cr_expect_eq(error, 0);
        for (uint32_t i = 0; i < OUTPUTS; i++) {
            const float right = outputs[i];
            outputs[i] = right * 2 + 1;
            cr_assert_eq(attend_error(&kv, 0, &link, &sequence, threads, &error, &diag), SIM_OK);
            cr_expect_gt(error, 0, "output %u", i);
            outputs[i] = NAN;
            cr_assert_eq(attend_error(&kv, 0, &link, &sequence, threads, &error, &diag), SIM_OK);
            cr_expect(isnan(error), "output %u", i);
            outputs[i] = right;
        }
    }
}
