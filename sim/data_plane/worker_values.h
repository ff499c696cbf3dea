/* worker_values.h - the floats that a verified data plane writes and expects to read.
 *
 * value(link, layer, K or V, head, dim) is a small pattern: a row word from (link, layer, K or V) xor a column word from (head, dim), cut
 * to as many bits as the storage type holds exactly (float32: 24-bit integers; float16: 11; bfloat16: 8). A wrong block changes the row
 * word and with it nearly every float of the token; a wrong head or dim changes the column word. Cheap enough to check at memory speed.
 */
#ifndef PAGESIM_WORKER_VALUES_H
#define PAGESIM_WORKER_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* Where a check failed first: lowest head, then token, then K before V, then dim. */
struct wrong_value {
    uint32_t head, token, dim;
    bool value; /* false: in K, true: in V */
    float found, expected;
};

/* k and v get `count` tokens with the given links, laid out [token][head][dim]. */
void worker_values_fill(const struct kv_config *kv, uint32_t layer, const uint64_t *links, uint32_t count, float *k, float *v);

/* Compare k and v, laid out [head][token][dim], with what they must be. false fills *wrong. */
bool worker_values_check(const struct kv_config *kv, uint32_t layer, const uint64_t *links, uint32_t count, const float *k, const float *v,
                         uint32_t threads, struct wrong_value *wrong);

/* All values are below this. */
uint32_t worker_value_bound(const struct kv_config *kv);
/* One value, for tests, messages and exact attention. */
float worker_value(const struct kv_config *kv, uint32_t layer, uint64_t link, bool value, uint32_t head, uint32_t dim);

#endif
