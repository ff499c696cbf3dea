/* session_names.h - what a file calls its sessions: names to numbers and back.
 *
 * Numbers are 1, 2, ... in order of first appearance; 0 is no session. Names are bytes of any kind and compared as such. Zero it first.
 * A lookup takes constant time; memory is the names once and 16 bytes each.
 */
#ifndef PAGESIM_SESSION_NAMES_H
#define PAGESIM_SESSION_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct session_names {
    uint32_t count;
    char *text;      /* one after the other */
    uint64_t *start; /* count + 1 offsets into it: number n is [start[n - 1], start[n]) */
    uint32_t *slots; /* hash table of numbers; 0: empty */
    size_t text_capacity, start_capacity, slot_mask;
};

/* The name's number, a new one if it is new. SIM_FAILED: out of memory. */
SIM_NODISCARD enum status session_names_number(struct session_names *names, const char *name, size_t length, uint32_t *number,
                                               struct diag *diag);

/* The name of a number from 1 to count; not terminated by a zero. */
static inline const char *session_names_text(const struct session_names *names, uint32_t number, size_t *length)
{
    *length = (size_t)(names->start[number] - names->start[number - 1]);
    return names->text + names->start[number - 1];
}

/* *out, which is zeroed, gets the same names with the same numbers. */
SIM_NODISCARD enum status session_names_copy(const struct session_names *names, struct session_names *out, struct diag *diag);

void session_names_deinit(struct session_names *names);

#endif
