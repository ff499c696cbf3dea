/* table_hash.h - the decision log's hash of block tables (FNV-1a 64 over little-endian int64), without reading every table in every step.
 *
 * FNV-1a takes in a byte b by  h = (h xor b) * P.  The xor changes only the low byte of h, and the low byte of the product depends only on
 * the low byte of h. So for a text of n bytes and any h with low byte s
 *
 *     hash(h, text) = hash(s, text) + (h - s) * P^n          (modulo 2^64)
 *
 * and 256 numbers, hash(s, text) for each s, say what a text does to any h. A table only grows while its request runs, so its numbers are
 * kept and carried on over new blocks. They are computed four at a time, when one of the four is first needed: a chain of dependent
 * multiplications leaves the multiplier idle for three quarters of the time, so four chains cost as much as one. A table is walked at most
 * 64 times, however many steps its request takes. Where registers hold eight products (AVX-512DQ), 32 at a time, and at most eight times.
 *
 * What is remembered is compared with the given table before it is used, so the result is exact whatever a scheduler does to its tables;
 * unless the caller promises that they only grow. Without memory, tables are hashed in full. One object belongs to one thread.
 */
#ifndef PAGESIM_TABLE_HASH_H
#define PAGESIM_TABLE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME  UINT64_C(1099511628211)

struct table_hash;

struct table_hash_options {
    bool grows;  /* until it is forgotten, a request's table has one name, and what stands in it never changes */
    bool narrow; /* do as on a processor without wide registers; for tests */
};

SIM_NODISCARD enum status table_hash_create(uint32_t requests, const struct table_hash_options *options, struct table_hash **out,
                                            struct diag *diag);
/* NULL is fine. */
void table_hash_destroy(struct table_hash *hashes);

/* The one or two numbers before a table in the text that is hashed. */
struct table_name {
    uint64_t numbers[2];
    uint32_t count;
};

/* Extends `hash` by the name and the block ids and returns the new hash. `request` says whose table it is. */
uint64_t table_hash_add(struct table_hash *hashes, uint64_t hash, uint32_t request, const struct table_name *name, const uint32_t *blocks,
                        uint32_t count);

/* The same without remembering. */
uint64_t table_hash_in_full(uint64_t hash, const struct table_name *name, const uint32_t *blocks, uint32_t count);

/* The request's table is gone; its memory is reused for another. */
void table_hash_forget(struct table_hash *hashes, uint32_t request);

#endif
