/* config_fingerprint.h - do two studies replay the same configuration, with the same files? What a journal is of (journal.h). */
#ifndef PAGESIM_CONFIG_FINGERPRINT_H
#define PAGESIM_CONFIG_FINGERPRINT_H

#include "config/config.h"

enum { CONFIG_FILES = 4 };

/* The files that a configuration names: step times, model, GPU, skew table. Most points of a plan name the same ones: this remembers. Without it, a sweep
 * of a million points would read the same files a million times before its first run. Zero it first. */
struct config_files {
    char paths[CONFIG_FILES][CONFIG_PATH_SIZE];
    uint64_t hash;
};

/* Add to *hash all keys as they are in effect, and what stands in the files. */
SIM_NODISCARD enum status config_fingerprint(const struct config *config, struct config_files *files, uint64_t *hash, struct diag *diag);

#endif
