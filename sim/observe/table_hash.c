/* table_hash.c - hashes a growing table for all 256 low bytes that the hash before it may have. Read the derivation in table_hash.h first;
 * table_hash_add() at the end is that formula. The rest keeps what is remembered equal to the table. */
#include "observe/table_hash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/* Powers of FNV's prime: P^k passes over k zero bytes at once. */
enum { LANES = 4, GROUPS = 64 };
#define P2 (FNV_PRIME * FNV_PRIME)
#define P4 (P2 * P2)
#define P5 (P4 * FNV_PRIME)
#define P6 (P4 * P2)
#define P7 (P6 * FNV_PRIME)
#define P8 (P4 * P4)

/* What is remembered of one table: lanes[g][i] is the hash of its text from the low byte g + 64 i. A group is begun when one of its four
 * low bytes first turns up; from then on it only walks the blocks that were added since. */
struct remembered {
    struct remembered *next_free;
    uint64_t lanes[GROUPS][LANES];
    uint32_t walked[GROUPS]; /* 1 + blocks that the group's lanes cover; 0: not begun */
    struct table_name name;
    uint32_t *blocks;
    size_t capacity;
    uint32_t count;
    uint64_t power; /* P^(bytes of name and blocks) */
};

struct table_hash {
    uint32_t requests;
    struct remembered **of_request;
    struct remembered *free;
};

enum status table_hash_create(uint32_t requests, struct table_hash **out, struct diag *diag)
{
    struct table_hash *hashes;
    enum status status = array_zeroed(&hashes, 1, sizeof *hashes, "the decision log", diag);
    if (status != SIM_OK)
        return status;
    hashes->requests = requests;
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

/* Carries four lanes on over the blocks from `from` to the end. The lanes are local variables, so that the compiler keeps four independent
 * chains of multiplications in registers. */
static void walk(struct remembered *table, uint32_t group, uint32_t from)
{
    uint64_t *lanes = table->lanes[group], a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
    for (uint32_t i = from; i < table->count; i++) {
        const uint32_t id = table->blocks[i];
        a = hash_number(a, id);
        b = hash_number(b, id);
        c = hash_number(c, id);
        d = hash_number(d, id);
    }
    lanes[0] = a;
    lanes[1] = b;
    lanes[2] = c;
    lanes[3] = d;
    table->walked[group] = table->count + 1;
}

/* A lane starts with the low byte it stands for and takes the table's name; blocks follow in walk(). */
static void begin_group(struct remembered *table, uint32_t group)
{
    for (uint32_t lane = 0; lane < LANES; lane++)
        table->lanes[group][lane] = table_hash_in_full(group + lane * (uint64_t)GROUPS, &table->name, NULL, 0);
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
static bool follow(struct remembered *table, const struct table_name *name, const uint32_t *blocks, uint32_t count)
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
    for (; table->count < count; table->count++)
        table->power *= P8;
    return true;
}

uint64_t table_hash_add(struct table_hash *hashes, uint64_t hash, uint32_t request, const struct table_name *name, const uint32_t *blocks,
                        uint32_t count)
{
    struct remembered *table = recall(hashes, request, name);
    if (!table || !follow(table, name, blocks, count))
        return table_hash_in_full(hash, name, blocks, count);
    const uint32_t start = (uint32_t)(hash & 255), group = start % GROUPS;
    if (table->walked[group] == 0)
        begin_group(table, group);
    if (table->walked[group] <= count)
        walk(table, group, table->walked[group] - 1);
    return table->lanes[group][start / GROUPS] + (hash - start) * table->power;
}
