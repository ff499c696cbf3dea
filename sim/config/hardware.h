/* hardware.h - what a GPU can do, and where files of GPUs and models are: configs/gpus and configs/models, or the user's own. What a model's
 * file says is in model_shape.h.
 *
 * A name is looked for as configs/models/NAME.json (configs/gpus/NAME.json) in the current folder, next to the program in a checkout or
 * below any prefix, and where it was to be installed; then as people write it: meta-llama/Llama-3.1-8B-Instruct is llama-3.1-8b, and
 * "NVIDIA H100 80GB HBM3" is h100. What begins with a dot or a slash, ends in .json or is there as a file is a path; a path where no file is,
 * as that of a server's own disk, is looked for by its last part.
 */
#ifndef PAGESIM_HARDWARE_H
#define PAGESIM_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

enum { GPU_NAME_SIZE = 64 };

struct gpu {
    double memory_bytes, bandwidth_gb_per_s, tflops;
    double driver_bytes;      /* part of memory_bytes that programs do not have; 0: the file does not say */
    double link_gb_per_s;     /* to other GPUs, in each direction; 0: the file does not say */
    char name[GPU_NAME_SIZE]; /* the whole one of its file, else the one that it was asked for by */
};

/* Is it a path, and no name to look for? */
bool hardware_is_path(const char *name);

/* SIM_BAD_INPUT: no such file (what was looked for is named), a key is missing or not a number above 0. */
SIM_NODISCARD enum status gpu_load(const char *name, struct gpu *out, struct diag *diag);

struct json_document;
/* Find the file that a name of configs/KIND means, or that it is the path of, and hand it to `read` with `self`, as json_read_file does. */
SIM_NODISCARD enum status hardware_read(const char *name, const char *kind,
                                        enum status (*read)(const struct json_document *document, void *self, struct diag *diag),
                                        void *self, struct diag *diag);

#endif
