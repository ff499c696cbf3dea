/* worker_values.c - filling and checking whole tokens at the speed of memory. Read worker_values.h first, which has the pattern; then
 * value_of, which everything else here applies to rows of head_dim floats.
 *
 * The pattern is a word a row xor a word a column, so that the inner loops have no dependent multiplications and vectorise. The price: two
 * row words differ in every float of a row or, if their low bits agree, in none. K and V of each layer have row words of their own, so a
 * wrong block would have to agree in all of them to pass. */
#include "data_plane/worker_values.h"

#include <stddef.h>

/* The multipliers are primes of xxHash. The shift brings high bits down, as the mask of the narrow types keeps low bits only. */
static uint32_t column_word(uint32_t head, uint32_t dim)
{
    uint32_t x = head * UINT32_C(0x9E3779B1) + dim * UINT32_C(0x85EBCA77) + UINT32_C(0x165667B1);
    return x ^ x >> 15;
}

/* layer and K or V together are one number, never 0, that moves the link before it is multiplied. The upper half of the product is taken
 * because it depends on all bits of the link. */
static uint32_t row_word(uint64_t link, uint32_t layer, bool value)
{
    uint64_t x = (link + (uint64_t)(2 * layer + value + 1) * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(x >> 32);
}

/* Integers below this many bits are exact in the type. */
static uint32_t value_mask(const struct kv_config *kv)
{
    static const uint32_t masks[] = {[KV_DTYPE_FLOAT32] = 0xffffff, [KV_DTYPE_FLOAT16] = 0x7ff, [KV_DTYPE_BFLOAT16] = 0xff};
    return masks[kv->dtype];
}

/* Through int32_t because vector units convert signed integers in one instruction; the mask leaves no sign bit. */
static inline float value_of(uint32_t row, uint32_t head, uint32_t dim, uint32_t mask)
{
    return (float)(int32_t)((row ^ column_word(head, dim)) & mask);
}

uint32_t worker_value_bound(const struct kv_config *kv)
{
    return value_mask(kv) + 1;
}

float worker_value(const struct kv_config *kv, uint32_t layer, uint64_t link, bool value, uint32_t head, uint32_t dim)
{
    return value_of(row_word(link, layer, value), head, dim, value_mask(kv));
}

static void fill_row(float *row, uint32_t word, uint32_t head, uint32_t head_dim, uint32_t mask)
{
#pragma omp simd
    for (uint32_t dim = 0; dim < head_dim; dim++)
        row[dim] = value_of(word, head, dim, mask);
}

void worker_values_fill(const struct kv_config *kv, uint32_t layer, const uint64_t *links, uint32_t count, float *k, float *v)
{
    const uint32_t heads = kv->num_kv_heads, head_dim = kv->head_dim, mask = value_mask(kv);
    for (uint32_t token = 0; token < count; token++)
        for (uint32_t head = 0; head < heads; head++) {
            size_t at = ((size_t)token * heads + head) * head_dim;
            fill_row(k + at, row_word(links[token], layer, false), head, head_dim, mask);
            fill_row(v + at, row_word(links[token], layer, true), head, head_dim, mask);
        }
}

/* How many floats of a row differ; a NaN differs from everything. Written for the vectoriser: no early way out, as nearly every row is
 * right and has to be read to its end anyway. */
static uint32_t wrong_in_row(const float *row, uint32_t word, uint32_t head, uint32_t head_dim, uint32_t mask)
{
    uint32_t wrong = 0;
#pragma omp simd reduction(+ : wrong)
    for (uint32_t dim = 0; dim < head_dim; dim++)
        wrong += row[dim] != value_of(word, head, dim, mask);
    return wrong;
}

/* Only after a check has failed: find the first wrong float of the row. */
static void name_wrong(const float *row, uint32_t word, uint32_t head, uint32_t mask, struct wrong_value *wrong)
{
    uint32_t dim = 0;
    while (row[dim] == value_of(word, head, dim, mask))
        dim++;
    wrong->head = head;
    wrong->dim = dim;
    wrong->found = row[dim];
    wrong->expected = value_of(word, head, dim, mask);
}

/* Token by token and K before V: the order that struct wrong_value promises. */
static bool check_head(const struct kv_config *kv, uint32_t layer, uint32_t head, const uint64_t *links, uint32_t count, const float *k,
                       const float *v, struct wrong_value *wrong)
{
    const uint32_t head_dim = kv->head_dim, mask = value_mask(kv);
    for (uint32_t token = 0; token < count; token++) {
        size_t at = ((size_t)head * count + token) * head_dim;
        for (int value = 0; value < 2; value++) {
            const float *row = (value ? v : k) + at;
            uint32_t word = row_word(links[token], layer, value);
            if (wrong_in_row(row, word, head, head_dim, mask) == 0)
                continue;
            wrong->token = token;
            wrong->value = value;
            name_wrong(row, word, head, mask, wrong);
            return false;
        }
    }
    return true;
}

/* Each thread stops at its head's first wrong float, and the lowest head wins, so that the message is the same with any number of
 * threads. Short contexts are not worth waking threads for. */
bool worker_values_check(const struct kv_config *kv, uint32_t layer, const uint64_t *links, uint32_t count, const float *k, const float *v,
                         uint32_t threads, struct wrong_value *wrong)
{
    uint32_t first_wrong = UINT32_MAX;
    (void)threads;
#pragma omp parallel for schedule(static) num_threads(threads) default(none)                                                               \
    shared(kv, layer, links, count, k, v, wrong, first_wrong) if (threads > 1 && count > 256)
    for (uint32_t head = 0; head < kv->num_kv_heads; head++) {
        struct wrong_value mine;
        if (check_head(kv, layer, head, links, count, k, v, &mine))
            continue;
#pragma omp critical
        if (head < first_wrong) {
            first_wrong = head;
            *wrong = mine;
        }
    }
    return first_wrong == UINT32_MAX;
}
