/* status.c - see status.h. */
#include "status.h"

const char *kv_status_text(enum kv_status status)
{
    switch (status) {
    case KV_OK:
        return "fine";
    case KV_NO_BLOCKS:
        return "the pool has too few free blocks";
    case KV_NO_MEMORY:
        return "out of memory";
    case KV_INVALID:
        return "an argument breaks the function's contract";
    }
    return "unknown status";
}
