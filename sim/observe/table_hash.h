/* table_hash.h - the decision log's hash of block tables (FNV-1a 64 over little-endian int64), without reading every table in every step.
 *
 * FNV-1a takes a byte b by  h = (h xor b) * P.  The xor changes the low byte of h alone, and the low byte of the product depends on the low
 * byte of h alone. So for a text of n bytes and any h with low byte s
 *
 *     hash(h, text) = hash(s, text) + (h - s) * P^n          (modulo 2^64)
 *
 * and 256 numbers, hash(s, text) for each s, say what a text does to any h. A table only grows while its request runs: its numbers are kept
 * and carried on over new blocks. They are computed four at a time, when one of the four is first asked for: one chain of multiplications
 * waits for the multiplier three quarters of its time, so four cost as much as one, and a table is walked 64 times at most, however many
 * steps its request takes.
 *
 * What is remembered is compared with the table that is given before it is used, so that the result is exact whatever a scheduler does to
 * its tables. Without memory everything is computed from the start. One object belongs to one thread.
 */
#ifndef PAGESIM_TABLE_HASH_H
#define PAGESIM_TABLE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

struct table_hash;

SIM_NODISCARD enum status table_hash_create(uint32_t requests, struct table_hash **out, struct diag *diag);
/* NULL is fine. */
void table_hash_destroy(struct table_hash *hashes);

/* What stands in front of a table in the text: one or two numbers. */
struct table_name {
    uint64_t numbers[2];
    uint32_t count;
};

/* The hash of a text that so far hashes to `hash`, after the name and the block ids. `request` is whose table it is. */
uint64_t table_hash_add(struct table_hash *hashes, uint64_t hash, uint32_t request, const struct table_name *name, const uint32_t *blocks,
                        uint32_t count);

/* The same without remembering. */
uint64_t table_hash_plainly(uint64_t hash, const struct table_name *name, const uint32_t *blocks, uint32_t count);

/* The request's table is gone: what is remembered serves the next one. */
void table_hash_forget(struct table_hash *hashes, uint32_t request);

#endif
