/* presets.h - ready workloads, as texts of their parts. What each reproduces and from where is in doc/guide.md, and tests hold it to that. */
#ifndef PAGESIM_PRESETS_H
#define PAGESIM_PRESETS_H

#include <stdint.h>

enum { PRESET_PARTS = 8 };

struct preset {
    const char *name, *meaning;
    uint32_t requests;
    int bundled; /* enum generated_kind of a fixed workload; -1: it has parts */
    struct {
        const char *option, *text;
    } parts[PRESET_PARTS + 1];
};

/* In the order of the help page; the name is NULL after the last. */
extern const struct preset PRESETS[];

#endif
