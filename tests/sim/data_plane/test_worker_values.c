/* test_worker_values.c - each single wrong float is seen and named, and of several the first. */
#include <criterion/criterion.h>
#include <math.h>

#include "data_plane/worker_values.h"
#include "support/random.h"

enum { HEADS = 3, DIMS = 16, TOKENS = 300, LAYER = 1, FLOATS = HEADS * TOKENS * DIMS };

static const struct kv_config shape = {.num_layers = 2, .num_kv_heads = HEADS, .head_dim = DIMS, .dtype = KV_DTYPE_FLOAT16};
static uint64_t links[TOKENS];
static float k[FLOATS], v[FLOATS];

/* As gathers leave it: a head after the other. */
static size_t place(uint32_t token, uint32_t head, uint32_t dim)
{
    return ((size_t)head * TOKENS + token) * DIMS + dim;
}

static void make_right(void)
{
    static float filled_k[FLOATS], filled_v[FLOATS];
    for (uint32_t token = 0; token < TOKENS; token++)
        links[token] = 17 + token * UINT64_C(0x123456789);
    worker_values_fill(&shape, LAYER, links, TOKENS, filled_k, filled_v);
    for (uint32_t token = 0; token < TOKENS; token++)
        for (uint32_t head = 0; head < HEADS; head++)
            for (uint32_t dim = 0; dim < DIMS; dim++) {
                const size_t from = ((size_t)token * HEADS + head) * DIMS + dim;
                k[place(token, head, dim)] = filled_k[from];
                v[place(token, head, dim)] = filled_v[from];
                cr_assert_eq(filled_v[from], worker_value(&shape, LAYER, links[token], true, head, dim));
            }
}

static void expect_named(uint32_t threads, uint32_t token, uint32_t head, uint32_t dim, bool value)
{
    struct wrong_value wrong = {.token = UINT32_MAX, .head = UINT32_MAX, .dim = UINT32_MAX};
    cr_assert_not(worker_values_check(&shape, LAYER, links, TOKENS, k, v, threads, &wrong));
    cr_expect(wrong.token == token && wrong.head == head && wrong.dim == dim && wrong.value == value,
              "token %u head %u dim %u of %c: %u %u %u", token, head, dim, value ? 'V' : 'K', wrong.token, wrong.head, wrong.dim);
    const float found = (value ? v : k)[place(token, head, dim)];
    cr_expect(wrong.found == found || (isnan(found) && isnan(wrong.found)));
    cr_expect_eq(wrong.expected, worker_value(&shape, LAYER, links[token], value, head, dim));
}

Test(worker_values, a_wrong_float_anywhere_is_named)
{
    struct wrong_value wrong;
    uint64_t seed = 4;
    make_right();
    for (uint32_t threads = 1; threads <= 2; threads++)
        cr_expect(worker_values_check(&shape, LAYER, links, TOKENS, k, v, threads, &wrong));
    for (int round = 0; round < 300; round++) {
        const uint32_t corner = (uint32_t)round % 4; /* first and last of all, too */
        const uint32_t token = corner == 0 ? 0 : corner == 1 ? TOKENS - 1 : random_below(&seed, TOKENS);
        const uint32_t head = corner == 0 ? 0 : corner == 1 ? HEADS - 1 : random_below(&seed, HEADS);
        const uint32_t dim = corner == 0 ? 0 : corner == 1 ? DIMS - 1 : random_below(&seed, DIMS);
        float *at = (round % 8 < 4 ? k : v) + place(token, head, dim);
        const float right = *at;
        *at = round % 3 == 0 ? NAN : right + 1;
        expect_named(1 + (uint32_t)round % 2, token, head, dim, round % 8 >= 4);
        *at = right;
    }
}

/* The lowest head, in it the first token, of that K before V, and of a row the first float. */
Test(worker_values, of_several_the_first_is_named)
{
    static const struct {
        uint32_t token, head, dim;
        bool value;
    } wrongs[] = {{200, 2, 3, false}, {290, 1, 5, true}, {290, 1, 9, false}, {290, 1, 4, false}, {7, 1, 15, true}, {299, 0, 15, true}};
    make_right();
    for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++) { /* each comes before those that are there already */
        (wrongs[i].value ? v : k)[place(wrongs[i].token, wrongs[i].head, wrongs[i].dim)] += 1;
        expect_named(1, wrongs[i].token, wrongs[i].head, wrongs[i].dim, wrongs[i].value);
        expect_named(2, wrongs[i].token, wrongs[i].head, wrongs[i].dim, wrongs[i].value);
    }
}
