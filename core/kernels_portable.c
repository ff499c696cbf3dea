/* kernels_portable.c - kernels for any processor: 16-byte vectors, no streaming stores. */
#define KERNELS_NAME      "portable"
#define LANES             4
#define STREAM(to, value) store(to, value)
#include "kernels_body.h"

const struct kv_kernels kv_kernels_portable = KERNELS_TABLE;
