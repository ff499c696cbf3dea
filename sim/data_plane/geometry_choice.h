/* geometry_choice.h - where a replay's kernel geometry comes from: told by the user, kept from an earlier run on this kind of processor,
 * measured now, or built in.
 *
 * What was measured is kept in $XDG_CACHE_HOME/pagesim/geometry (~/.cache without the variable), a line each:
 *
 *     version;processor;kernels;dtype;heads x bytes of a head in a block <tab> plan
 *
 * A cache and no more: a file that cannot be read, or holds something else, is as good as none, and one that cannot be written is no error.
 */
#ifndef PAGESIM_GEOMETRY_CHOICE_H
#define PAGESIM_GEOMETRY_CHOICE_H

#include "base/diag.h"
#include "pagedkv.h"

struct geometry_wish {
    const char *told; /* --kernel-geometry, or NULL */
    bool measure;     /* or look up; without it, and for stores that fit the caches, what is built in holds */
};

struct geometry_choice {
    struct kv_geometry_plan plan;
    const char *source; /* "told", "kept", "measured" or "built in"; static */
};

/* For a store as large as this one and of its shape. SIM_USAGE: what was told is no plan. */
SIM_NODISCARD enum status geometry_choose(const struct kv_store *store, const struct geometry_wish *wish, struct geometry_choice *out,
                                          struct diag *diag);

#endif
