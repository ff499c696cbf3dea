/* table_hash.c - hashes a growing table for all 256 low bytes that the hash before it may have. Read the derivation in table_hash.h first;
 * table_hash_add() at the end is that formula. The rest keeps what is remembered equal to the table. */
#include "observe/table_hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define WIDE __attribute__((target("avx512f,avx512dq")))
#endif

/* Low bytes that a hash may have; the fewest lanes that are walked together, and as many as wide registers do at once. */
enum { LOW_BYTES = 256, LANES = 4, WIDE_LANES = 32 };
/* Powers of FNV's prime: P^k passes over k zero bytes at once. */
#define P2 (FNV_PRIME * FNV_PRIME)
#define P4 (P2 * P2)
#define P5 (P4 * FNV_PRIME)
#define P6 (P4 * P2)
#define P7 (P6 * FNV_PRIME)
#define P8 (P4 * P4)

/* What is remembered of one table. With `groups` groups, lane i of group g is the hash of its text from the low byte g + groups * i. A group is
 * begun when one of its low bytes first turns up; from then on it only walks the blocks that were added since. */
struct remembered {
    struct remembered *next_free;
    uint64_t lanes[LOW_BYTES];          /* [group][lane] */
    uint32_t walked[LOW_BYTES / LANES]; /* by group: 1 + blocks that its lanes cover; 0: not begun */
    struct table_name name;
    uint32_t *blocks; /* unless tables are promised to grow: as they were */
    size_t capacity;
    uint32_t count;
    uint64_t power; /* P^(bytes of name and blocks) */
};

struct table_hash {
    uint32_t requests, groups;
    struct table_hash_options options;
    struct remembered **of_request;
    struct remembered *free;
};

/* Can this processor multiply eight lanes at once? */
static bool is_wide(void)
{
#ifdef WIDE
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
#else
    return false;
#endif
}

enum status table_hash_create(uint32_t requests, const struct table_hash_options *options, struct table_hash **out, struct diag *diag)
{
    struct table_hash *hashes;
    enum status status = array_zeroed(&hashes, 1, sizeof *hashes, "the decision log", diag);
    if (status != SIM_OK)
        return status;
    hashes->requests = requests;
    hashes->options = *options;
    hashes->groups = LOW_BYTES / (is_wide() && !options->narrow ? (uint32_t)WIDE_LANES : (uint32_t)LANES);
    status = array_zeroed(&hashes->of_request, requests, sizeof(struct remembered *), "the decision log", diag);
    if (status == SIM_OK)
        *out = hashes;
    else
        free(hashes);
    return status;
}

void table_hash_destroy(struct table_hash *hashes)
{
    if (!hashes)
        return;
    for (uint32_t request = 0; request < hashes->requests; request++)
        table_hash_forget(hashes, request);
    while (hashes->free) {
        struct remembered *next = hashes->free->next_free;
        free(hashes->free->blocks);
        free(hashes->free);
        hashes->free = next;
    }
    free(hashes->of_request);
    free(hashes);
}

/* Memory moves to a free list: as many tables are needed as requests run at once, not as the trace has. */
void table_hash_forget(struct table_hash *hashes, uint32_t request)
{
    struct remembered *table = hashes->of_request[request];
    if (!table)
        return;
    table->next_free = hashes->free;
    hashes->free = table;
    hashes->of_request[request] = NULL;
}

/* --- walking --------------------------------------------------------------------------------------------------------------------- */

/* The eight bytes of a number, lowest first. A zero byte only multiplies, so the upper bytes, which nearly always are zero, cost one
 * multiplication together. */
static inline uint64_t hash_number(uint64_t hash, uint64_t value)
{
    hash = (hash ^ (value & 255)) * FNV_PRIME ^ (value >> 8 & 255);
    if (value < 1u << 16)
        return hash * P7;
    hash = hash * FNV_PRIME ^ (value >> 16 & 255);
    if (value < 1u << 24)
        return hash * P6;
    hash = hash * FNV_PRIME ^ (value >> 24 & 255);
    if (value <= UINT32_MAX)
        return hash * P5;
    for (int shift = 32; shift < 64; shift += 8)
        hash = hash * FNV_PRIME ^ (value >> shift & 255);
    return hash * FNV_PRIME;
}

uint64_t table_hash_in_full(uint64_t hash, const struct table_name *name, const uint32_t *blocks, uint32_t count)
{
    for (uint32_t i = 0; i < name->count; i++)
        hash = hash_number(hash, name->numbers[i]);
    for (uint32_t i = 0; i < count; i++)
        hash = hash_number(hash, blocks[i]);
    return hash;
}

/* Carries four lanes on over some blocks. The lanes are local variables, so that the compiler keeps four independent chains of multiplications
 * in registers. */
static void walk_lanes(uint64_t *lanes, const uint32_t *blocks, uint32_t count)
{
    uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t id = blocks[i];
        a = hash_number(a, id);
        b = hash_number(b, id);
        c = hash_number(c, id);
        d = hash_number(d, id);
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
}

#ifdef WIDE
/* Eight lanes in a register. */
typedef uint64_t eight __attribute__((vector_size(64)));

/* What hash_number does, of a block id, for as many lanes as hide the time of a multiplication. */
static WIDE void walk_wide_lanes(uint64_t *lanes, const uint32_t *blocks, uint32_t count)
{
    enum { REGISTERS = WIDE_LANES / 8 };
    eight hash[REGISTERS];
    memcpy(hash, lanes, sizeof hash);
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t id = blocks[i];
        const uint64_t rest = id < 1u << 16 ? P7 : id < 1u << 24 ? P6 : P5;
        for (int k = 0; k < REGISTERS; k++)
            hash[k] = (hash[k] ^ (id & 255)) * FNV_PRIME ^ (id >> 8 & 255);
        for (int k = 0; k < REGISTERS && id >= 1u << 16; k++)
            hash[k] = hash[k] * FNV_PRIME ^ (id >> 16 & 255);
        for (int k = 0; k < REGISTERS && id >= 1u << 24; k++)
            hash[k] = hash[k] * FNV_PRIME ^ (id >> 24);
        for (int k = 0; k < REGISTERS; k++)
            hash[k] *= rest;
    }
    memcpy(lanes, hash, sizeof hash);
}
#endif

/* Carries a group on over the blocks that it has not walked. */
static void walk(const struct table_hash *hashes, struct remembered *table, uint32_t group, const uint32_t *blocks)
{
    const uint32_t from = table->walked[group] - 1, count = table->count - from, width = LOW_BYTES / hashes->groups;
    uint64_t *lanes = table->lanes + (size_t)group * width;
#ifdef WIDE
    if (width == WIDE_LANES)
        walk_wide_lanes(lanes, blocks + from, count);
    else
        walk_lanes(lanes, blocks + from, count);
#else
    walk_lanes(lanes, blocks + from, count);
#endif
    table->walked[group] = table->count + 1;
}

/* A lane starts with the low byte it stands for and takes the table's name; blocks follow in walk(). */
static void begin_group(const struct table_hash *hashes, struct remembered *table, uint32_t group)
{
    const uint32_t groups = hashes->groups, width = LOW_BYTES / groups;
    for (uint32_t lane = 0; lane < width; lane++)
        table->lanes[group * width + lane] = table_hash_in_full(group + lane * (uint64_t)groups, &table->name, NULL, 0);
    table->walked[group] = 1;
}

/* --- remembering ----------------------------------------------------------------------------------------------------------------- */

static void begin_table(struct remembered *table, const struct table_name *name)
{
    memset(table->walked, 0, sizeof table->walked);
    table->name = *name;
    table->count = 0;
    table->power = name->count == 2 ? P8 * P8 : P8;
}

/* What is remembered of a request's table, empty for a new one. NULL when memory is out: the caller then hashes in full. */
static struct remembered *recall(struct table_hash *hashes, uint32_t request, const struct table_name *name)
{
    struct remembered *table = hashes->of_request[request];
    if (table)
        return table;
    table = hashes->free;
    if (table)
        hashes->free = table->next_free;
    else
        table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    begin_table(table, name);
    hashes->of_request[request] = table;
    return table;
}

/* A failure is no error here: hashing in full gives the same result. Out of line, as clearing a diag costs more than most calls of follow. */
static bool make_room(struct remembered *table, uint32_t count)
{
    struct diag ignored = {0};
    return array_reserve(&table->blocks, &table->capacity, count, sizeof *table->blocks, "the decision log", &ignored) == SIM_OK;
}

/* Makes what is remembered equal to the given table, and starts over unless the table only grew. Comparing all ids costs one pass over
 * memory, far less than the multiplications it saves. False: no memory. */
static bool compare(struct remembered *table, const struct table_name *name, const uint32_t *blocks, uint32_t count)
{
    bool same_name = table->name.count == name->count && table->name.numbers[0] == name->numbers[0] &&
                     (name->count < 2 || table->name.numbers[1] == name->numbers[1]);
    if (!same_name || count < table->count || (table->count > 0 && memcmp(table->blocks, blocks, table->count * sizeof *blocks) != 0))
        begin_table(table, name);
    if (count == table->count)
        return true;
    if (count > table->capacity && !make_room(table, count))
        return false;
    memcpy(table->blocks + table->count, blocks + table->count, (count - table->count) * sizeof *blocks);
    return true;
}

uint64_t table_hash_add(struct table_hash *hashes, uint64_t hash, uint32_t request, const struct table_name *name, const uint32_t *blocks,
                        uint32_t count)
{
    struct remembered *table = recall(hashes, request, name);
    if (!table || !(hashes->options.grows || compare(table, name, blocks, count)))
        return table_hash_in_full(hash, name, blocks, count);
    for (; table->count < count; table->count++)
        table->power *= P8;
    const uint32_t groups = hashes->groups, start = (uint32_t)(hash & 255), group = start & (groups - 1);
    if (table->walked[group] == 0)
        begin_group(hashes, table, group);
    if (table->walked[group] <= count)
        walk(hashes, table, group, blocks);
    const uint32_t lane = group * (LOW_BYTES / groups) + start / groups;
    return table->lanes[lane] + (hash - start) * table->power;
}
