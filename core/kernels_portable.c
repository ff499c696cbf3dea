/* kernels_portable.c - kernels for any processor: 16-byte vectors, no streaming stores. */
#define KERNELS_NAME           "portable"
#define LANES                  4
#define STREAM(to, value)      store(to, value)
#define ANY_ABOVE(value, than) any_above(value, than)
#define EVEN                   0, 2, 4, 6
#define ODD                    1, 3, 5, 7
#include "kernels_body.h"

static bool any_above(vector value, float than)
{
    return value[0] > than || value[1] > than || value[2] > than || value[3] > than;
}

/* The attention kernel builds on the text above. */
#include "kernels_attention.h"

const struct kv_kernels kv_kernels_portable = KERNELS_TABLE;
