/* status.h - results of fallible functions of the paged KV library.
 *
 * Every fallible function returns one of these; results go through out pointers, written only on KV_OK; a failed call changes nothing.
 * Running out of blocks is control flow, not an accident. A caller's bug (foreign id, double free, bad shape) is KV_INVALID and, in
 * builds with assertions, stops the program at the place.
 */
#ifndef KV_STATUS_H
#define KV_STATUS_H

#include <stdint.h>

enum kv_status {
    KV_OK = 0,
    KV_NO_BLOCKS, /* the pool has fewer free blocks than asked for */
    KV_NO_MEMORY, /* malloc or mmap failed */
    KV_INVALID,   /* an argument breaks the function's contract */
};

#define KV_NODISCARD  __attribute__((warn_unused_result))
#define KV_BLOCK_NONE UINT32_MAX

/* A sentence for a status; never NULL. */
const char *kv_status_text(enum kv_status status);

#endif
