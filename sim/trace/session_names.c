/* session_names.c - an open-addressing table over names that lie one after the other. Read session_names_number first. */
#include "trace/session_names.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/fingerprint.h"

/* Linear probing, as the table is at most half full. The slot that has the name, or the empty one where it belongs. */
static size_t slot_of(const struct session_names *names, const char *name, size_t length)
{
    uint64_t hash = fingerprint_bytes(FINGERPRINT_START, name, length); /* whose low bits hardly depend on the last bytes */
    hash = (hash ^ hash >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    size_t slot = (size_t)(hash >> 20) & names->slot_mask;
    for (; names->slots[slot] != 0; slot = (slot + 1) & names->slot_mask) {
        size_t have;
        const char *text = session_names_text(names, names->slots[slot], &have);
        if (have == length && memcmp(text, name, length) == 0)
            break;
    }
    return slot;
}

/* Twice as many slots; the names tell where each number goes. */
static enum status grow_slots(struct session_names *names, struct diag *diag)
{
    const size_t slots = names->slots ? 2 * (names->slot_mask + 1) : 64;
    uint32_t *grown;
    enum status status = array_zeroed(&grown, slots, sizeof *grown, "sessions", diag);
    if (status != SIM_OK)
        return status;
    free(names->slots);
    names->slots = grown;
    names->slot_mask = slots - 1;
    for (uint32_t number = 1; number <= names->count; number++) {
        size_t length;
        const char *text = session_names_text(names, number, &length);
        names->slots[slot_of(names, text, length)] = number;
    }
    return SIM_OK;
}

/* A new name is written after the others. */
static enum status append_name(struct session_names *names, const char *name, size_t length, struct diag *diag)
{
    const uint64_t used = names->count > 0 ? names->start[names->count] : 0;
    enum status status = array_reserve(&names->text, &names->text_capacity, (size_t)used + length + 1, 1, "sessions", diag);
    if (status == SIM_OK)
        status = array_reserve(&names->start, &names->start_capacity, (size_t)names->count + 2, sizeof *names->start, "sessions", diag);
    if (status != SIM_OK)
        return status;
    memcpy(names->text + used, name, length);
    names->start[names->count] = used;
    names->start[++names->count] = used + length;
    return SIM_OK;
}

enum status session_names_number(struct session_names *names, const char *name, size_t length, uint32_t *number, struct diag *diag)
{
    enum status status = SIM_OK;
    if (!names->slots || names->count >= names->slot_mask / 2)
        status = grow_slots(names, diag);
    if (status != SIM_OK)
        return status;
    const size_t slot = slot_of(names, name, length);
    if (names->slots[slot] == 0) {
        status = append_name(names, name, length, diag);
        if (status != SIM_OK)
            return status;
        names->slots[slot] = names->count;
    }
    *number = names->slots[slot];
    return SIM_OK;
}

/* Copies are rare and sessions few beside requests, so the table is built again instead of being copied. */
enum status session_names_copy(const struct session_names *names, struct session_names *out, struct diag *diag)
{
    enum status status = SIM_OK;
    for (uint32_t number = 1, same; number <= names->count && status == SIM_OK; number++) {
        size_t length;
        const char *text = session_names_text(names, number, &length);
        status = session_names_number(out, text, length, &same, diag);
    }
    return status;
}

void session_names_deinit(struct session_names *names)
{
    free(names->text);
    free(names->start);
    free(names->slots);
    *names = (struct session_names){0};
}
